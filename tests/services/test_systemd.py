"""Service systemd: what only it judges."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lockstitch.checks.apps import judge_rule, parse_rule
from lockstitch.model.layout import layout
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.systemd import Systemd
from tests.services.rules import judged

PLACE = ReleaseContext("api", layout("in_place", "/srv/api"), "", "")


def test_a_process_that_is_elsewhere() -> None:
    base = "release /app/releases/R2\nreloaded 5000\nrunning active running\n"
    reloaded, restarted = Systemd(kind="systemd", unit="api"), Systemd(kind="systemd", unit="api", reload="restart")
    assert judged(reloaded, base + "process master 1 10 /").passed, "a unit may run in a folder of its own"
    assert judged(reloaded, base + "process master 1 10 /app/releases/R2/x").passed
    assert not judged(reloaded, base + "process master 1 10 /app/releases/R1").passed
    assert not judged(restarted, base + "process worker 1 10 /").passed, "older than the restart"
    assert judged(restarted, base + "process worker 1 5000 /").passed


SYSTEMCTL = """#!/bin/sh
case $2 in --property=ActiveState) echo "$STATE" ;; --property=LoadState) echo "$LOAD" ;; esac
echo "$*" >>"$HOME/log"
"""
# `sudo -n -l systemctl VERB UNIT` passes for the verbs in $MAY; and who it is for is no root.
SUDO = """#!/bin/sh
case " $MAY " in *" $4 "*) exit 0 ;; *) exit 1 ;; esac
"""
ID = "#!/bin/sh\ncase $1 in -u) echo 1000 ;; *) echo deploy ;; esac\n"


def on_host(home: Path, text: str, **env: str) -> tuple[int, str]:
    for name, program in {"systemctl": SYSTEMCTL, "sudo": SUDO, "id": ID}.items():
        (home / name).write_text(program)
        (home / name).chmod(0o755)
    path = f"{home}:{os.environ['PATH']}"
    variables = {"PATH": path, "HOME": str(home), "STATE": "inactive", "LOAD": "loaded", "MAY": "", **env}
    done = subprocess.run(["sh"], input=text, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("state", "may", "refused"),
    [
        ("inactive", "", ["restart", "start", "stop"]),
        ("inactive", "restart start", ["stop"]),
        ("inactive", "restart start stop", []),
        ("active", "", ["restart"]),
        ("active", "restart", []),
    ],
)
def test_all_that_a_deploy_may_not_do_is_told_at_once(tmp_path: Path, state: str, may: str, refused: list[str]) -> None:
    command = Systemd(kind="systemd", unit="api", reload="restart").may_deploy(PLACE)
    code, said = on_host(tmp_path, command.render(), STATE=state, MAY=may)
    assert (code == 0) == (not refused)
    rule = ", ".join(f"{tmp_path}/systemctl {verb} api" for verb in refused)
    assert said.endswith(f"    deploy ALL=(root) NOPASSWD: {rule}\n") if refused else not said
    (finding,) = judge_rule(parse_rule(said, code))
    assert (finding.level == "fail") == bool(refused) and finding.hint.endswith(rule)


def test_a_unit_that_is_not_there_needs_no_stop(tmp_path: Path) -> None:
    stop = Systemd(kind="systemd", unit="api").stop(PLACE).render()
    assert on_host(tmp_path, stop, LOAD="not-found") == (0, "")
    assert on_host(tmp_path, stop)[0] == 1, "sudo refuses it"
