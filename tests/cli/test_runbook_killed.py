"""A runbook whose process is killed while a command of it runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from scripts.sandbox.processes import descendants
from tests.cli.conftest import commit
from tests.cli.operator import Operator
from tests.notifications.stand_in import StandIn

ONCE = """
stages: [once: {run: "run -- 'echo x >>once-begun; until [ -e once-go ]; do sleep 0.1; done'"}]
"""


def test_a_runbook_that_was_killed_waits_for_its_command_and_does_not_repeat_it(operator: Operator) -> None:
    folder = operator.folder / "runbooks"
    folder.mkdir()
    (folder / "once.yml").write_text(ONCE)
    with StandIn() as server:
        operator.env["HOOK"] = f"{server.url}/hook"
        to, rules = {"team": {"webhook": "env:HOOK"}}, {"begun": ["team"], "killed": ["team"]}
        operator.inventory["notify"] = {"to": to, "when": rules, "runs": ["runbook"]}
        try:
            killed_and_resumed(operator)
        finally:
            del operator.inventory["notify"]
    assert [each.document["event"] for each in server.taken] == ["begun", "killed", "done"]


def killed_and_resumed(operator: Operator) -> None:
    """Kill the runbook while its command runs, and go on with it."""
    begun = [operator.home(host) / "once-begun" for host in operator.hosts]
    with operator.start("runbook", "once") as running:
        until(lambda: all(file.exists() for file in begun))
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        ran = operator.fab("runbook.resume")
        assert operator.fab("runbook.status").code == 0
        assert ran.code == 4 and "had started before it was killed" in ran.said, ran.said
        for host in operator.hosts:
            (operator.home(host) / "once-go").touch()
        until(lambda: (again := operator.fab("runbook.resume")).code == 0 or again.code != 4)
    ran = operator.fab("runbook.status", "--json")
    assert ran.json["result"] == "done", ran.said
    assert [file.read_text() for file in begun] == ["x\n"] * len(begun)


def test_a_push_that_was_killed_with_its_runbook_is_not_taken_for_done(deployed: Operator) -> None:
    """The hosts have a record of what it was about to write, and none of its end."""
    app = deployed.inventory["apps"]["app"]
    app["service"]["reload"] = 'until [ ! -e "$HOME/hold" ]; do sleep 0.1; done; touch "$HOME/up"'
    app |= {"shared": [".env"], "settings": {"DEBUG": {"is": "False"}}, "env_file": {"path": ".env", "mode": "0640"}}
    places = [deployed.home(host) / app["path"] for host in deployed.hosts]
    for place in places:
        (place / "shared").mkdir(exist_ok=True)
        (place / "shared/.env").write_text("DEBUG=True\n")
    commit(deployed, "with settings")
    assert (ran := deployed.fab("deploy")).code == 0, ran.said
    (deployed.folder / "runbooks").mkdir()
    (deployed.folder / "runbooks/push.yml").write_text("stages: [push: {run: env.push}]\n")
    held = [deployed.home(host) / "hold" for host in deployed.hosts]
    for file in held:
        file.touch()
    with deployed.start("runbook", "push") as running:
        until(lambda: "DEBUG=False" in (places[0] / "shared/.env").read_text())
        for pid in sorted({running.process.pid, *descendants({running.process.pid})}):
            os.kill(pid, signal.SIGKILL)
        running.process.wait()
    for file in held:
        file.unlink()
    deployed.until_quiet()
    ran = deployed.fab("runbook.resume")
    assert ran.code == 4 and "it is run again" in ran.said, ran.said
    assert deployed.fab("lock.break").code == 0
    ran = deployed.fab("runbook.resume")
    assert ran.code == 0, ran.said
    assert [(place / "shared/.env").read_text() for place in places] == ["DEBUG=False\n"] * 2


def until(reached: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    ends = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < ends, "time is up"
        time.sleep(0.05)
