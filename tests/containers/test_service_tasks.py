"""`service.*` on real hosts: gunicorn under systemd and PM2, restarted, stopped, started, and one that cannot."""

from __future__ import annotations

import pytest

from tests.containers import expect, truth
from tests.containers.desk import Desk, get
from tests.containers.desk_expect import serves, went
from tests.containers.fleet import Fleet
from tests.containers.project import Project
from tests.containers.repos import Repository
from tests.containers.test_services import BY_PIDFILE
from tests.containers.units import gunicorn_unit

Repositories = dict[str, Repository]
BROKEN = gunicorn_unit("releases").replace("/opt/venv/bin/gunicorn", "/bin/false")
UNIT = "/etc/systemd/system/gunicorn.service"

releases = pytest.mark.parametrize("layout", ["releases"])


def results(ran: object) -> dict[str, str]:
    return {one["host"]: one["result"] for one in ran.json["results"]}  # type: ignore[attr-defined]


@releases
def test_services_are_restarted_stopped_and_started(project: Project, fleet: Fleet, repositories: Repositories) -> None:
    expect.done(project.deploy("v1"))
    before, since = truth.everywhere(fleet), truth.uptime(fleet)
    ran = project.fab("-H", "prod", "service.restart")
    expect.done(ran)
    expect.hosts_on(dict.fromkeys(truth.HOSTS, "v1"), project, repositories, since=since)
    after = truth.everywhere(fleet)
    assert all(not before[name].pids & after[name].pids for name in truth.HOSTS)

    told = project.fab("-H", "prod", "service.status", "--json")
    assert told.code == 0, told.said
    seen = {site["host"]: (site["running"], site["at_boot"], len(site["workers"])) for site in told.json["sites"]}
    assert seen == {
        **{name: (True, "enabled", len(after[name].pids)) for name in ("api1", "api2")},
        **{name: (True, "disabled", len(after[name].pids)) for name in ("web1", "web2")},
    }

    expect.done(project.fab("-H", "prod", "service.stop", "webapp"))
    assert [len(truth.workers(fleet[name])) for name in ("web1", "web2", "api1")][:2] == [0, 0]
    assert truth.workers(fleet["api1"])
    assert project.fab("-H", "prod", "service.status").code == 7
    started = project.fab("-H", "prod", "service.start")
    expect.done(started)
    assert "api@api1 runs already: it is left out" in started.out
    expect.hosts_on(dict.fromkeys(truth.HOSTS, "v1"), project, repositories)


@releases
def test_a_host_that_does_not_come_up_stops_the_rest(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    expect.done(project.deploy("v1"))
    whole = fleet["api2"].read(UNIT)
    fleet["api2"].put(UNIT, BROKEN.encode())
    fleet["api2"].check("systemctl daemon-reload")
    before = truth.everywhere(fleet, ["web1", "web2"])
    ran = project.fab("-H", "prod", "service.restart", "--json")
    assert ran.code == 6, ran.said
    assert results(ran) == {"api1": "done", "api2": "see to it", "web1": "not begun", "web2": "not begun"}
    assert truth.everywhere(fleet, ["web1", "web2"]) == before
    assert truth.served(fleet["api1"]) == repositories["api"].revisions["v1"]

    fleet["api2"].put(UNIT, whole)
    fleet["api2"].check("systemctl daemon-reload; systemctl reset-failed gunicorn")
    expect.done(project.fab("-H", "prod", "service.start", "api"))
    expect.hosts_on(dict.fromkeys(truth.HOSTS, "v1"), project, repositories)


@releases
def test_gunicorn_by_pid_file_is_stopped_and_started_anew(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    project.app("api")["service"] = {**BY_PIDFILE, "reload": "hup"}
    expect.done(project.deploy("v1", on="prod:api1"))
    (first,) = truth.masters_of(fleet["api1"])
    since = truth.uptime(fleet)
    expect.done(project.fab("-H", "prod:api1", "service.restart"))
    (second,) = truth.masters_of(fleet["api1"])
    assert second.pid != first.pid
    expect.hosts_on({"api1": "v1"}, project, repositories, since=since)
    expect.done(project.fab("-H", "prod:api1", "service.stop"))
    assert truth.masters_of(fleet["api1"]) == []


def test_php_is_stopped_started_and_restarted(desk: Desk, desk_repository: Repository) -> None:
    desk.begin_on("v1")
    revision = desk_repository.revisions["v1"]

    def masters() -> list[str]:
        return [machine.check("systemctl show -P MainPID php8.2-fpm") for machine in desk.machines]

    before = masters()
    went(desk.fab("service.restart"))
    assert not set(before) & set(masters())
    serves(desk, revision)
    went(desk.fab("service.stop"))
    assert {get(machine).status_code for machine in desk.machines} == {502}
    went(desk.fab("service.start"))
    serves(desk, revision)
    before = masters()
    went(desk.fab("service.reload"))
    assert masters() == before
    told = went(desk.fab("service.status", "--json")).json["sites"]
    assert [(site["running"], site["serving"]) for site in told] == [(True, True)] * 2
