"""Records of logs, counted by the script that runs on hosts, in every awk that is here."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lockstitch.engine.ask import Query, ask
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.logs import AppLogs
from lockstitch.metrics.measurement import LogPlace, Measurement, Question, Window
from lockstitch.model.command import Command
from lockstitch.model.host import Address, Host
from tests.awks import AWKS
from tests.awks import awk as awk_words
from tests.local import LocalRemote

HOST = Host("web1", Address("web1"))
WINDOWS = (Window(-300), Window(-600, -300))
Measure = Callable[..., Measurement]


class Machine:
    """A host with one awk, and what its journal has."""

    def __init__(self, root: Path, awk: str) -> None:
        self.programs = root / "programs"
        self.programs.mkdir()
        if (words := awk_words(awk)) is None:
            pytest.skip(f"{awk} cannot be had")
        self.program("awk", f'exec {words} "$@"')
        path = f"{self.programs}:{os.environ['PATH']}"
        self.remote = LocalRemote(root / "homes", env={"PATH": path, "TZ": "UTC"})
        self.home = self.remote.home("web1")

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def log(self, name: str, lines: Sequence[str], ago: float = 0) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
        os.utime(path, (time.time() - ago, time.time() - ago))
        return path

    def read(
        self, *places: LogPlace, patterns: tuple[str, ...] = ("ERROR|Traceback",), paths: tuple[str, ...] = ()
    ) -> Measurement:
        source = AppLogs(kind="logs", paths=paths)
        probe = source.probe(Question(WINDOWS, patterns=patterns, places=places))
        answer = ask(self.remote, [Query("web1", HOST, (probe,))])["web1"].facts[0]
        assert isinstance(answer, Measurement)
        return answer

    def counts(self, *places: LogPlace, pattern: str = "ERROR|Traceback") -> list[tuple[int, int]]:
        answer = self.read(*places, patterns=(pattern,))
        assert answer.blind == "", answer
        return [(window.records[pattern].bad, window.records[pattern].total) for window in answer.windows]


@pytest.fixture(params=AWKS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, request.param)


def shown(ago: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return time.strftime(form, time.gmtime(time.time() - ago))


FORMS: dict[str, Callable[[float, str], str]] = {
    "python": lambda ago, text: f"{shown(ago)},123 {text}",
    "gunicorn": lambda ago, text: f"[{shown(ago)} +0000] [12] [{text}] Booting",
    "other zone": lambda ago, text: f"{shown(ago - 7200, '%Y-%m-%dT%H:%M:%S')}.5+02:00 {text}",
    "laravel": lambda ago, text: f"[{shown(ago)}] production.{text}: no",
    "nginx": lambda ago, text: f"{shown(ago, '%Y/%m/%d %H:%M:%S')} [error] {text}",
    "level first": lambda ago, text: f"INFO:     {shown(ago)} {text}",
    "pm2": lambda ago, text: f"0|api  | {shown(ago, '%Y-%m-%dT%H:%M:%S')}: {text}",
    "utc": lambda ago, text: f"{shown(ago, '%Y-%m-%dT%H:%M:%SZ')} {text}",
    "syslog": lambda ago, text: f"{shown(ago, '%b %e %H:%M:%S')} web1 api[3]: {text}",
    "access": lambda ago, text: f'192.0.2.1 - - [{shown(ago, "%d/%b/%Y:%H:%M:%S")} +0000] "GET /{text} HTTP/1.1" 200 1',
    "json": lambda ago, text: f'{{"level":"{text}","time":"{shown(ago, "%Y-%m-%dT%H:%M:%S")}Z"}}',
    "json in milliseconds": lambda ago, text: f'{{"time":{int((time.time() - ago) * 1000)},"msg":"{text}"}}',
}


@pytest.mark.parametrize("form", FORMS)
def test_times(machine: Machine, form: str) -> None:
    write = FORMS[form]
    ages = [(700, "ERROR"), (500, "ERROR"), (400, "INFO"), (350, "INFO"), (200, "ERROR"), (100, "ERROR"), (5, "INFO")]
    machine.log("api.log", [write(ago, text) for ago, text in ages])
    assert machine.counts(LogPlace("api.log")) == [(2, 3), (1, 3)]


def test_a_traceback_is_part_of_its_record(machine: Machine) -> None:
    trace = ["Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: ERROR", ""]
    machine.log("api.log", [f"{shown(100)} a request", *trace, f"{shown(90)} fine", f"{shown(80)} ERROR ERROR"])
    assert machine.counts(LogPlace("api.log"))[0] == (2, 3)


def test_several_patterns_and_logs_together(machine: Machine) -> None:
    machine.log("a.log", [f"{shown(100)} timeout after 3 s", f"{shown(90)} ERROR"])
    machine.log("b/c.log", [f"{shown(80)} ERROR: timeout"])
    answer = machine.read(
        LogPlace("a.log"), LogPlace("b/*.log"), patterns=("ERROR", "timeout (after|before)", "[0-9] s$")
    )
    assert answer.windows[0].records == {
        "ERROR": Proportion(2, 3),
        "timeout (after|before)": Proportion(1, 3),
        "[0-9] s$": Proportion(1, 3),
    }
    assert answer.about.startswith("2 logs: 2 of 3 records match ERROR")


def test_a_log_that_two_patterns_match_counts_once(machine: Machine) -> None:
    machine.log("api.log", [f"{shown(100)} ERROR"])
    machine.log("api.log.1", [f"{shown(400)} ERROR"], ago=310)
    places = LogPlace("api.log*"), LogPlace("api.log"), LogPlace(str(machine.home / "api.log"))
    assert machine.counts(*places) == [(1, 1), (1, 1)]


def test_rotated_logs_of_the_windows(machine: Machine) -> None:
    machine.log("api.log", [f"{shown(100)} ERROR"])
    machine.log("api.log.1", [f"{shown(400)} ERROR", f"{shown(200)} ERROR"], ago=200)
    machine.log("api.log.2", [f"{shown(400)} ERROR"], ago=90000)
    assert machine.counts(LogPlace("api.log")) == [(2, 2), (1, 1)]


def test_more_than_is_read_at_first(machine: Machine) -> None:
    filler = "x" * 1000
    lines = [f"{shown(7000)} ERROR {filler}"] * 4000 + [f"{shown(550)} ERROR {filler}"] * 3000 + [f"{shown(9)} ERROR"]
    machine.log("api.log", lines)
    assert machine.counts(LogPlace("api.log")) == [(1, 1), (3000, 3000)]


def test_a_log_that_was_not_written_to_needs_no_times(machine: Machine) -> None:
    machine.log("old.log", ["no time here"], ago=5000)
    machine.log("empty.log", [])
    assert machine.counts(LogPlace("old.log"), LogPlace("empty.log")) == [(0, 0), (0, 0)]


def test_where_only_the_host_knows(machine: Machine) -> None:
    """A command that prints paths, with values of its own."""
    machine.log("somewhere/out.log", [f"{shown(10)} ERROR"])
    place = LogPlace(ask=Command('echo "$HOME/$name/out.log"; exit 0', {"name": "somewhere"}))
    assert machine.counts(place)[0] == (1, 1)
    failing = LogPlace(ask=Command("exit 3"))
    assert "where the logs are ended with 3" in machine.read(failing).blind


JOURNAL = """
case "$*" in
  *"-n 0"*) {notice} ;;
  *"-n 1"*) {some} ;;
  *) cat "$HOME/journal" ;;
esac
"""


def test_the_journal_of_a_unit(machine: Machine) -> None:
    now = time.time()
    lines = [
        f"{now - 400:.6f} web1 gunicorn[7]: ERROR long ago",
        f"{now - 100:.6f} web1 gunicorn[7]: fine",
        f"{now - 90:.6f} web1 gunicorn[7]: Traceback (most recent call last):",
        f'{now - 90:.6f} web1 gunicorn[7]:   File "a.py"',
        f"{now - 90:.6f} web1 gunicorn[7]: ValueError: ERROR",
        f"{now - 80:.6f} web1 gunicorn[8]: ERROR of another",
        "                                  in two lines: ERROR",
        f"{now - 70:.6f} web1 systemd[1]: fine",
    ]
    machine.log("journal", lines)
    machine.program("journalctl", JOURNAL.format(notice="true", some="echo x"))
    assert machine.counts(LogPlace(unit="api.service")) == [(2, 3), (1, 1)]


def test_a_journal_that_may_not_be_read(machine: Machine) -> None:
    notice = "echo 'Hint: You are currently not seeing messages from other users' >&2"
    machine.program("journalctl", JOURNAL.format(notice=notice, some="true"))
    assert "may not be read by" in machine.read(LogPlace(unit="api.service")).blind


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (LogPlace("missing.log"), "there is no log: missing.log is not there"),
        (LogPlace("untimed.log"), "its lines begin with no time that is known"),
        (LogPlace("folder"), "folder is no file"),
        (LogPlace("packed.log"), "packed.log.1.gz is compressed already"),
    ],
)
def test_blind(machine: Machine, place: LogPlace, says: str) -> None:
    machine.log("untimed.log", ["ERROR", "no time"])
    (machine.home / "folder").mkdir()
    machine.log("packed.log", [f"{shown(10)} fine"])
    with gzip.open(machine.home / "packed.log.1.gz", "wb") as packed:
        packed.write(b"x")
    machine.log("good.log", [f"{shown(10)} fine"])
    answer = machine.read(*([] if "missing" in place.path else [LogPlace("good.log")]), place)
    assert says in answer.blind, answer
    assert answer.hint


def test_an_app_whose_logs_nobody_knows(machine: Machine) -> None:
    assert machine.read().blind == "it is not known where the app logs"


def test_paths_of_the_source_instead(machine: Machine) -> None:
    machine.log("mine.log", [f"{shown(10)} ERROR"])
    answer = machine.read(LogPlace("missing.log"), paths=("mine.log",))
    assert answer.windows[0].records["ERROR|Traceback"] == Proportion(1, 1)


def test_a_program_that_fails_is_no_pass(machine: Machine) -> None:
    machine.log("api.log", [f"{shown(10)} fine"])
    machine.program("awk", "exit 2")
    assert "awk ended with 2" in machine.read(LogPlace("api.log")).blind
