"""The ledger, cut at any byte and damaged in any way: nothing that is open is ever closed by that."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from lockstitch.engine.smoke.ledger import Ledger
from lockstitch.inventory.smoke import SmokeCleanSettings
from lockstitch.smoke.ledger import LedgerEntry, read_ledger

NAMES = ("one", "two", "three")


def entry(name: str) -> LedgerEntry:
    clean = SmokeCleanSettings.model_validate({"delete": f"/{name}/{{id}}"})
    return LedgerEntry(f"run.{name}", "prod", "api", name, "2026-01-01T00:00:00Z", "run", clean)


def written(events: list[tuple[str, str]]) -> bytes:
    """Write a ledger in the order that a run keeps: begin, saved, closed of each thing."""
    with TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "run.jsonl")
        begun: set[str] = set()
        for event, name in events:
            if event == "begin" and name not in begun:
                ledger.begin(entry(name))
                begun.add(name)
            elif event == "saved" and name in begun:
                ledger.saved(f"run.{name}", {"id": f"{name} \n \x00 ü"})
            elif event == "closed" and name in begun:
                ledger.closed(f"run.{name}", "taken away")
                begun.discard(name)
        return ledger.path.read_bytes() if ledger.path.exists() else b""


EVENTS = st.lists(st.tuples(st.sampled_from(["begin", "saved", "closed"]), st.sampled_from(NAMES)), max_size=12)


@given(EVENTS)
def test_a_whole_ledger_has_what_is_open(events: list[tuple[str, str]]) -> None:
    facts = read_ledger(written(events))
    begun: list[str] = []
    for event, name in events:
        if event == "begin" and name not in begun:
            begun.append(name)
        elif event == "closed" and name in begun:
            begun.remove(name)
    assert sorted(each.step for each in facts.open) == sorted(begun) and facts.damaged == ()


@given(EVENTS, st.data())
def test_a_cut_at_any_byte_closes_nothing(events: list[tuple[str, str]], data: st.DataObject) -> None:
    whole = written(events)
    cut = data.draw(st.integers(0, len(whole)))
    facts = read_ledger(whole[:cut])
    lines = whole[:cut].split(b"\n")
    before = read_ledger(b"\n".join([*lines[:-1], b""]))
    # The last line counts where it is whole but for its end; it is never taken for less than it says.
    assert facts == before or facts == read_ledger(whole[: cut + 1]) or facts.damaged == (len(lines),)
    if lines[-1] and facts.damaged == ():
        assert facts == read_ledger(whole[: cut + 1])
    assert {each.entry for each in before.open} - {each.entry for each in facts.open} <= (
        {each.entry for each in before.open} if facts.damaged == () else set()
    )


@given(EVENTS, st.binary(max_size=20), st.data())
def test_bytes_of_somebody_else_are_told_or_change_nothing(
    events: list[tuple[str, str]], noise: bytes, data: st.DataObject
) -> None:
    lines = written(events).split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    noise = noise.replace(b"\n", b"")
    facts, clean = read_ledger(b"\n".join([*lines[:at], noise, *lines[at:]])), read_ledger(b"\n".join(lines))
    assert facts.open == clean.open
    assert bool(facts.damaged) is bool(noise.strip(b"\0 \r\t"))


def test_a_line_after_a_torn_one_is_a_line_of_its_own(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.jsonl")
    ledger.begin(entry("one"))
    with ledger.path.open("ab") as file:
        file.write(b'{"event": "clo')
    ledger.begin(entry("two"))
    facts = ledger.read()
    assert [each.step for each in facts.open] == ["one", "two"] and facts.damaged == (2,)
    # What is open or damaged is kept.
    with ledger:
        pass
    assert ledger.path.exists()


def test_a_ledger_is_held_by_one_run(tmp_path: Path) -> None:
    mine, theirs = Ledger(tmp_path / "run.jsonl"), Ledger(tmp_path / "run.jsonl")
    assert mine.hold() and not theirs.hold()
    with mine:
        mine.begin(entry("one"))
        mine.closed("run.one", "taken away")
    assert not mine.path.exists()
