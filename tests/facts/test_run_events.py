"""The record of a run that hosts keep: bounded, without secrets, and readable however far it came."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.engine.redact import redacted
from lockstitch.facts.history import parse_history, parse_run
from lockstitch.facts.run_events import LARGEST, found_on_hosts, kept_record
from lockstitch.model.command import Secret
from lockstitch.model.layout import layout
from lockstitch.model.plan import Site

SITES = tuple(Site(host, "api", layout("releases", "/srv/api")) for host in ("a", "b"))
HOSTILE = "a\nb\x1b[31m\u202e <!channel> \"release\" 'x'"
Event = dict[str, Any]


def run_of(hosts: int = 2, readings: int = 3, text: str = HOSTILE) -> list[Event]:
    """Return the events that this machine writes for a deploy that went back."""
    names = [f"api@h{n}" for n in range(hosts)]
    changes = [{"site": name, "from": "a" * 40, "to": "b" * 40, "release": "R1"} for name in names]
    about = {"run": "r1", "kind": "deploy", "environment": "prod", "by": "ada@desk", "message": text}
    events: list[Event] = [{"event": "run", **about, "changes": changes, "notes": [text]}]
    events += [{"event": "wave", "name": "switch", "sites": names}]
    for name in names:
        host = name.partition("@")[2]
        step = {"host": host, "app": "api", "name": "build"}
        events += [{"event": "begin", **step}, {"event": "output", **step, "line": text}]
        events += [{"event": "end", **step, "code": 0, "seconds": 1}]
        gate = {"event": "gate", "site": name, "gate": "serving", "reason": text}
        events += [{**gate, "answer": "fail", "attempt": 1}, {**gate, "answer": "pass", "attempt": 2}]
    events += [
        {"event": "reading", "app": "api", "gate": "errors", "says": text, "end": float(n)} for n in range(readings)
    ]
    events += [{"event": "said", "text": text}, {"event": "back", "why": text, "sites": names}]
    failure = {"host": "h0", "app": "api", "what": "build", "reason": text, "output": [text], "logs": {"l": [text]}}
    events += [{"event": "outcome", "result": "put back", "seconds": 1.5, "failures": [failure]}]
    return [{**event, "at": f"2026-11-24T14:{n // 60 % 60:02}:{n % 60:02}.000000Z"} for n, event in enumerate(events)]


def lines(text: str) -> list[Event]:
    return [json.loads(line) for line in text.splitlines()]


def answer(*records: str, journal: list[str] | None = None) -> str:
    return "".join(f"line {line}\n" for line in journal or []) + "".join(f"kept {line}\n" for line in records)


def test_it_has_the_events_of_a_run_without_what_was_printed() -> None:
    head, *kept = lines(kept_record(run_of(), redacted))
    assert (head["event"], head["kind"], head["result"], head["run"]) == ("kept", "deploy", "failed", "r1")
    names = [event["event"] for event in kept]
    assert names == ["run", "wave", "gate", "gate", "reading", "reading", "reading", "back", "outcome"]
    # Of a gate that was asked again, the last verdict.
    assert [event["answer"] for event in kept if event["event"] == "gate"] == ["pass", "pass"]
    assert kept[-1]["failures"] == [{"host": "h0", "app": "api", "what": "build", "reason": HOSTILE}]


def test_secrets_are_masked_known_or_by_their_look() -> None:
    text = "it said hunter2, and PASSWORD=swordfish at https://ada:tulip@example.com/"
    kept = kept_record(run_of(text=text), partial(redacted, secrets=[Secret("hunter2")]))
    assert not any(word in kept for word in ("hunter2", "swordfish", "tulip")) and "***" in kept


@pytest.mark.parametrize("size", [{"hosts": 900}, {"readings": 900}, {"text": "x" * 200_000}, {"hosts": 400}])
def test_it_is_bounded_and_says_what_it_lacks(size: Any) -> None:
    kept = kept_record(run_of(**size), redacted)
    assert len(kept.encode()) <= LARGEST
    found = found_on_hosts("r1", {SITES[0]: parse_run(answer(*kept.splitlines()), 0)})
    assert {"run", "outcome"} <= {event["event"] for event in found.events}
    if "text" not in size:
        assert not found.whole and "in the record on the hosts" in " ".join(found.notes)


@given(st.integers(0, 60), st.integers(0, 30), st.text(max_size=3000))
def test_any_run_is_kept_within_its_bounds_and_found_again(hosts: int, readings: int, text: str) -> None:
    events = run_of(hosts, readings, text)
    kept = kept_record(events, redacted)
    assert len(kept.encode()) <= LARGEST
    found = found_on_hosts("r1", {SITES[0]: parse_run(answer(*kept.splitlines()), 0)})
    assert found.events[0]["event"] == "run" and found.source == "the hosts a"
    assert [event["event"] for event in found.events if event["event"] in ("back", "outcome")] == ["back", "outcome"]


def test_a_run_that_was_killed_at_any_event_is_kept_as_far_as_it_came() -> None:
    events = run_of()
    assert kept_record([], redacted) == ""
    for n in range(1, len(events) + 1):
        head, *kept = lines(kept_record(events[:n], redacted))
        assert head["result"] == ("failed" if n == len(events) else "open")
        assert kept[0]["event"] == "run"


JOURNAL = [
    json.dumps(line, separators=(",", ":"))
    for line in (
        {"event": "begin", "run": "r1", "by": "ada", "app": "api", "step": "build", "at": "2026-11-24T14:03:01Z"},
        {"event": "end", "run": "r1", "step": "build", "at": "2026-11-24T14:03:04Z", "code": 0},
        {"event": "begin", "run": "r1", "by": "ada", "app": "api", "step": "record good", "at": "2026-11-24T14:03:05Z"},
        {
            "event": "release",
            "kind": "deploy",
            "release": "R1",
            "revision": "b" * 40,
            "before": "a" * 40,
            "run": "r1",
            "by": "ada",
            "message": "m",
            "verdict": "good",
            "at": "2026-11-24T14:03:05Z",
        },
        {"event": "end", "run": "r1", "step": "record good", "at": "2026-11-24T14:03:05Z", "code": 0},
    )
]


def test_the_journal_of_an_earlier_version_gives_the_events_that_it_has() -> None:
    found = found_on_hosts("r1", {site: parse_run(answer(journal=JOURNAL), 0) for site in SITES})
    run, *others = found.events
    assert (run["kind"], run["by"], run["message"], run["from"]) == ("deploy", "ada", "m", "journal")
    assert run["changes"] == [{"site": str(site), "from": "a" * 40, "to": "b" * 40, "release": "R1"} for site in SITES]
    assert next(event for event in others if event["event"] == "end") == {
        "event": "end",
        "at": "2026-11-24T14:03:04Z",
        "host": "a",
        "app": "api",
        "name": "build",
        "code": 0,
        "seconds": 3,
    }
    assert [event["result"] for event in others if event["event"] == "outcome"] == ["done"]
    assert not found.whole and "keep no record" in found.notes[0]


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"event":', "\udcff", "kept", "[" * 9999])
def test_what_is_damaged_is_told_and_hides_no_other_event(damage: str) -> None:
    kept = kept_record(run_of(), redacted).splitlines()
    for place in range(len(kept) + 1):
        facts = parse_run(answer(*kept[:place], damage, *kept[place:], journal=JOURNAL), 0)
        found = found_on_hosts("r1", {SITES[0]: facts})
        assert [event["event"] for event in found.events].count("outcome") == 1
        assert found.notes == ("api@a: 1 damaged lines of its journal or record are left out",)


def test_what_cannot_be_read_is_told() -> None:
    found = found_on_hosts("r1", {SITES[0]: parse_run("unreadable /srv/x: Permission denied\n", 0)})
    assert (found.events, found.source, found.whole) == ((), "", False)
    assert found.notes == ("/srv/x: Permission denied",)


def test_a_run_that_no_journal_has_stands_in_the_history_at_its_time() -> None:
    def entry(at: str) -> str:
        return "entry " + json.dumps({"event": "run", "kind": "restart", "run": at, "by": "ada", "at": at}) + "\n"

    events = [{"event": "run", "run": "m", "kind": "measure", "by": "ada", "names": "health", "at": "2026-01-02"}]
    kept = f"kept {kept_record(events, redacted, only=True).splitlines()[0]}\n"
    text = entry("2026-01-01") + entry("2026-01-03") + kept
    made = [(each.kind, each.subject, each.result) for each in parse_history(text, 0).entries]
    assert made == [("restart", "", "done"), ("measure", "health", "open"), ("restart", "", "done")]
    assert len(parse_history(text, 0, since="2026-01-02T12").entries) == 2
