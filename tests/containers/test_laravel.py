"""A real Laravel on two hosts: what its users, its jobs and its operators see of a deploy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.containers.desk import (
    APP,
    ENOUGH,
    HOSTS,
    LOOPS,
    PATH,
    RETRY,
    SECRET,
    SHARED,
    Desk,
    fail_once,
    get,
    hold,
    let_go,
    revision,
    until_held,
    wait_until,
)
from tests.containers.desk_expect import job, only_sent_away, serves, went
from tests.containers.machine import Machine
from tests.containers.repos import Repository
from tests.containers.test_deploy_traffic import Window, moment, wrong
from tests.containers.traffic import Traffic


@pytest.fixture
def revisions(desk_repository: Repository) -> dict[str, str]:
    return dict(desk_repository.revisions)


def test_no_request_and_no_job_is_lost_when_code_and_a_migration_arrive(desk: Desk, revisions: dict[str, str]) -> None:
    php1, php2 = desk.machines
    desk.project.inventory["rollout"] = {"batch": 1}
    desk.begin_on("v1")
    for name in ("running-1", "running-2"):
        job(php1, name, 200)
    wait_until(lambda: len(desk.records("begin")) == 2, "both workers are at a job")
    waiting = [f"next-{number}" for number in range(5)]
    for name in waiting:
        job(php1, name)
    for machine in desk.machines:
        hold(machine, "queue:restart")
    with Traffic(desk.machines, LOOPS) as traffic, desk.start("v2") as fab:
        for times, machine in enumerate(desk.machines, 1):
            # Its code is switched, and its worker still at the job of the code before.
            until_held(machine)
            let_go(machine)
            fab.until("Broadcasting queue restart signal", times=times)
            machine.check(f"touch {ENOUGH}")
        ran = went(fab.finish())
    assert "migrate | Migrated:" in ran.out
    serves(desk, revisions["v2"])
    for name in ("last-1", "last-2"):
        job(php2, name)
    wait_until(lambda: len(desk.records("end")) == 9, "every job has come to its end")

    assert traffic.failed == [], desk.errors()
    for host in HOSTS:
        answers = traffic.of(host)
        assert {each.revision for each in answers} == {revisions["v1"], revisions["v2"]}
        assert wrong(answers, [window(desk, host, revisions["v1"], revisions["v2"])]) == []

    begun, ended = desk.records("begin"), desk.records("end")
    assert sorted(each["id"] for each in begun) == sorted(["running-1", "running-2", *waiting, "last-1", "last-2"])
    assert sorted(each["id"] for each in ended) == sorted(each["id"] for each in begun), "none lost, none run twice"
    at = {each["id"]: (each["version"], each["revision"], each["pid"]) for each in begun}
    assert at == {each["id"]: (each["version"], each["revision"], each["pid"]) for each in ended}
    assert {at[name][:2] for name in ("running-1", "running-2")} == {("1.0.0", revisions["v1"])}
    assert {at[name][:2] for name in (*waiting, "last-1", "last-2")} == {("2.0.0", revisions["v2"])}


def test_a_migration_is_a_503_that_says_when_to_come_back_and_a_secret_passes_it(
    desk: Desk, revisions: dict[str, str]
) -> None:
    php1, _ = desk.machines
    desk.service["maintenance"]["when"] = "migrations"
    desk.begin_on("v1")
    hold(php1, "migrate --force")
    with Traffic(desk.machines, LOOPS) as traffic, desk.start("v2") as fab:
        until_held(php1)
        for machine in desk.machines:
            away = get(machine)
            assert (away.status_code, away.headers["Retry-After"]) == (503, str(RETRY))
            let_in = get(machine, f"/{SECRET}", allow_redirects=False)
            passed = get(machine, cookies=let_in.cookies)
            assert (passed.status_code, passed.json()["revision"]) == (200, revisions["v1"])
        let_go(php1)
        went(fab.finish())
    serves(desk, revisions["v2"])
    only_sent_away(desk, traffic)
    for host in HOSTS:
        assert {each.revision for each in traffic.of(host)} == {revisions["v1"], "", revisions["v2"]}

    # Without one, nobody is sent away.
    with Traffic(desk.machines, LOOPS) as traffic:
        ran = went(desk.deploy("v3"))
    assert traffic.failed == [] and "migrate desk" in ran.out
    serves(desk, revisions["v3"])


def test_what_was_found_down_stays_down_and_it_is_said(desk: Desk, revisions: dict[str, str]) -> None:
    _, php2 = desk.machines
    desk.service["maintenance"]["when"] = "always"
    desk.begin_on("v2")
    for machine in desk.machines:
        desk.artisan(machine, "down --retry=99")
    ran = went(desk.deploy("v3"))
    assert ran.out.count("it stays so") >= 2, ran.said
    serves(desk, revisions["v3"], down=HOSTS)
    assert get(php2).headers["Retry-After"] == "99"
    for machine in desk.machines:
        desk.artisan(machine, "up")
    serves(desk, revisions["v3"])

    desk.artisan(php2, "down")
    said = "php2: desk is in maintenance"
    planned = went(desk.fab("plan", "--ref", "v2"))
    assert said in planned.out and "php1: desk is in maintenance" not in planned.out
    ran = went(desk.deploy("v2"))
    assert 0 < ran.out.find(said) < ran.out.index("== 1/"), "told before anything changes"
    serves(desk, revisions["v2"], down=("php2",))


def test_a_checkout_in_place_takes_new_code_and_goes_back(desk: Desk, revisions: dict[str, str]) -> None:
    desk.app["layout"] = "in_place"
    desk.service["maintenance"]["when"] = "always"
    desk.fresh()
    with in_place(desk, "v1"):
        with Traffic(desk.machines, LOOPS) as traffic:
            went(desk.deploy("v2"))
        only_sent_away(desk, traffic)
        # The caches that were written over are those of the code that is gone back to.
        fail_once(desk.machines[1], "queue:restart")
        went(desk.deploy("v3"), 5)
        for machine in desk.machines:
            assert revision(machine) == revisions["v2"]
            assert revisions["v2"] in machine.check(f"git -C {PATH} rev-parse HEAD", user="deploy")
            assert revisions["v2"] in machine.check(f"cat {PATH}/bootstrap/cache/config.php")
            assert machine.exec(f"test -e {PATH}/storage/framework/down")[0] == 1


@contextmanager
def in_place(desk: Desk, ref: str) -> Iterator[None]:
    """A checkout where it stands, as people have made it, with the web server and a worker in it."""
    files = "/etc/nginx/sites-enabled/desk /etc/systemd/system/desk-worker.service"
    turn = f"systemctl stop desk-worker; sed -i 's|{{}}|{{}}|' {files}; systemctl daemon-reload; systemctl reload nginx"
    make = f"""set -e; umask 002; cp {SHARED}/.env ~/.env.kept
        rm -rf {PATH}; git clone -q -b {ref} {desk.fleet.clone_url(APP)} {PATH}; cd {PATH}; mv ~/.env.kept .env
        composer install -q --no-dev; chgrp -R www-data .env storage bootstrap/cache; php artisan config:cache
        php artisan migrate --force; git checkout -q --detach"""

    def begin(machine: Machine) -> None:
        done = desk.fleet.ssh(machine.name, make)
        assert done.returncode == 0, done
        machine.check(turn.format(f"{PATH}/current", PATH) + "; systemctl start desk-worker")
        wait_until(lambda: get(machine).status_code == 200, "nginx has taken its new settings")

    for machine in desk.machines:
        begin(machine)
    yield
    desk.everywhere(lambda machine: machine.check(turn.format(PATH, f"{PATH}/current")))


def window(desk: Desk, host: str, before: str, after: str) -> Window:
    """When the last run changed a host, as its journal tells."""
    events = [
        each for each in desk.project.events() if host in (each.get("host"), each.get("site", "@").split("@")[-1])
    ]
    began = next(each for each in events if each["event"] == "begin" and each["name"] == "activate")
    ended = [each for each in events if each["event"] == "gate"][-1]
    return Window(moment(began), moment(ended), before, after, after)
