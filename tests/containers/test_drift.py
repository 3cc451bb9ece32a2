"""Differences between what runs and what should run, on real hosts: PM2's instances and secrets, units and environment files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.containers import expect, truth
from tests.containers.fleet import Fleet
from tests.containers.project import Project
from tests.containers.repos import Repository

Repositories = dict[str, Repository]
API, WEB = "prod:api1", "prod:web1"


@pytest.mark.parametrize("layout", ["releases"])
def test_a_rotated_secret_reaches_every_instance_of_pm2(project: Project, fleet: Fleet, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("first")
    project.app("webapp")["secrets"] = {"ROTATING": f"file:{secret}"}
    expect.done(project.deploy("v1", on=WEB))
    assert values(fleet, "ROTATING") == {"first"}
    secret.write_text("second-value")
    ran = project.fab("-H", WEB, "check", "--only", "webapp")
    assert ran.code == 7 and "was started with other values of ROTATING" in ran.said, ran.said
    assert "second-value" not in ran.said
    # The same revision: this is what there is to do.
    expect.done(project.deploy("v1", on=WEB))
    assert values(fleet, "ROTATING") == {"second-value"}
    secret.write_text("third")
    expect.done(project.fab("-H", WEB, "service.restart"))
    assert values(fleet, "ROTATING") == {"third"}


def values(fleet: Fleet, name: str) -> set[str]:
    """The values that PM2's instances were started with."""
    print_them = f"""
        su deploy -c 'pm2 jlist' | grep '^\\[{{' | node -e 'let t = ""; process.stdin.on("data", (d) => t += d)
            .on("end", () => JSON.parse(t).forEach((p) => console.log(p.pm2_env.{name})))'"""
    return set(fleet["web1"].check(print_them).split())


@pytest.mark.parametrize("layout", ["releases"])
def test_a_changed_unit_and_environment_file_are_told_and_a_restart_makes_them_so(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    api1 = fleet["api1"]
    api1.put("/etc/sudoers.d/reread", b"deploy ALL=(root) NOPASSWD: /usr/bin/systemctl daemon-reload\n", mode=0o440)
    expect.done(project.deploy("v1", on=API))
    api1.check("sleep 2; echo ROTATED=1 >/etc/default/gunicorn; chmod 644 /etc/default/gunicorn")
    ran = project.deploy("v2", on=API)
    assert ran.code == 7, ran.said
    assert "/etc/default/gunicorn was changed after gunicorn was started: other ROTATED" in ran.said
    assert "service.restart api" in ran.said
    api1.check("sed -i 's/^TimeoutStopSec=10/TimeoutStopSec=11/' /etc/systemd/system/gunicorn.service")
    since = truth.uptime(fleet)
    expect.done(project.fab("-H", API, "service.restart"))
    expect.hosts_on({"api1": "v1"}, project, repositories, since=since)
    (master,) = truth.masters_of(api1)
    assert "ROTATED=1" in api1.check(f"tr '\\0' '\\n' </proc/{master.pid}/environ")
    assert "11s" in api1.check("systemctl show --property=TimeoutStopUSec gunicorn")
    expect.done(project.deploy("v2", on=API))
    api1.check("rm -f /etc/sudoers.d/reread /etc/default/gunicorn")


@pytest.mark.parametrize("layout", ["releases"])
def test_settings_of_gunicorn_that_name_current_let_a_first_deploy_begin(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    there = 'bind = "0.0.0.0:8000"\\nworker_class = "asgi"\\nworkers = 2\\nchdir = "/app/api/current"\\n'
    project.app("api")["build"] = ["sh build.sh", f"printf '{there}' >gunicorn.conf.py"]
    expect.done(project.deploy("v1", on=API))
    expect.hosts_on({"api1": "v1"}, project, repositories)
    expect.done(project.deploy("v2", on=API))
    expect.hosts_on({"api1": "v2"}, project, repositories)
