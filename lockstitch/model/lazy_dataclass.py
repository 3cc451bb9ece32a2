"""`dataclass` as in the standard library, but its methods are compiled when the class is first used.

Compiling those of one class takes half a millisecond, and a command uses a tenth of all classes that it imports. A
third of that is saved where `==`, `hash()` and `repr()` are not compiled for each class, but read its fields.
"""

from __future__ import annotations

import dataclasses
import operator
import reprlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        """Make a class a dataclass, as a decorator with or without the options of the standard library's."""
        return _deferred(cls, options) if cls is not None else lambda cls: _deferred(cls, options)


_FIELDS = "__dataclass_fields__"
# One lock: a class is compiled with its bases.
_lock = threading.RLock()
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Deferred:
    """Stands for the fields of a class that is not compiled yet: subclasses and `dataclasses.fields` ask for them."""

    def __init__(self, cls: type, options: dict[str, Any]) -> None:
        self.cls, self.options = cls, options

    def __get__(self, instance: object, owner: type) -> Any:
        _compile(self.cls)
        return getattr(owner, _FIELDS)


def _deferred(cls: Any, options: dict[str, Any]) -> Any:
    def new(kind: type, /, *args: Any, **kwargs: Any) -> Any:
        # There is no instance before this has been called.
        if not compiled:
            _compile(cls)
            compiled.append(True)
        return super(cls, kind).__new__(kind)

    compiled: list[bool] = []
    cls.__new__ = new
    setattr(cls, _FIELDS, _Deferred(cls, options))
    return cls


def _compile(cls: Any) -> None:
    with _signals_held(), _lock:
        deferred = vars(cls)[_FIELDS]
        if isinstance(deferred, _Deferred):
            delattr(cls, _FIELDS)
            options = deferred.options
            if options.get("order"):
                dataclasses.dataclass(**options)(cls)
                return
            dataclasses.dataclass(**{**options, "eq": False, "repr": False})(cls)
            for name, method in _methods(cls, options).items():
                if name not in vars(cls):
                    setattr(cls, name, method)


def _methods(cls: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the methods of a class that read its fields as they are told by `dataclasses.fields`."""
    fields = dataclasses.fields(cls)
    shown = tuple(each.name for each in fields if each.repr)
    compared = _getter([each.name for each in fields if each.compare])
    hashed = _getter([each.name for each in fields if (each.compare if each.hash is None else each.hash)])

    @reprlib.recursive_repr()
    def shown_as(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def equals(self: Any, other: Any) -> Any:
        return compared(self) == compared(other) if type(other) is type(self) else NotImplemented

    def digest(self: Any) -> int:
        return hash(hashed(self))

    methods: dict[str, Any] = {"__repr__": shown_as} if options.get("repr", True) else {}
    if options.get("eq", True):
        methods |= {"__hash__": digest if options.get("frozen") else None, "__eq__": equals}
    return methods


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """Return what tells the values of some attributes: a tuple, the value itself where there is one."""
    return operator.attrgetter(*names) if names else lambda instance: ()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hand on a signal only afterwards: an interrupt in the middle would leave a class that cannot be used any more."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[tuple[int, FrameType | None]] = []
    before = {int(number): signal.getsignal(number) for number in _HELD}
    for number in (held := [number for number, handler in before.items() if callable(handler)]):
        signal.signal(number, lambda *call: heard.append(call))
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, before[number])
    for number, frame in heard:
        before[number](number, frame)  # type: ignore[operator, misc]
