"""A dataclass whose methods are compiled at its first use behaves as one of the standard library."""

from __future__ import annotations

import ast
import copy
import dataclasses
import os
import pickle
import signal
import threading
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from lockstitch.model.lazy_dataclass import dataclass
from tests.syntax import parsed

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


@dataclass(frozen=True)
class Base:
    """A base."""

    name: str
    items: list[int] = dataclasses.field(default_factory=list, compare=False)
    kind: str = ""


@dataclass(frozen=True)
class Derived(Base, Generic[T]):
    """A subclass, used before its base."""

    size: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", self.size + 1)


class Plain(Derived[int]):
    """A subclass that is no dataclass of its own."""


@dataclass
class Mutable:
    count: int = 0


def test_an_instance_has_its_fields_defaults_and_methods() -> None:
    made = Derived[int]("a", size=1)
    assert (made.name, made.items, made.size) == ("a", [], 2)
    assert repr(made) == "Derived(name='a', items=[], kind='', size=2)"
    assert made == Derived("a", [1], "", 1) and made != Derived("b", size=1) and made != Base("a")
    assert len({Base("a"), Base("a", [1]), Base("b")}) == 2
    assert Plain("x").size == 4
    with pytest.raises(TypeError, match="name"):
        Base()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Base("a", [], "", 1)  # type: ignore[call-arg]


def test_a_frozen_one_stays_as_it_is_and_another_changes() -> None:
    for made in (Base("a"), Derived("a"), Plain("a")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            made.name = "b"  # type: ignore[misc]
    mutable = Mutable()
    mutable.count += 1
    assert mutable == Mutable(1)


def test_what_the_standard_library_does_with_dataclasses_works() -> None:
    @dataclass(frozen=True)
    class Unused:
        a: int = 1

    @dataclasses.dataclass(frozen=True)
    class Eager(Unused):
        b: int = 2

    assert Unused.a == 1
    assert dataclasses.is_dataclass(Unused) and [each.name for each in dataclasses.fields(Eager)] == ["a", "b"]
    assert dataclasses.replace(Base("a"), name="b", kind="k") == Base("b", kind="k")
    assert dataclasses.asdict(Base("a", [1])) == {"name": "a", "items": [1], "kind": ""}
    assert copy.deepcopy(Base("a")) == Base("a") == pickle.loads(pickle.dumps(Base("a")))
    match Base("a"):
        case Base(name):
            assert name == "a"


def test_threads_that_use_it_first_at_the_same_time() -> None:
    for _ in range(50):

        @dataclass(frozen=True)
        class Shared:
            a: int
            b: str = "b"

        made: list[Shared] = []
        start = threading.Barrier(8)

        def make(kind: type[Shared] = Shared, start: threading.Barrier = start, made: list[Shared] = made) -> None:
            start.wait()
            made.append(kind(1))

        threads = [threading.Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [Shared(1)] * 8


def test_every_dataclass_is_one() -> None:
    assert [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "lockstitch").rglob("*.py"))
        if file.name != "lazy_dataclass.py"
        for node in ast.walk(parsed(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module == "dataclasses"
        and "dataclass" in [alias.name for alias in node.names]
    ] == []


def test_an_interrupt_while_a_class_is_compiled_comes_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_class = dataclasses.dataclass

    def interrupted(**options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return compile_class(**options)

    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 2

    monkeypatch.setattr("lockstitch.model.lazy_dataclass.dataclasses.dataclass", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Point(1)
    assert Point(1) == Point(1, 2) and signal.getsignal(signal.SIGINT) is signal.default_int_handler
