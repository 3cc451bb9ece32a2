"""Service gunicorn: what only it judges and does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstitch.model.command import Secret
from lockstitch.model.layout import layout
from lockstitch.services.gunicorn import Gunicorn
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import parse_state
from tests.services.rules import GOOD, judged, step_names


def test_a_folder_that_it_keeps_comes_with_advice() -> None:
    verdict = judged(
        Gunicorn(kind="gunicorn", unit="api"), GOOD.replace("5000 /app/releases/R2", "5000 /app/releases/R1")
    )
    assert not verdict.passed
    assert "chdir" in verdict.hint


def test_by_a_pid_file_it_is_stopped_and_started_anew() -> None:
    service = Gunicorn(kind="gunicorn", pidfile="g.pid", start="gunicorn")
    assert step_names(service) == (["stop"], ["start"], ["stop", "start"])


@pytest.mark.parametrize("current", ["none", "old"])
@pytest.mark.parametrize("broken", [False, True])
def test_the_check_loads_code_whose_settings_name_current(tmp_path: Path, current: str, broken: bool) -> None:
    release, old = tmp_path / "releases" / "R2", tmp_path / "releases" / "R1"
    for folder in (release, old):
        folder.mkdir(parents=True)
        (folder / "main.py").write_text("app = print\n" if folder == old or not broken else "import nowhere_at_all\n")
        (folder / "gunicorn.conf.py").write_text(f'chdir = "{tmp_path}/current"\n')
    if current == "old":
        (tmp_path / "current").symlink_to(old)
    service = Gunicorn(kind="gunicorn", pidfile="g.pid", app="main:app", python=sys.executable)
    place = ReleaseContext("api", layout("releases", str(tmp_path)), "R2", "")
    done = subprocess.run(["sh"], input=service.check(place).command.render(), capture_output=True, text=True)
    assert done.returncode == (0 if not broken else 1), done.stdout + done.stderr
    assert ("nowhere_at_all" in done.stderr) == broken


UNIT = """#!/bin/sh
case $* in
    *--value*) ;;
    *) cat "$HOME/unit" ;;
esac
"""


class Unit:
    """A host whose systemd says what the file `unit` holds, and a process that plays gunicorn's master."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home = home
        (home / "systemctl").write_text(UNIT)
        (home / "systemctl").chmod(0o755)
        (home / "api.service").write_text("[Service]\n")
        (home / "env").write_text("# a note\nTOKEN='one two'\nPLAIN=x=y\n\nMODE = no name\n")
        self.process = subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], **env})
        self.stale = "no"

    def drift(self) -> tuple[str, ...]:
        (self.home / "unit").write_text(
            f"MainPID={self.process.pid}\nActiveState=active\nNeedDaemonReload={self.stale}\n"
            f"FragmentPath={self.home}/api.service\nDropInPaths=\nEnvironmentFiles={self.home}/env (ignore_errors=no)\n"
        )
        place = ReleaseContext("api", layout("releases", str(self.home)), "", "")
        command = Gunicorn(kind="gunicorn", unit="api").probe(place).command
        env = {**os.environ, "HOME": str(self.home), "PATH": f"{self.home}:{os.environ['PATH']}"}
        done = subprocess.run(["sh"], input=command.render(), env=env, capture_output=True, text=True, cwd=self.home)
        state = parse_state(done.stdout, done.returncode)
        assert state.running, done
        return tuple(each.replace(str(self.home), "~") for each in state.drift)

    def later(self, name: str) -> None:
        os.utime(self.home / name, (time.time() + 60,) * 2)


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    made = Unit(tmp_path, TOKEN="one two", PLAIN="x=y")
    yield made
    made.process.kill()
    made.process.wait()


def test_what_a_unit_says_now_is_compared_with_what_runs(unit: Unit) -> None:
    assert unit.drift() == ()
    unit.later("env")
    assert unit.drift() == (), "it was written again, and says the same"
    (unit.home / "env").write_text("TOKEN=two\nPLAIN=x=y\nNEW=1\n")
    unit.later("env")
    assert unit.drift() == ("~/env was changed after api was started: other NEW TOKEN",)
    unit.later("api.service")
    assert unit.drift()[0] == "~/api.service was changed after api was started"
    unit.stale = "yes"
    assert unit.drift()[0] == "api was changed on the disk, and systemd has not read that yet"


def test_no_value_of_an_environment_file_is_printed(unit: Unit) -> None:
    (unit.home / "env").write_text('TOKEN="sec\\"ret"\nPLAIN=s3cret\n')
    unit.later("env")
    assert unit.drift() == ("~/env was changed after api was started: other PLAIN TOKEN",)


@pytest.mark.parametrize(("value", "drift"), [("a b\nc", False), ("rotated", True)])
def test_what_its_own_line_starts_has_the_environment_of_the_app(tmp_path: Path, value: str, drift: bool) -> None:
    master = subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], "TOKEN": "a b\nc"})
    try:
        (tmp_path / "g.pid").write_text(str(master.pid))
        service = Gunicorn(kind="gunicorn", pidfile=f"{tmp_path}/g.pid", start="gunicorn")
        place = ReleaseContext("api", layout("releases", str(tmp_path)), "", "", {"TOKEN": Secret(value)})
        done = subprocess.run(["sh"], input=service.probe(place).command.render(), capture_output=True, text=True)
        state = parse_state(done.stdout, done.returncode)
        said = (f"process {master.pid} was started with other values of TOKEN",)
        assert state.running and state.drift == (said if drift else ()), done
    finally:
        master.kill()
        master.wait()
