"""Each service on a real host: how it takes new code, what it refuses, and what is left when the code is broken."""

from __future__ import annotations

from typing import Any

import pytest

from tests.containers import edits, expect, truth
from tests.containers.fleet import Fleet
from tests.containers.project import Project
from tests.containers.repos import Repository
from tests.containers.units import Layout

Repositories = dict[str, Repository]
API, WEB = "prod:api1", "prod:web1"
PM2_PROGRAM = "/opt/pm2/node_modules/pm2/lib/binaries/CLI.js"
GUNICORN = "/opt/venv/bin/gunicorn"
BY_PIDFILE = {
    "kind": "gunicorn",
    "app": "main:app",
    "pidfile": "/app/gunicorn.pid",
    "start": f'{GUNICORN} --daemon --chdir "$PWD" --config "$PWD/gunicorn.conf.py" --pid "$PIDFILE" main:app',
}


def masters(fleet: Fleet, name: str) -> list[int]:
    """The pids of the masters that run on a host."""
    return [each.pid for each in truth.masters_of(fleet[name])]


def untested(project: Project, app: str, **more: Any) -> None:
    """Let an app's faults come as far as its service."""
    project.app(app).update({"test": [], **more})


@pytest.mark.parametrize(("layout", "reload"), [("in_place", "hup"), ("releases", "usr2")])
def test_gunicorn_by_pid_file(project: Project, fleet: Fleet, repositories: Repositories, reload: str) -> None:
    project.app("api")["service"] = {**BY_PIDFILE, "reload": reload}
    expect.done(project.deploy("v1", on=API))
    (first,) = masters(fleet, "api1")
    for words, ref in ((("deploy", "--ref", "v2"), "v2"), (("rollback",), "v1")):
        before = truth.uptime(fleet)
        expect.done(project.fab("-H", API, *words))
        expect.hosts_on({"api1": ref}, project, repositories, since=before)
    (now,) = masters(fleet, "api1")
    assert (now == first) == (reload == "hup")
    assert fleet["api1"].read("/app/gunicorn.pid") == b"%d\n" % now

    untested(project, "api")
    ran = project.deploy(edits.BROKEN_IMPORT, on=API)
    assert ran.code == 5, ran.said
    assert "a_module_that_is_nowhere" in ran.said
    assert masters(fleet, "api1") == [now], "broken code reached the master"
    expect.hosts_on({"api1": "v1"}, project, repositories)

    if reload == "usr2":
        # Where the check lets it through, the old master goes on when the new one cannot.
        untested(project, "api", check="true")
        ran = project.deploy(edits.BROKEN_IMPORT, on=API)
        assert ran.code == 5, ran.said
        assert "the old master" in ran.said
        assert len(masters(fleet, "api1")) == 1
        expect.hosts_on({"api1": "v1"}, project, repositories)
        return
    since = truth.uptime(fleet)
    expect.done(project.fab("-H", API, "service.restart"))
    (second,) = masters(fleet, "api1")
    assert second != now
    expect.hosts_on({"api1": "v1"}, project, repositories, since=since)
    expect.done(project.fab("-H", API, "service.stop"))
    assert masters(fleet, "api1") == []


@pytest.mark.parametrize("layout", ["releases"])
def test_a_gunicorn_that_keeps_its_folder_is_found_out(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    """gunicorn #394: without chdir in its settings it stays in the folder that `current` was at its start."""
    start = f'cd "$(pwd -P)" && {GUNICORN} --daemon --pid "$PIDFILE" --config /app/there.py main:app'
    fleet["api1"].put("/app/there.py", b'bind = "0.0.0.0:8000"\nworker_class = "asgi"\nworkers = 2\n', owner="deploy")
    project.app("api")["service"] = {**BY_PIDFILE, "start": start}
    project.app("api")["health"]["tries"] = 2
    expect.done(project.deploy("v1", on=API))
    ran = project.deploy("v2", on=API)
    assert ran.code == 5, ran.said
    assert "set chdir to the app's `current`" in ran.said, ran.said
    assert truth.served(fleet["api1"]) == repositories["api"].revisions["v1"]


@pytest.mark.parametrize("layout", ["releases"])
def test_a_pm2_process_that_would_keep_its_folder_is_refused(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    """PM2 #5939: it keeps for good the folder it was started in."""
    del project.app("webapp")["env"]
    expect.done(project.deploy("v1", on=WEB))
    ran = project.deploy("v2", on=WEB)
    assert ran.code == 5, ran.said
    assert "set cwd: '/app/webapp/current' in the ecosystem file" in ran.said
    expect.hosts_on({"web1": "v1"}, project, repositories)


@pytest.mark.parametrize("layout", ["releases"])
def test_a_pm2_process_by_its_name_alone(
    project: Project, fleet: Fleet, repositories: Repositories, layout: Layout
) -> None:
    start = 'pm2 start "$current/server.js" --name webapp --cwd "$current" -i 2 --wait-ready --silent'
    project.app("webapp")["service"] = {"kind": "pm2", "name": "webapp", "start": start, "steady": 0.3}
    expect.done(project.deploy("v1", on=WEB))
    before = truth.uptime(fleet)
    expect.done(project.deploy("v2", on=WEB))
    expect.hosts_on({"web1": "v2"}, project, repositories, since=before)

    # Questions are answered by the daemon itself, not through the program, which takes several times the CPU.
    fleet["web1"].check(f"mv {PM2_PROGRAM} {PM2_PROGRAM}.away")
    try:
        told = project.fab("-H", WEB, "status")
    finally:
        fleet["web1"].check(f"mv {PM2_PROGRAM}.away {PM2_PROGRAM}")
    expect.done(told)

    untested(project, "webapp")
    broken = project.deploy(edits.BROKEN_IMPORT, on=WEB)
    assert broken.code == 5, broken.said
    assert "the first instance with the new code does not stay up; the others still run the old" in broken.said
    expect.hosts_on({"web1": "v2"}, project, repositories)


@pytest.mark.parametrize("layout", ["releases"])
def test_any_unit_is_restarted_or_reloaded(project: Project, fleet: Fleet, repositories: Repositories) -> None:
    project.app("api")["service"] = {"kind": "systemd", "unit": "gunicorn", "reload": "restart"}
    expect.done(project.deploy("v1", on=API))
    first = masters(fleet, "api1")
    expect.done(project.deploy("v2", on=API))
    second = masters(fleet, "api1")
    assert second != first
    project.app("api")["service"]["reload"] = "reload"
    expect.done(project.deploy("v3", on=API))
    assert masters(fleet, "api1") == second
    # systemd cannot tell when a reload has reached every worker.
    truth.wait_served(fleet["api1"], repositories["api"].revisions["v3"])


@pytest.mark.parametrize("layout", ["releases"])
def test_commands_of_the_user_s_own(project: Project, fleet: Fleet, repositories: Repositories) -> None:
    project.app("api")["service"] = {
        "kind": "command",
        "reload": "sudo -n systemctl restart gunicorn",
        "status": "systemctl is-active gunicorn",
        "stop": "sudo -n systemctl stop gunicorn",
        "needs": ["systemctl"],
    }
    project.app("api")["health"]["tries"] = 3
    # A first deploy that fails leaves nothing running.
    ran = project.deploy(edits.FAILING_HEALTH, on=API)
    assert ran.code == 5, ran.said
    assert masters(fleet, "api1") == []
    for ref in ("v1", "v2"):
        expect.done(project.deploy(ref, on=API))
        assert truth.served(fleet["api1"]) == repositories["api"].revisions[ref]
