"""`service.*`, `reboot` and `packages.*` as they are typed, at hosts that are well, frozen, away, and protected."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator

import pytest

from scripts.sandbox import Sandbox
from tests.cli.conftest import HOSTS, MakeOperator
from tests.cli.operator import Operator
from tests.containers.project import Ran

START = 'while [ -e "$HOME/slow" ]; do sleep 0.05; done; [ ! -e "$HOME/refuse" ] && touch "$HOME/served" && echo start >>"$HOME/starts"'
SERVICE = {"kind": "command", "reload": START, "status": '[ -e "$HOME/served" ]', "stop": 'rm -f "$HOME/served"'}


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory, lab: Sandbox) -> Iterator[Operator]:
    """One whose three hosts serve an app."""
    folder = tmp_path_factory.mktemp("operated")
    repository = folder / "origin"
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", "-C", str(repository), *who, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    operator = Operator(folder / "operator", lab, HOSTS)
    app = {
        "repository": str(repository),
        "layout": "releases",
        "path": "care/app",
        "service": SERVICE,
        "min_free": "1M",
    }
    operator.inventory["apps"] = {"app": app}
    operator.inventory["groups"]["all"]["apps"] = ["app"]
    operator.inventory["rollout"] = {"batch": "all"}
    ran = operator.fab("deploy")
    assert ran.code == 0, ran.said
    yield operator


@pytest.fixture
def operator(operated: Operator) -> Iterator[Operator]:
    """The same, all serving."""
    yield operated
    operated.inventory.pop("protect", None)
    for host in HOSTS:
        for name in ("refuse", "slow"):
            (operated.home(host) / name).unlink(missing_ok=True)
        (operated.home(host) / "served").touch()
        for lock in (operated.home(host) / "care").rglob("lock.json"):
            lock.unlink()


def starts(operator: Operator) -> list[int]:
    return [len((operator.home(host) / "starts").read_text().splitlines()) for host in HOSTS]


def results(ran: Ran) -> dict[str, str]:
    return {one["host"]: one["result"] for one in ran.json["results"]}


def test_a_restart_of_all_is_no_restart_of_all_at_once(operator: Operator) -> None:
    before = starts(operator)
    shown = operator.fab("service.restart", "app", where="lab")
    assert shown.code == 0, shown.said
    assert "restart app 1/2: one, two" in shown.out
    assert "restart app 2/2: three" in shown.out
    assert starts(operator) == [count + 1 for count in before]


def test_of_two_chosen_hosts_one_stays_up_whoever_else_is_in_their_group(operator: Operator) -> None:
    """Whether the third serves, nobody has asked."""
    ran = operator.fab("--dry", "-H", "lab:two,lab:three", "service.restart", where="")
    assert "restart app 1/2: two" in ran.out, ran.said
    assert "\n\n\n" not in ran.out


def test_a_status_is_a_line_in_the_journal_and_has_the_options_of_every_command(operator: Operator) -> None:
    (operator.home("two") / "served").unlink()
    ran = operator.fab("service.status", "app", "--serial", "--timeout", "20")
    assert ran.code == 7, ran.said
    noted = operator.noted()[-1]
    assert (noted["what"], noted["codes"]) == ("service.status app", {"one": 0, "two": 7, "three": 0})
    assert (noted["where"], noted["exit"]) == (["lab"], 7)


def test_a_restart_goes_on_where_nobody_reads_on(operator: Operator) -> None:
    """`fab service.restart | head` stops neither in the middle nor goes back."""
    before = starts(operator)
    slow = [operator.home(host) / "slow" for host in HOSTS]
    for one in slow:
        one.touch()
    reader = "sed '/== 1.2/q'; exec <&-; rm " + " ".join(map(str, slow))
    ran = operator.piped(f"sh -c {shlex.quote(reader)}", "service.restart")
    assert "ended with 0" in ran.err, ran.said
    assert starts(operator) == [count + 1 for count in before]


def test_where_no_app_runs_that_is_said(make_operator: MakeOperator) -> None:
    bare = make_operator("one")
    ran = bare.fab("service.restart")
    assert (ran.code, "no app runs on the chosen hosts of lab" in ran.err) == (2, True), ran.said
    assert "no app runs on these hosts" in bare.fab("service.status").out


def test_an_upgrade_may_be_given_a_time(operator: Operator) -> None:
    ran = operator.fab("--dry", "-H", "lab:one", "packages.upgrade", "--only", "no-such", "--timeout", "5", where="")
    assert ran.code == 0, ran.said
    assert "no-such is to be upgraded nowhere" in ran.out


def test_dry_changes_nothing(operator: Operator) -> None:
    before = starts(operator)
    ran = operator.fab("--dry", "-H", "lab", "service.restart", where="")
    assert ran.code == 0, ran.said
    assert "restart app 2/2: three" in ran.out
    assert starts(operator) == before


def test_a_protected_environment_asks_before_all_is_stopped(operator: Operator) -> None:
    operator.inventory["protect"] = True
    ran = operator.fab("service.stop")
    assert ran.code == 2, ran.said
    assert "no host of all will serve app, until `service.start`" in ran.out
    assert "give --yes" in ran.err
    assert all((operator.home(host) / "served").exists() for host in HOSTS)
    stopped = operator.fab("service.stop", "--yes", "--json")
    assert stopped.code == 0, stopped.said
    assert results(stopped) == dict.fromkeys(HOSTS, "done")
    told = operator.fab("service.status", "--json")
    assert told.code == 7, told.said
    assert [site["running"] for site in told.json["sites"]] == [False, False, False]
    assert operator.fab("service.start", "--yes").code == 0


def test_a_host_that_fails_is_named(operator: Operator) -> None:
    (operator.home("two") / "refuse").touch()
    ran = operator.fab("service.restart", "--json", where="lab:one,lab:two,lab:three")
    assert ran.code == 6, ran.said
    assert results(ran) == {"one": "well", "two": "see to it", "three": "not begun"}
    assert ran.json["left"][0]["command"] == "fab -H lab:two status"


@pytest.mark.parametrize("fault", ["freeze", "down"])
def test_where_a_host_cannot_be_asked_nothing_is_changed(operator: Operator, lab: Sandbox, fault: str) -> None:
    before = starts(operator)
    with lab.broken("two", fault):
        ran = operator.fab("service.restart")
        assert ran.code == 3, ran.said
        assert "nothing was changed" in ran.err
        updates = operator.fab("packages.updates", "--json", where="lab:two")
        assert updates.code == 3, updates.said
        assert updates.json["hosts"]["two"]["problem"]
        # Nothing of this could harm the machine of who runs it, were it not refused.
        assert operator.fab("--dry", "-H", "lab", "reboot", where="").code == 3
        if fault == "down":
            assert operator.fab("packages.upgrade", "--only", "no-such-package").code == 3
            told = operator.fab("service.status")
            assert told.code == 3, told.said
            assert "running" in told.out, "the others are told"
    assert starts(operator) == before


def test_a_ctrl_c_starts_what_was_stopped_and_leaves_nothing_running(operator: Operator) -> None:
    before = starts(operator)
    (operator.home("one") / "slow").touch()
    running = operator.start("service.restart", "--serial")
    running.until("one          app: start")
    running.signal(signal.SIGINT)
    (operator.home("one") / "slow").unlink()
    ran = running.finish()
    assert ran.code == 130, ran.said
    assert "INTERRUPTED: what was done stays, and no host needs a person" in ran.out
    assert all((operator.home(host) / "served").exists() for host in HOSTS)
    assert starts(operator)[1:] == before[1:]
    operator.until_quiet()


def test_a_host_that_freezes_meanwhile_is_named(operator: Operator, lab: Sandbox) -> None:
    before = starts(operator)
    (operator.home("one") / "slow").touch()
    with operator.start("service.restart", "--serial", "--json") as running:
        running.until("one          app: start")
        with lab.broken("one", "freeze"):
            ran = running.finish()
        assert ran.code == 6, ran.said
        assert results(ran) == {"one": "see to it", "two": "not begun", "three": "not begun"}
    assert starts(operator)[1:] == before[1:]


def test_a_lock_stands_in_the_way(operator: Operator) -> None:
    (lock,) = (operator.home("three") / "care" / ".lockstitch").iterdir()
    (lock / "lock.json").write_text('{"run":"other","by":"bob","message":"","at":"now"}')
    ran = operator.fab("service.restart")
    assert ran.code == 4, ran.said
    assert "three: app is locked by bob" in ran.err


def test_this_machine_is_not_rebooted(operator: Operator) -> None:
    """The hosts of a sandbox are processes of this machine."""
    ran = operator.fab("--dry", "-H", "lab", "reboot", where="")
    assert ran.code == 2, ran.said
    assert "one, two, three: that is the machine you type this on; nothing was changed" in ran.err


def test_updates_are_told_and_a_host_without_apt_says_so(operator: Operator) -> None:
    assert operator.fab("packages.updates", "--serial", "--parallel", "3").code == 2
    ran = operator.fab("packages.updates", "--json", where="lab:one")
    assert set(ran.json["hosts"]) == {"one"}
    assert ran.code == (7 if ran.json["hosts"]["one"]["problem"] else 0), ran.said
    noted = operator.noted()[-1]
    assert (noted["what"], set(noted["codes"])) == ("packages.updates", {"one"})


# What a person types in the moment in which a run has ended, and nothing of that is written down yet.
TOO_LATE = """
import signal
from lockstitch.cli.hooks import PlanHooks

after = PlanHooks.after

def interrupted(hooks, outcome):
    signal.raise_signal(signal.SIGINT)
    return after(hooks, outcome)

PlanHooks.after = interrupted
"""


def test_a_run_that_is_interrupted_when_it_has_ended_is_told_and_recorded_as_done(operator: Operator) -> None:
    fabfile = operator.folder / "fabfile.py"
    as_it_was = fabfile.read_text()
    fabfile.write_text(as_it_was + TOO_LATE)
    try:
        ran = operator.fab("service.restart", "app", "--json")
    finally:
        fabfile.write_text(as_it_was)
    assert (ran.code, ran.json["result"]) == (0, "done"), ran.said
    recorded = operator.fab("history", ran.json["run"], "--json").json["run"]
    assert recorded["result"] == "done", recorded
