"""The observed state of a service, and the judgement that most services share.

A probe prints lines of words, made with the shell functions in OBSERVE:

    reloaded SECONDS             seconds since the host's boot at which the last reload since then began
    release DIRECTORY            the real path of the release that should run
    process ROLE PID SECONDS DIRECTORY     a process: since when (seconds since boot), in which directory
    running TEXT | down TEXT     what the service manager says of it
    boot EPOCH                   when the host booted
    also drift TEXT              what runs otherwise than its settings now say: only a restart, or a reload, makes it so
    also WORDS                   what only that service understands
"""

from __future__ import annotations

from lockstitch.model.gate import Verdict, failed, passed
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import collect, last, number
from lockstitch.model.shell import shell_text

_WORDS = frozenset({"process", "reloaded", "release", "running", "down", "boot", "also"})
OBSERVE = shell_text(__package__, "observe.sh")
# Noted before a reload by the start of a fresh process: the workers' own clock, also where /proc/uptime is not. A subshell
# is one.
NOTE_RELOAD = r"""
ls_note=$(read -r ls_line </proc/self/stat; set -- ${ls_line##*) }; echo "${20}")
[ -n "$ls_note" ] || { echo "/proc/self/stat cannot be read: when this reload began cannot be noted"; exit 1; }
echo "$ls_note" >"$state/reloaded"
"""


@dataclass(frozen=True)
class ServiceProcess:
    """One process of a service. `started` is in hundredths of a second since the host's boot."""

    role: str
    pid: int
    started: int
    directory: str


@dataclass(frozen=True)
class ServiceState:
    """An observation. `note` is what the service manager said, `expected` the folder of the release that should run."""

    running: bool
    note: str = ""
    processes: tuple[ServiceProcess, ...] = ()
    reloaded: int | None = None
    expected: str = ""
    boot: int = 0
    also: tuple[str, ...] = ()

    @property
    def workers(self) -> tuple[ServiceProcess, ...]:
        return tuple(p for p in self.processes if p.role == "worker")

    @property
    def drift(self) -> tuple[str, ...]:
        """Differences between what runs and what its unit, its ecosystem file or the app's environment now say."""
        return tuple(collect(self.also)["drift"])

    @property
    def since(self) -> int | None:
        """The time at which the newest worker started, in seconds since the epoch."""
        return max((self.boot + p.started // 100 for p in self.workers), default=None)


def parse_state(text: str, code: int) -> ServiceState:
    """Return the state from a probe's lines; any other line is the manager's note."""
    said = collect(text, _WORDS)
    word = next((word for word in ("down", "running") if word in said), "")
    return ServiceState(
        word == "running" and code == 0,
        last(said, word) if word else (said[""] or [""])[0],
        tuple(process for rest in said["process"] if (process := _process(rest))),
        number(last(said, "reloaded")),
        last(said, "release"),
        number(last(said, "boot")) or 0,
        tuple(said["also"]),
    )


def _process(rest: str) -> ServiceProcess | None:
    match rest.split(" ", 3):
        case [role, pid, began, directory] if (p := number(pid)) and (s := number(began)) is not None:
            return ServiceProcess(role, p, s, directory)
    return None


def judge_serving(state: ServiceState) -> Verdict:
    """Judge whether the service runs, and every worker began after the last reload and runs in the release."""
    if not state.running:
        return failed(f"the service is not running: {state.note or 'no word from it'}")
    if not state.workers:
        return failed("the service has no worker")
    older = [p.pid for p in state.workers if state.reloaded is not None and p.started < state.reloaded]
    if older:
        return failed(f"{len(older)} of {len(state.workers)} workers are older than the reload (pid {older[0]})")
    for process in state.workers:
        inside = process.directory == state.expected or process.directory.startswith(state.expected + "/")
        if not state.expected or not inside:
            return failed(
                f"worker {process.pid} runs in {process.directory or 'an unknown folder'}, "
                f"not in {state.expected or 'the release'}"
            )
    return passed(f"{len(state.workers)} workers run the release")
