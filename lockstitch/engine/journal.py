"""EFFECT: the controller's record of a run: `RUN/events.jsonl` under the runs folder, a line an event."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, field, replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from lockstitch.errors import CheckError, LockstitchError
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.outcome import GateAsked, Outcome, RollbackBegan, RunEvent, RunMessage, WaveBegan
from lockstitch.model.plan import Plan, Wave
from lockstitch.model.results import StepBegan, StepEnded, StepOutput
from lockstitch.model.smoke_check import SmokeResult
from lockstitch.model.wave_watch import GateMeasured, WatchMemory

_SYNCED = frozenset(
    {"run", "begin", "end", "gate", "reading", "smoke", "watch", "watch going back", "watch memory", "outcome"}
)


def now() -> str:
    """Return the present time in UTC, in the format of the journals."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Journal:
    """Appends events to the file of one run. The begin or end of a step is on the disk before `write` returns."""

    def __init__(self, directory: Path, run: str) -> None:
        self.path = directory / run / "events.jsonl"
        with self._write_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
            os.chmod(self.path, 0o640)
            _end_line(self.path, self._file)
        self._lock = threading.Lock()

    def write(self, event: str, **fields: Any) -> None:
        """Append a line with the event's name, the time and its fields. Raises CheckError if that fails; the file then
        holds no part of the line."""
        line = json.dumps({"event": event, "at": now(), **fields}, ensure_ascii=False, default=str) + "\n"
        with self._lock, self._write_errors():
            unwritten, before = memoryview(line.encode("utf-8", "replace")), os.fstat(self._file.fileno()).st_size
            try:
                while unwritten:
                    unwritten = unwritten[self._file.write(unwritten) or 0 :]
                if event in _SYNCED:
                    os.fsync(self._file.fileno())
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._file.fileno(), before)
                raise

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = f"the record of this run cannot be written on this machine: {(error.strerror or str(error)).lower()}"
            disk = next((place for place in self.path.parents if place.is_mount()), self.path.parent)
            hint = "see here with df -h and ls -ld; `runs` under `lockstitch` in fabric.yaml moves it"
            raise CheckError(f"{said}: {self.path} (the file system is that of {disk})", hint=hint) from error

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _end_line(path: Path, file: FileIO) -> None:
    """End the last line of a record that is written again, where a power loss has cut it off: the next one is its own."""
    with path.open("rb") as known:
        size = os.fstat(known.fileno()).st_size
        if size and os.pread(known.fileno(), 1, size - 1) != b"\n":
            file.write(b"\n")


def note(path: Path, **fields: Any) -> None:
    """Add one line to a file that several processes may write to. Raises OSError if the whole line could not be
    written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"at": now(), **fields}, ensure_ascii=False, default=str) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    with open(descriptor, "rb+", buffering=0) as file:
        # What a full disk or a power loss has cut off does not spoil this line.
        size = os.fstat(descriptor).st_size
        whole = not size or os.pread(descriptor, 1, size - 1) == b"\n"
        unwritten = memoryview(("" if whole else "\n").encode() + line.encode("utf-8", "replace"))
        while unwritten:
            unwritten = unwritten[file.write(unwritten) or 0 :]


def records(path: Path) -> tuple[list[Mapping[str, Any]], int]:
    """Return the whole lines of a file of events or notes, and the number of damaged ones. Raises OSError."""
    entries: list[Mapping[str, Any]] = []
    damaged = 0
    for line in path.read_bytes().replace(b"\0", b"\n").split(b"\n"):
        try:
            entries += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            damaged += 1
    return entries, damaged


def record_files(runs: Path) -> list[Path]:
    """Return the files of events of all runs of this machine, the newest first, those too that are seen to be there and
    cannot be looked at. Raises OSError where the runs cannot be listed."""
    try:
        folders = sorted(runs.iterdir(), reverse=True)
    except FileNotFoundError:
        return []
    return [folder / "events.jsonl" for folder in folders if _may_have(folder / "events.jsonl")]


def _may_have(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


_NAMES = {StepBegan: "begin", StepEnded: "end", StepOutput: "output"}
# How much of the beginning and of the end of a step's output is kept, in characters; a line costs some more.
KEPT = 512 * 1024
_LINE = 128


def journaled(journal: Journal, plan: Plan, show: Callable[[RunEvent], None]) -> Recorder:
    """Write the run's first line, and return an observer that writes down each event and then shows it."""
    changes = [{"site": str(c.site), "from": c.before, "to": c.after, "release": c.release} for c in plan.changes]
    journal.write(
        "run",
        run=plan.run,
        kind=plan.kind,
        environment=plan.environment,
        by=plan.by,
        message=plan.message,
        changes=changes,
        refs=dict(plan.refs),
        commits={app: [vars(commit) for commit in some] for app, some in plan.commits.items()},
        waves=[*map(_planned, plan.waves)],
        notes=list(plan.notes),
        **({"flags": [vars(flag) for flag in plan.flags]} if plan.flags else {}),
    )
    return Recorder(journal, show)


def _planned(wave: Wave) -> dict[str, Any]:
    """Return a wave as it was planned: each of its steps in words, with the sites that have it."""
    steps: dict[str, dict[str, list[str]]] = {}
    for unit in wave.site_plans:
        for step in unit.steps:
            known = steps.setdefault(step.name, {"says": [], "sites": []})
            known["says"] += [] if step.description in known["says"] else [step.description]
            known["sites"].append(str(unit.site))
    return {"name": wave.name, "pause": wave.pause, "visible": wave.visible, "steps": steps}


@dataclass
class _Long:
    """The output of a running step: how much is written down, and the last lines, which wait until it ends."""

    written: int = 0
    end: deque[tuple[str, StepOutput]] = field(default_factory=deque)
    size: int = 0
    lines: int = 0
    characters: int = 0

    def keep(self, event: StepOutput) -> None:
        """Keep a line for the end, and drop the oldest ones that no longer fit."""
        self.end.append((now(), event))
        self.size += len(event.line) + _LINE
        while self.size > KEPT:
            line = self.end.popleft()[1].line
            self.size -= len(line) + _LINE
            self.lines += 1
            self.characters += len(line)


class Recorder:
    """Writes down each event and shows it.

    A display that fails does not end the run. A record that fails raises CheckError, after the event was shown.
    """

    def __init__(self, journal: Journal, show: Callable[[RunEvent], None]) -> None:
        self._journal, self._show = journal, show
        self._long: dict[tuple[str, str, str], _Long] = {}
        self.trouble: list[str] = []
        self._blind = False

    def __call__(self, event: RunEvent) -> None:
        try:
            self._write(event)
        finally:
            self._seen(event)

    def ended(self, outcome: Outcome, document: dict[str, Any]) -> Outcome:
        """Write down the outcome as `document`. Returns the outcome with notes on what could not be recorded or
        shown."""
        try:
            for key in list(self._long):
                self._flush(key)
            self._journal.write("outcome", **document)
        except LockstitchError as error:
            self.trouble.append(error.message)
        known = {*outcome.notes, *(failure.reason for failure in outcome.failures)}
        return replace(outcome, notes=(*outcome.notes, *(said for said in self.trouble if said not in known)))

    def _seen(self, event: RunEvent) -> None:
        if self._blind:
            return
        try:
            self._show(event)
        except Exception as error:
            self._blind = True
            said = error.message if isinstance(error, LockstitchError) else repr(error)
            self.trouble.append(f"not all of this run was shown: {said}")

    def _write(self, event: RunEvent) -> None:
        if isinstance(event, StepOutput):
            long = self._long.setdefault((event.host, event.app, event.name), _Long())
            if long.written >= KEPT:
                long.keep(event)
                return
            long.written += len(event.line) + _LINE
        elif isinstance(event, (StepBegan, StepEnded)):
            self._flush((event.host, event.app, event.name))
        name, fields = _line(event)
        self._journal.write(name, **fields)

    def _flush(self, key: tuple[str, str, str]) -> None:
        """Write down the end of a long output, and the size of the part that is left out before it."""
        long = self._long.pop(key, _Long())
        if long.lines:
            host, app, name = key
            omitted = {"lines": long.lines, "characters": long.characters}
            self._journal.write("left out", host=host, app=app, name=name, **omitted)
        for at, event in long.end:
            self._journal.write("output", **asdict(event), at=at)


def _line(event: RunEvent) -> tuple[str, dict[str, Any]]:
    match event:
        case WaveBegan():
            of = {"number": event.number, "of": event.of}
            return "wave", {"name": event.name, "sites": [str(site) for site in event.sites], **of}
        case GateAsked():
            verdict = event.verdict
            details = {"answer": verdict.answer.value, "reason": verdict.reason, "attempt": event.attempt}
            return "gate", {"site": str(event.site), "gate": event.gate, **details}
        case RollbackBegan():
            return "back", {"why": event.why, "sites": [str(site) for site in event.sites]}
        case GateMeasured():
            return "reading", asdict(event)
        case WatchMemory():
            return "watch memory", asdict(event)
        case SmokeResult():
            return "smoke", {**event.as_fields(), "after_rollback": event.after_rollback}
        case RunMessage():
            return "said", {"text": event.text}
        case _:
            return _NAMES[type(event)], asdict(event)
