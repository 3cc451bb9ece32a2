"""`service.*` on real hosts: gunicorn under systemd and PM2, restarted, stopped, started, and one that cannot."""

from __future__ import annotations

import pytest

from tests.cli.test_shell import Terminal
from tests.containers import expect, truth
from tests.containers.fleet import Fleet
from tests.containers.project import Project
from tests.containers.repos import Repository
from tests.containers.units import gunicorn_unit

Repositories = dict[str, Repository]
BROKEN = gunicorn_unit("releases").replace("/opt/venv/bin/gunicorn", "/bin/false")
KEY = "k3y-of-the-api"
PYTHON = "import os, pwd, sys; print(pwd.getpwuid(os.getuid()).pw_name, sys.stdin.isatty(), len(os.environ['API_KEY']))"
UNIT = "/etc/systemd/system/gunicorn.service"


def results(ran: object) -> dict[str, str]:
    return {one["host"]: one["result"] for one in ran.json["results"]}  # type: ignore[attr-defined]


def commands_run_in_the_apps(project: Project, fleet: Fleet) -> None:
    """`app.run` under gunicorn and PM2: in the release, as the app's user, with its secrets; a terminal where there is
    one, and nothing of the secrets in any process's words or left in a file."""
    project.variables["API_KEY"] = KEY
    project.app("api").update({"user": "www-data", "secrets": {"API_KEY": "env:API_KEY"}})
    project.app("webapp")["env"] = {**project.app("webapp").get("env", {}), "MODE": "shown"}
    fleet["api1"].put("/etc/sudoers.d/app-run", b"deploy ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
    fleet["api1"].check("mkdir -p /var/www")
    try:
        ran = project.fab(
            *("-H", "prod:api1", "app.run", "api", "--json", "--"), "id -un; pwd; echo ${#API_KEY} $API_KEY"
        )
        assert ran.code == 0, ran.said
        release = truth.everywhere(fleet, ["api1"])["api1"].release
        assert ran.json["hosts"]["api1"]["output"].splitlines() == ["www-data", release, f"{len(KEY)} ***"]

        terminal = Terminal(project, "-H", "prod:api1", "app.run", "api", "--", "python3", "-i", "-c", PYTHON)
        terminal.until(f"www-data True {len(KEY)}")
        words = [process.cmdline for process in fleet["api1"].processes()]
        assert any("python3 -i" in each for each in words) and not any(KEY in each for each in words), words
        assert "found" not in fleet["api1"].check(f"! grep -rlq {KEY} /tmp /var/tmp /dev/shm || echo found")
        terminal.type("raise SystemExit(int('4' + '2'))\n")
        assert terminal.end() == 7 and "exit code 42" in terminal.said, terminal.said
    finally:
        fleet["api1"].check("rm /etc/sudoers.d/app-run")
        for key in ("user", "secrets"):
            del project.app("api")[key]
    ran = project.fab("-H", "prod", "app.run", "webapp", "--", "node", "-p", "process.env.MODE + process.cwd()")
    assert ran.code == 0 and "shown/app/webapp/releases/" in ran.out, ran.said


@pytest.mark.parametrize("layout", ["releases"])
def test_services_are_restarted_stopped_and_started(project: Project, fleet: Fleet, repositories: Repositories) -> None:
    project.with_one_frontend()
    expect.done(project.deploy("v1"))
    commands_run_in_the_apps(project, fleet)
    before, since = truth.everywhere(fleet, project.hosts), truth.uptime(fleet)
    ran = project.fab("-H", "prod", "service.restart")
    expect.done(ran)
    expect.hosts_on(dict.fromkeys(project.hosts, "v1"), project, repositories, since=since)
    after = truth.everywhere(fleet, project.hosts)
    assert all(not before[name].pids & after[name].pids for name in project.hosts)

    told = project.fab("-H", "prod", "service.status", "--json")
    assert told.code == 0, told.said
    seen = {site["host"]: (site["running"], site["at_boot"], len(site["workers"])) for site in told.json["sites"]}
    assert seen == {
        **{name: (True, "enabled", len(after[name].pids)) for name in ("api1", "api2")},
        "web1": (True, "disabled", len(after["web1"].pids)),
    }

    expect.done(project.fab("-H", "prod", "service.stop", "webapp"))
    assert truth.workers(fleet["web1"]) == []
    assert truth.workers(fleet["api1"])
    assert project.fab("-H", "prod", "service.status").code == 7
    started = project.fab("-H", "prod", "service.start")
    expect.done(started)
    assert "api@api1 runs already: it is left out" in started.out
    expect.hosts_on(dict.fromkeys(project.hosts, "v1"), project, repositories)

    # A host that does not come up stops the rest.
    whole = fleet["api2"].read(UNIT)
    fleet["api2"].put(UNIT, BROKEN.encode())
    fleet["api2"].check("systemctl daemon-reload")
    standing = truth.standing(fleet, "web1")
    ran = project.fab("-H", "prod", "service.restart", "--json")
    assert ran.code == 6, ran.said
    assert results(ran) == {"api1": "done", "api2": "see to it", "web1": "not begun"}
    assert truth.standing(fleet, "web1") == standing
    assert truth.served(fleet["api1"]) == repositories["api"].revisions["v1"]

    fleet["api2"].put(UNIT, whole)
    fleet["api2"].check("systemctl daemon-reload; systemctl reset-failed gunicorn")
    expect.done(project.fab("-H", "prod", "service.start", "api"))
    expect.hosts_on(dict.fromkeys(project.hosts, "v1"), project, repositories)
