"""Events of a run: the bounded record that each host keeps of it, and the events that hosts have of a run. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lockstitch.facts.history import RunFacts
from lockstitch.model.format import time_of
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site

# The largest record of a run on a host, and the largest event in it, in characters.
LARGEST = 64 * 1024
_LARGEST_EVENT = 24 * 1024
_LONGEST_TEXT = 1000
# Events that a host keeps. Those that are left out first where they are too many stand last.
_KEPT = ("run", "outcome", "watch", "back", "measured", "wave", "watch going back", "smoke", "gate", "reading")
# In notes of a plan on checks and gates that were skipped.
_WAIVED = "waived by --"
# What steps and apps have printed, and paths of the machine that ran it.
_UNSAFE = ("output", "logs", "report", "lines")


@dataclass(frozen=True)
class FoundRun:
    """The events of a run, in order of time, and where they were found: `source` is `this machine` or names the hosts.

    `notes` say what is missing, sentence by sentence; `whole` is False where anything is known to be. An outcome that is
    made from the journals of hosts has `"from": "journal"`.
    """

    run: str
    events: tuple[Mapping[str, Any], ...]
    source: str
    notes: tuple[str, ...] = ()
    whole: bool = True


def kept_record(events: Iterable[Mapping[str, Any]], redacted: Callable[[str], str], *, only: bool = False) -> str:
    """Return the lines that a host keeps of a run: its events without what was printed, masked and at most LARGEST
    characters; empty where these are no events of a run. `only` says that the journal has no other record of it."""
    kept = [_safe(event, redacted) for event in _last_tries(events) if event.get("event") in _KEPT]
    head = _head(kept, only=only)
    if head is None:
        return ""
    lines = [(str(event["event"]), _line(_fitted(event))) for event in kept]
    room = LARGEST - len(head) - 200
    omitted = sum(len(line) + 1 for _, line in lines) > room
    dropped = 0
    for name in reversed(_KEPT) if omitted else ():
        size = sum(len(line) + 1 for _, line in lines)
        some: list[tuple[str, str]] = []
        for kind, line in lines:
            if kind == name and size > room:
                size -= len(line) + 1
                dropped += 1
            else:
                some.append((kind, line))
        lines = some
    rest = [_line({"event": "left out", "events": dropped})] if dropped else []
    return "\n".join([head, *(line for _, line in lines), *rest])


def _head(events: list[dict[str, Any]], *, only: bool) -> str | None:
    began = next((event for event in events if event["event"] == "run"), None)
    if began is None:
        return None
    ended: Mapping[str, Any] = next((event for event in reversed(events) if event["event"] == "outcome"), {})
    about = {key: str(began.get(key) or "")[:500] for key in ("run", "kind", "environment", "by", "message", "names")}
    said = str(ended.get("result") or "")
    result = {"done": "done", "": "open"}.get(said, "failed")
    raw = {"ended": said} if said else {}
    notes = began.get("notes")
    waived = [note for note in notes if _WAIVED in str(note)] if isinstance(notes, list) else []
    raw |= {"waived": "; ".join(waived)[:500]} if waived else {}
    more = {**raw, "at": str(began.get("at") or ""), "result": result, **({"only": "yes"} if only else {})}
    return _line({"event": "kept", **{key: text for key, text in about.items() if text}, **more})


def _last_tries(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out the verdicts of a gate that was asked once more after them."""
    known = list(events)
    later: set[tuple[str, str]] = set()
    made: list[Mapping[str, Any]] = []
    for event in reversed(known):
        if event.get("event") == "gate":
            key = (str(event.get("site")), str(event.get("gate")))
            repeated = key in later
            later.add(key)
            if event.get("attempt") == 1:
                later.discard(key)
            if repeated:
                continue
        made.append(event)
    return made[::-1]


def _safe(event: Mapping[str, Any], redacted: Callable[[str], str]) -> dict[str, Any]:
    def safe(value: Any) -> Any:
        if isinstance(value, str):
            return redacted(value)[:_LONGEST_TEXT]
        if isinstance(value, Mapping):
            return {str(key): safe(each) for key, each in value.items() if key not in _UNSAFE}
        return [safe(each) for each in value] if isinstance(value, (list, tuple)) else value

    made: dict[str, Any] = safe(event)
    return made


def _fitted(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event whose lists are cut until it is small enough; `cut` says how many items each has at most."""

    def cut(value: Any, most: int) -> Any:
        if isinstance(value, dict):
            return {key: cut(each, most) for key, each in value.items()}
        return [cut(each, most) for each in value[:most]] if isinstance(value, list) else value

    made = event
    for most in (200, 100, 50, 20, 5, 0):
        if len(_line(made)) <= _LARGEST_EVENT:
            return made
        made = {**cut(event, most), "cut": most}
    plain = {key: value for key, value in made.items() if not isinstance(value, (dict, list))}
    return plain if len(_line(plain)) <= _LARGEST_EVENT else {"event": event["event"], "at": event.get("at"), "cut": 0}


def _line(event: Mapping[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"), default=str)


def found_on_hosts(run: str, facts_of: Mapping[Site, RunFacts], known: Iterable[Mapping[str, Any]] = ()) -> FoundRun:
    """Return the events of a run that the hosts have: the record that they keep, with the steps of their journals, or
    what the journals alone say. `known` are other events of it, such as those of a watch on this machine."""
    with_some = {site: facts for site, facts in facts_of.items() if facts.lines or facts.kept}
    # All hosts keep the same; a watch that went on has told those of its own.
    kept = max((facts.kept for facts in with_some.values()), key=lambda each: (len(each), _last(each)), default=())
    events: list[Mapping[str, Any]] = [event for event in kept if event.get("event") not in ("kept", "left out")]
    notes = [str(note) for facts in facts_of.values() for note in facts.unreadable]
    notes += [
        f"{site}: {facts.damaged} damaged lines of its journal or record are left out"
        for site, facts in facts_of.items()
        if facts.damaged
    ]
    notes += [
        f"{event.get('events')} events had no room in the record on the hosts"
        for event in kept
        if event.get("event") == "left out"
    ]
    notes += [
        f"the record on the hosts has the first {event['cut']} of each list of its event {event.get('event')}"
        for event in events
        if "cut" in event
    ]
    if with_some and not events:
        notes.append("the hosts keep no record of this run but the lines of their journals")
        events += _from_journals(run, with_some)
    events += [step for site, facts in with_some.items() for step in _steps(site, facts)]
    events += known
    ordered = sorted(events, key=lambda event: (event.get("event") != "run", _time(event)))
    hosts = ", ".join(dict.fromkeys(site.host for site in with_some))
    return FoundRun(run, tuple(ordered), f"the hosts {hosts}" if hosts else "", tuple(notes), not notes)


def _last(events: tuple[Mapping[str, Any], ...]) -> str:
    return max((str(event.get("at") or "") for event in events), default="")


def _steps(site: Site, facts: RunFacts) -> Iterator[dict[str, Any]]:
    began: dict[str, float] = {}
    for line in facts.lines:
        about = {
            "event": line.get("event"),
            "at": line.get("at"),
            "host": site.host,
            "app": line.get("app") or site.app,
        }
        step = line.get("step", "")
        if about["event"] == "begin":
            began[step] = _time(line)
            yield {**about, "name": step, "run": line.get("run", "")}
        elif about["event"] == "end":
            code = line.get("code", "")
            seconds = int(max(0.0, _time(line) - began.get(step, _time(line))))
            yield {**about, "name": step, "code": int(code) if code.isdigit() else None, "seconds": seconds}


def _from_journals(run: str, facts_of: Mapping[Site, RunFacts]) -> list[dict[str, Any]]:
    """Return the first and the last event of a run, as far as the journals of the hosts say them."""
    lines = [(site, line) for site, facts in facts_of.items() for line in facts.lines]
    entries = [(site, entry) for site, facts in facts_of.items() for entry in facts.entries]
    changes = [
        {"site": str(site), "from": line.get("before") or None, "to": line["revision"], "release": line["release"]}
        for site, line in lines
        if line.get("event") == "release" and line.get("verdict") != "left" and line.get("revision")
    ]
    kind = next((entry.kind for _, entry in entries if entry.kind), "")
    made = [
        {
            "event": "run",
            "at": min((line.get("at", "") for _, line in lines), default=""),
            "run": run,
            "kind": kind or next((line["doing"] for _, line in lines if line.get("doing")), ""),
            "by": next((line["by"] for _, line in lines if line.get("by")), ""),
            "message": next((line["message"] for _, line in lines if line.get("message")), ""),
            "changes": changes,
            "notes": [],
            "from": "journal",
        }
    ]
    results = {entry.result for _, entry in entries if entry.result != "left"}
    if results and "open" not in results:
        failures = [{"host": s.host, "app": s.app, "reason": e.reason} for s, e in entries if e.reason]
        result = next((word for word in ("failed", "stopped") if word in results), "done")
        at = max((line.get("at", "") for _, line in lines), default="")
        made.append({"event": "outcome", "at": at, "result": result, "failures": failures, "from": "journal"})
    return made


def _time(event: Mapping[str, Any]) -> float:
    return at.timestamp() if (at := time_of(str(event.get("at") or ""))) else 0.0
