"""Output of PM2 where it works and where it does not, and what is made of that: its list is never taken for empty."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lockstitch.model.command import Secret, Value
from lockstitch.model.layout import layout
from lockstitch.model.plan import Step
from lockstitch.services.pm2 import Pm2
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import parse_state
from tests.services.rules import GOOD, judged, step_names

SERVICE = Pm2(kind="pm2", name="web", start="pm2 start it")
PM2 = """#!/bin/sh
echo "$*" >>"$HOME/log"
case $1 in jlist) cat "$HOME/list" ;; stop | delete) [ ! -e "$HOME/after" ] || mv "$HOME/after" "$HOME/list" ;; esac
"""


class Host:
    """A host on which PM2's daemon runs, with a list of its processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.place = ReleaseContext("web", layout("in_place", str(home / "app")), "", "")
        (home / "app").mkdir()
        (home / ".lockstitch" / "app").mkdir(parents=True)
        (home / ".pm2").mkdir()
        (home / ".pm2" / "pm2.pid").write_text(str(os.getpid()))
        (home / "pm2").write_text(PM2)
        (home / "pm2").chmod(0o755)

    def does(self, step: Step) -> tuple[int, str]:
        return self.sh(step.command.render())

    def sh(self, text: str) -> tuple[int, str]:
        env = {**os.environ, "HOME": str(self.home), "PATH": f"{self.home}:{os.environ['PATH']}"}
        env.pop("PM2_HOME", None)
        done = subprocess.run(["sh"], input=text, env=env, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def lists(self, status: str, file: str = "list") -> None:
        env = {"status": status, "restart_time": 0, "pm_uptime": 0, "exec_mode": "cluster_mode", "pm_cwd": "/"}
        told = [{"name": "web", "pid": 0, "pm_id": 1, "pm2_env": env}]
        (self.home / file).write_text(f"[PM2][WARN] a word of its own\n{json.dumps(told)}\n")

    def log(self) -> list[str]:
        return [line for line in (self.home / "log").read_text().splitlines() if not line.startswith("jlist")]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    if not shutil.which("node"):
        pytest.skip("PM2 is a program of node")
    return Host(tmp_path)


@pytest.mark.parametrize("list_", ["", "Error: spawn EAGAIN\n", "[PM2][ERROR] Permission denied\n"])
def test_a_list_that_cannot_be_read_is_not_an_empty_one(host: Host, list_: str) -> None:
    (host.home / "list").write_text(list_)
    stop = SERVICE.stop(host.place)
    assert stop is not None
    for command in (SERVICE.reload_step(host.place).command, *(s.command for s in SERVICE.stopping(host.place)), stop):
        code, said = host.sh(command.render())
        assert code == 1 and "PM2 gave no list" in said, said
    assert host.log() == [], "nothing is started a second time, nothing is said to be stopped"
    state = parse_state(host.sh(SERVICE.probe(host.place).command.render())[1], 0)
    assert not state.running and "does not tell" in state.note


def test_a_stop_that_ends_with_0_is_believed_when_the_list_says_so(host: Host) -> None:
    (step,) = SERVICE.stopping(host.place)
    host.lists("online")
    code, said = host.does(step)
    assert code == 1 and "web is still online" in said
    host.lists("stopped", "after")
    assert host.does(step)[0] == 0
    (host.home / "list").write_text("[]\n")
    assert host.does(step)[0] == 0, "where there is none, there is nothing to stop"
    assert host.log() == ["stop web --silent"] * 2


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("also instance 0 online 3 60000", ""),
        ("also before 0 3\nalso instance 0 online 5 60000", ""),
        ("also before 0 3\nalso instance 0 online 6 60000", "instance 0 keeps restarting (6 times)"),
        ("also before 0 0\nalso instance 0 online 3 60000", "instance 0 keeps restarting (3 times)"),
        ("also before 1 0\nalso instance 0 online 9 60000", ""),
        ("also instance 0 errored 0 0", "instance 0 is errored"),
        ("also instance 0 online 3 999", "instance 0 is up for 999 ms only"),
        ("also instance 0 online x y", "instance 0 is up for y ms only"),
    ],
)
def test_instances(told: str, reason: str) -> None:
    text = GOOD.replace("also instance 0 online 3 60000", told)
    verdict = judged(Pm2(kind="pm2", name="web"), text)
    assert verdict.passed == (reason == "")
    assert reason in verdict.reason


def test_it_is_restarted_by_pm2_itself() -> None:
    assert step_names(SERVICE) == (["stop"], ["start"], ["restart"])


ECOSYSTEM = Pm2(kind="pm2", name="web", ecosystem="eco.config.js")
NOW: dict[str, object] = {"instances": 2, "exec_mode": "cluster", "env": {"MODE": "two"}, "args": "a b"}
# PM2's own modules read DEBUG, which many apps have too.
RUNS: dict[str, object] = {
    "exec_mode": "cluster_mode",
    "MODE": "two",
    "TOKEN": "t'1\n",
    "DEBUG": "app:*",
    "args": ["a", "b"],
}


def drift(host: Host, *rows: dict[str, object], has_secrets: bool = True, **app: Any) -> tuple[str, ...]:
    """Drift that the gate finds of instances that run in this way."""
    (host.home / "app" / "eco.config.js").write_text(
        f'console.log("a word"); module.exports = {{apps: [{json.dumps({"name": "web", **NOW, **app})}]}};'
    )
    common = {"status": "online", "restart_time": 0, "pm_uptime": 0, "pm_cwd": "/"}
    told = [{"name": "web", "pid": 0, "pm_id": n, "pm2_env": {**common, **row}} for n, row in enumerate(rows)]
    (host.home / "list").write_text(json.dumps(told) + "\n")
    env: dict[str, Value] = {"TOKEN": Secret("t'1\n"), "MODE": "not this one", "DEBUG": "app:*"}
    place = ReleaseContext("web", host.place.layout, "", "", env, has_secrets=has_secrets)
    code, said = host.sh(ECOSYSTEM.probe(place).command.render())
    state = parse_state(said, code)
    assert state.running, said
    return state.drift


@pytest.mark.parametrize(
    ("rows", "app", "expected"),
    [
        ((RUNS, RUNS), {}, ()),
        ((RUNS,), {}, ("1 instances of web run, and eco.config.js says 2",)),
        ((RUNS,), {"instances": "3"}, ("1 instances of web run, and eco.config.js says 3",)),
        (
            (RUNS, {**RUNS, "TOKEN": "t0"}),
            {},
            ("instance 1 of web was started with other values of TOKEN",),
        ),
        (
            (RUNS, {**RUNS, "DEBUG": "*"}),
            {},
            ("instance 1 of web was started with other values of DEBUG",),
        ),
        (
            ({**RUNS, "MODE": "one"}, {**RUNS, "MODE": "one"}),
            {},
            ("instance 0, 1 of web was started with other values of MODE",),
        ),
        (
            (RUNS, {**RUNS, "exec_mode": "fork_mode"}),
            {},
            ("instance 1 of web runs in fork_mode, and eco.config.js says cluster_mode",),
        ),
        (({**RUNS, "args": []}, RUNS), {}, ("instance 0 of web was started with other args than eco.config.js has",)),
        (({**RUNS, "TOKEN": "3001"}, RUNS), {"increment_var": "TOKEN"}, ()),
        (({**RUNS, "TOKEN": ""}, RUNS), {"filter_env": True}, ()),
    ],
)
def test_what_the_ecosystem_file_and_the_environment_say_is_compared_with_what_runs(
    host: Host, rows: tuple[dict[str, object], ...], app: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert drift(host, *rows, **app) == expected


def test_without_the_secrets_variables_of_the_ecosystem_file_are_not_judged(host: Host) -> None:
    rows = ({**RUNS, "MODE": "one"}, RUNS)
    assert drift(host, *rows, has_secrets=False) == ()
    assert drift(host, *rows) != ()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ('module.exports = {apps: [{name: "web"}]}', ""),
        ('console.log("a word"); module.exports = {apps: [{script: "src/web.js"}]}', ""),
        (
            'module.exports = {apps: [{name: "next"}, {script: "x.js"}]}',
            "has no process web, which the inventory names; it has: next, x",
        ),
        ("module.exports = {apps: []}", "it has: none"),
        ("throw new Error('what node says')", ""),
        (None, "the release has no eco.config.js"),
    ],
)
def test_a_name_that_the_ecosystem_file_lacks_is_found_before_the_reload(
    host: Host, file: str | None, says: str
) -> None:
    """PM2 starts nothing then, and ends with 0."""
    if file is not None:
        (host.home / "app" / "eco.config.js").write_text(file)
    step = ECOSYSTEM.check(host.place)
    assert step is not None
    code, said = host.does(step)
    assert (code == 0, said == "") == (not says, not says) and says in said


def test_the_variables_of_the_app_are_added_to_its_ecosystem_file(host: Host) -> None:
    """PM2 itself leaves them as they were when the process was first started."""
    (host.home / "app" / "eco.config.js").write_text(
        'module.exports = {apps: [{name: "web", script: "s.js", env: {MODE: "own"}}]};'
    )
    (host.home / "list").write_text("[]\n")
    show = """#!/bin/sh
case $1 in jlist) cat "$HOME/list" ;; start)
    node -e 'console.log(JSON.stringify([require(process.argv[1]).apps, process.env.ls_names || ""]))' "$2" >"$HOME/given" ;;
esac
"""
    (host.home / "pm2").write_text(show)
    place = ReleaseContext("web", host.place.layout, "", "", {"TOKEN": Secret("t'1\n"), "MODE": "ours"})
    code, said = host.does(ECOSYSTEM.reload_step(place))
    assert code == 0, said
    app = {
        "name": "web",
        "script": "s.js",
        "env": {"TOKEN": "t'1\n", "MODE": "own"},
        "cwd": str(host.home / "app"),
    }
    assert json.loads((host.home / "given").read_text()) == [[app], ""]
    (ours,) = (host.home / ".lockstitch").rglob("pm2.config.js")
    assert "t'1" not in ours.read_text()
