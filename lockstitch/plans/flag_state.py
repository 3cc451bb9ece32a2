"""Pure: the state of a flag on one site: its value, and what the processes of the app have in their environment."""

from __future__ import annotations

import re
from functools import partial

from lockstitch.flags.base import Flag, FlagPlace, FlagReading, parse_reading
from lockstitch.model.command import Command
from lockstitch.model.flag import value_words as shown
from lockstitch.model.gate import Gate, Verdict, failed, passed
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields
from lockstitch.model.shell import shell_text
from lockstitch.services.base import Service
from lockstitch.services.release_context import ReleaseContext

_STATE = shell_text(__package__, "flag_state.sh")


@dataclass(frozen=True)
class FlagProcess:
    """A process of the app's service: `value` is what it has in its environment, None where it lacks the variable;
    `seen` is False where its environment cannot be read."""

    role: str
    pid: str
    value: str | None = None
    seen: bool = True


@dataclass(frozen=True)
class FlagState:
    """The value of a flag, the processes of its app, and what the service says runs otherwise than it should."""

    reading: FlagReading
    processes: tuple[FlagProcess, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def workers(self) -> tuple[FlagProcess, ...]:
        """The processes that serve: the workers, or all where none is called so."""
        return tuple(p for p in self.processes if p.role == "worker") or self.processes


def flag_probe(flag: Flag, at: FlagPlace, service: Service, place: ReleaseContext) -> Probe[FlagState]:
    """Return the question for a flag on one site; where the app has it in its environment, for each process too."""
    name = f"flag {at.flag}"
    if not flag.variable_name():
        return Probe(name, flag.probe(at).command, lambda text, code: FlagState(parse_reading(text, code)))
    asked = service.probe(place).command
    # What the service passes on is compared as well, as far as it knows how.
    text = f"{flag.functions(at)}ls_service() (\n({flag.export_text(at)}\n) >/dev/null || exit 0\n"
    text += f"{flag.export_text(at)}\n{asked.text}\n)\n{_STATE}"
    values = {"names": "", **asked.values, **flag.values(at)}
    return Probe(name, Command(text, values=values, env=asked.env), parse_state)


def parse_state(text: str, code: int) -> FlagState:
    """Parse the lines of flag_state.sh."""
    said = collect(text)
    rows = [fields(line, 4) for line in said["process"]]
    processes = tuple(
        FlagProcess(row[0], row[1], row[3] if row[2] == "has" else None, row[2] != "unreadable") for row in rows
    )
    reading = "\n".join(
        f"{word} {rest}".strip() if word == "unset" else f"{word} {rest}"
        for word in ("value", "unset", "unreadable")
        for rest in said[word]
    )
    return FlagState(parse_reading(reading or text, code), processes, tuple(said["drift"]))


def flag_gate(flag: Flag, at: FlagPlace, service: Service, place: ReleaseContext, to: str | None) -> Gate:
    """Return the gate that a flag has a value, and that the app's processes have it where they should."""
    judge = partial(judge_flag, flag, service.has_environment(), to)
    return Gate("flag", flag_probe(flag, at, service, place), judge, tries=5)


def judge_flag(flag: Flag, compared: bool, to: str | None, state: FlagState) -> Verdict:
    """Judge whether a flag has a value everywhere; with `compared` the service itself compares the environment of its
    processes with what it should be."""
    reading, variable = state.reading, flag.variable_name()
    if reading.problem:
        return failed(f"{flag.says()} cannot be read: {reading.problem}")
    if reading.value != to:
        return failed(f"{flag.says()} is {shown(reading.value)}, not {shown(to)}")
    if not variable:
        return passed(f"{flag.says()} is {shown(to)}")
    for line in state.drift:
        if variable in re.findall(r"\w+", line):
            return failed(line, "only a start of the service gives its processes another environment")
    for process in state.workers:
        # An empty variable and none are the same to most readers.
        if process.value is not None and process.value != (to or ""):
            says = f"process {process.pid} has {variable}={process.value} in its environment, not {shown(to)}"
            return failed(says, f"what starts the service sets {variable} itself, or does not read {flag.says()}")
    if flag.is_read_by_app():
        return passed(f"{flag.says()} is {shown(to)}, and every process began after that")
    if compared or to is None:
        return passed(
            f"{flag.says()} is {shown(to)}, and so it is in the environment of {len(state.workers)} processes"
        )
    return _all_have(flag, to, state)


def _all_have(flag: Flag, to: str, state: FlagState) -> Verdict:
    variable = flag.variable_name()
    hint = f"let what starts the service read the file that has {variable}; or, if the app's code reads it, write read_by: app"
    if not state.workers:
        return failed(f"which processes of the app have {variable} cannot be seen: its service tells of none", hint)
    for process in state.workers:
        if not process.seen:
            says = f"the environment of process {process.pid} cannot be read, so whether it has {variable} is not known"
            return failed(says, "let it run as the user who deploys, or let that user read it with sudo")
        if process.value is None:
            return failed(f"process {process.pid} has no {variable} in its environment", hint)
    return passed(f"{flag.says()} is {to}, and so it is in the environment of {len(state.workers)} processes")
