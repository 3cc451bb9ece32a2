"""An upgrade by apt: what is told of it, what is left when it fails, and that dpkg is never cut off in the middle."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.errors import CheckError
from lockstitch.facts.packages import Packages, Update
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Plan, Script
from lockstitch.remote.script import render
from tests.local import LocalRemote

HOST = Host("a", Address("a"))
UPDATES = (Update("one", "1", "2", "Debian:12/stable"), Update("two", "1", "2", "Debian-Security:12/stable-security"))
# What apt and dpkg are on this host: packages are lines of a file, and apt waits for whoever holds `gate`.
PROGRAMS = {
    "apt-get": """
        echo "$@" >>"$HOME/asked"; echo "Setting up"; [ ! -p "$HOME/gate" ] || cat "$HOME/gate" >/dev/null
        [ ! -e "$HOME/fails" ] || { echo "E: it is broken"; exit 100; }
        case " $* " in *" upgrade "*) sed -i 's/ 1$/ 2/' "$HOME/packages" ;;
        *) for name in "$@"; do sed -i "s/ $name 1$/ $name 2/" "$HOME/packages"; done ;; esac
        touch "$HOME/finished"
    """,
    "apt-mark": '[ "$1" = showauto ] && echo two; echo "$@" >>"$HOME/marked"',
    "dpkg-query": """
        case $2 in -f) case $4 in ?*) awk -v n="$4" '$2 == n { printf "%s", $3 }' "$HOME/packages"; exit ;; esac ;; esac
        cat "$HOME/packages"
    """,
    "dpkg": """
        cat "$HOME/audit" 2>/dev/null; [ ! -p "$HOME/gate" ] || [ -e "$HOME/finished" ] || echo "one is half installed"
    """,
}


@pytest.fixture
def remote(tmp_path: Path) -> LocalRemote:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}")
        (programs / name).chmod(0o755)
    (programs / "sudo").write_text('#!/bin/sh\n[ "$1" != -n ] || shift\nexec "$@"\n')
    (programs / "sudo").chmod(0o755)
    made = LocalRemote(tmp_path / "homes", env={"PATH": f"{programs}:{os.environ['PATH']}"})
    (made.home("a") / "packages").write_text("ii  one 1\nii  two 1\n")
    (made.home("a") / ".lockstitch" / "machine").mkdir(parents=True)
    return made


def planned(*, security: bool = False) -> Plan:
    found = {"a": Packages(UPDATES)}
    chosen = {"a": found["a"].chosen(security=security, only=())}
    return plans.upgrade(plans.RollingHosts("run", "ada", "a", (HOST,)), found, chosen)


def script(plan: Plan, *, undo: bool = False) -> Script:
    (step,) = plan.waves[0].site_plans[0].steps
    return Script((replace(step, command=step.undo) if undo and step.undo else step,))


def said(remote: LocalRemote, given: Script) -> tuple[int, str]:
    (result,) = remote.run(HOST, given)
    return result.code, result.output


def test_what_was_upgraded_is_told(remote: LocalRemote) -> None:
    code, output = said(remote, script(planned()))
    assert code == 0, output
    assert "upgraded one 1 -> 2\nupgraded two 1 -> 2" in output
    assert "--force-confold" in (remote.home("a") / "asked").read_text()
    assert not list((remote.home("a") / ".lockstitch" / "machine").iterdir())


def test_only_what_is_for_security_and_it_stays_automatic(remote: LocalRemote) -> None:
    plan = planned(security=True)
    code, output = said(remote, script(plan))
    assert code == 0, output
    assert "upgraded two 1 -> 2" in output
    assert "one" not in output
    assert (remote.home("a") / "asked").read_text().rstrip().endswith("install --only-upgrade two")
    assert "auto two" in (remote.home("a") / "marked").read_text()
    assert plan.summary == ("a: two 1 -> 2",)


def test_apt_that_fails_is_a_failure_and_what_is_not_whole_needs_a_person(remote: LocalRemote) -> None:
    (remote.home("a") / "fails").touch()
    code, output = said(remote, script(planned()))
    assert code == 100
    assert "E: it is broken" in output
    assert said(remote, script(planned(), undo=True))[0] == 0
    (remote.home("a") / "audit").write_text("one is half configured\n")
    code, output = said(remote, script(planned(), undo=True))
    assert code == 1
    assert "one is half configured" in output


def open_gate(gate: Path, seconds: float = 20) -> None:
    """Let the apt go on that reads it; where it was ended nobody will."""
    until = time.monotonic() + seconds
    while True:
        try:
            return os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            assert time.monotonic() < until, "nobody reads it: apt was ended"
            time.sleep(0.01)


def test_a_line_that_is_lost_does_not_cut_dpkg_off(remote: LocalRemote) -> None:
    home = remote.home("a")
    os.mkfifo(home / "gate")
    env = {**os.environ, **remote.env, "HOME": str(home)}
    shell = subprocess.Popen(
        ["sh"], cwd=home, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    assert shell.stdin
    shell.stdin.write(render(script(planned()), "nonce").encode())
    shell.stdin.flush()
    until = time.monotonic() + 20
    while not (home / "asked").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    shell.stdin.close()
    assert shell.wait(20) != 0, "the script was ended"
    answers: list[tuple[int, str]] = []
    back = threading.Thread(target=lambda: answers.append(said(remote, script(planned(), undo=True))))
    back.start()
    assert not (home / "finished").exists()
    assert not answers, "the way back waits for what was begun"
    open_gate(home / "gate")
    back.join(20)
    assert answers == [(0, "")]
    assert (home / "finished").exists()
    assert (home / "packages").read_text() == "ii  one 2\nii  two 2\n"


def test_a_host_that_is_not_debian_like_is_told_before_anything_begins() -> None:
    found = {"a": Packages(problem="it is not Debian-like: no apt-get")}
    with pytest.raises(CheckError, match="a: it is not Debian-like: no apt-get\nnothing was changed"):
        plans.upgrade(plans.RollingHosts("run", "ada", "a", (HOST,)), found, {"a": ()})
