"""An operations repository adds tasks of its own to the installed ones, overrides some and leaves some out."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.scaffold.newcomer import Newcomer
from tests.wheels import ROOT

PAGE = (ROOT / "docs" / "your-own-tasks.md").read_text()
GROUP = '''
from __future__ import annotations

from lockstitch import cli


@cli.fleet_task
def restart(c: cli.FleetContext) -> None:
    """Restart in our own way."""
    print("ours", *(host.name for host in c.hosts))


service = cli.Collection("service", restart)
'''
OLD = '''
from lockstitch.cli import FleetContext, fleet_task


@fleet_task(help={"json": "print it as JSON"})
def names(c: FleetContext, json: bool = False) -> None:
    """Print the names of the hosts."""
    print("names", *(host.name for host in c.hosts))
'''
LINE = "namespace = with_own_tasks(shipped, tasks, without=[])"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def made(newcomer: Newcomer, **files: str) -> Path:
    ran = newcomer.module("init", "ops", "--hosts", "web1,web2")
    assert ran.code == 0, ran.said
    for name, text in files.items():
        (newcomer.ops / "tasks" / f"{name}.py").write_text(text)
    return newcomer.ops


def test_the_examples_of_the_page_add_override_and_leave_out(newcomer: Newcomer) -> None:
    add, override, leave_out = examples()
    ops = made(newcomer, cache=add, ours=override, group=GROUP)
    fabfile = (ops / "fabfile.py").read_text()
    assert LINE in fabfile
    (ops / "fabfile.py").write_text(fabfile.replace(LINE, leave_out))
    ran = newcomer.fab("--list")
    assert ran.code == 0, ran.said
    listed = set(re.findall(r"(?m)^  ([a-z.-]+)(?: \(.*\))?  ", ran.out))
    assert {"cache", "deploy", "backup.backup", "backup.list", "service.start", "service.restart"} <= listed
    assert not {name for name in listed if name in ("init", "service.stop") or name.startswith("queue")}
    assert "Deploy, with the day's change as the message." in ran.out
    assert newcomer.fab("-H", "prod", "service.restart").out == "ours web1 web2\n"
    helped = newcomer.fab("--help", "cache").out
    assert "--path" in helped and "--serial" in helped


# Tasks that no repository has as a copy: they are younger than the wheel's tasks.
LATER = {
    "tasks/app.py",
    "tasks/env.py",
    "tasks/flag.py",
    "tasks/follow.py",
    "tasks/measure.py",
    "tasks/metrics.py",
    "tasks/notify.py",
    "tasks/report.py",
    "tasks/runbook.py",
    "tasks/smoke.py",
    "tasks/version.py",
    "tasks/watch.py",
}


def test_what_cannot_be_is_said_without_a_traceback(newcomer: Newcomer) -> None:
    ops = made(newcomer, mine=OLD.replace("names(", "backup("))
    ran = newcomer.fab("--list")
    assert (ran.code, "Traceback" in ran.said) == (2, False), ran.said
    assert "without=['backup']" in ran.said
    (ops / "fabfile.py").write_text((ops / "fabfile.py").read_text().replace("without=[]", "without=['deplyo']"))
    ran = newcomer.fab("--list")
    assert (ran.code, "Traceback" in ran.said) == (2, False), ran.said
    assert "leaves out deplyo" in ran.said


def test_a_repository_with_copied_tasks_moves_over_as_the_page_says(newcomer: Newcomer) -> None:
    """The copies import modules that are gone, and stand beside a task of the user's own."""
    ops = made(newcomer, own=OLD)
    new = {name: (ops / name).read_text() for name in ("fabfile.py", "tasks/__init__.py")}
    (removed,) = re.findall(r"git rm (tasks/__init__\.py.*?)\n\n", PAGE, re.DOTALL)
    copies = [word for word in removed.split() if word != "\\"]
    assert {f"tasks/{path.name}" for path in (ROOT / "tasks").glob("*.py")} - LATER <= set(copies)
    for copy in copies:
        (ops / copy).write_text("from lockstitch.cli.gone import nothing\n")
    (ops / "fabfile.py").write_text("from tasks import namespace\n")
    assert newcomer.fab("--list").code != 0

    for copy in copies:
        (ops / copy).unlink()
    for name, text in new.items():
        (ops / name).write_text(text)
    listed = newcomer.fab("--list")
    assert listed.code == 0, listed.said
    assert {"names", "deploy", "rollback"} <= set(listed.out.split())
    assert newcomer.fab("-H", "prod", "names").out == "names web1 web2\n"


def test_a_checkout_that_is_installed_editable_serves_as_well(newcomer: Newcomer) -> None:
    made(newcomer, own=OLD)
    newcomer.site = ROOT
    listed = newcomer.fab("--list")
    assert listed.code == 0, listed.said
    assert {"names", "deploy", "rollback"} <= set(listed.out.split())
