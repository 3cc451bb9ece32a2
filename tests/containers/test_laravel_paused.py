"""A Laravel's workers run no job while a rollback takes their database back, and run them afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.containers.desk import SECRET, STATE, Desk, get, hold, let_go, post, until_held, wait_until
from tests.containers.desk_expect import job, serves, went
from tests.containers.edits_desk import PAUSES
from tests.containers.machine import Machine
from tests.containers.project import Ran
from tests.containers.repos import Repository

DROP_IN = "/etc/systemd/system/desk-worker.service.d"
FORCED = (
    b"[Service]\nExecStart=\n"
    b"ExecStart=/usr/bin/php /app/desk/current/artisan queue:work --force --sleep=0.4 --tries=1 --timeout=240\n"
)
BACK = "migrate:rollback"


@pytest.fixture
def revisions(desk_repository: Repository) -> dict[str, str]:
    return dict(desk_repository.revisions)


@pytest.fixture
def forced(desk: Desk) -> Iterator[None]:
    """Workers that take jobs in maintenance too."""
    desk.everywhere(lambda machine: machine.put(f"{DROP_IN}/force.conf", FORCED))
    desk.everywhere(lambda machine: machine.check("systemctl daemon-reload"))
    yield
    desk.everywhere(lambda machine: machine.check(f"rm -r {DROP_IN}; systemctl daemon-reload"))


def rolls_back(desk: Desk, revision: str, code: int = 0) -> Ran:
    """Roll back with the database: both workers are at a job as it begins. While the database is taken back those have
    ended, and jobs that come then wait until it is over."""
    php1 = desk.machines[0]
    before = len(desk.records("begin"))
    desk.enough(False)
    for machine in desk.machines:
        job(machine, f"long-{machine.name}", 200)
    wait_until(lambda: len(desk.records("begin")) == before + 2, "both workers are at a job")
    hold(php1, BACK)
    with desk.project.start_fab("-H", "prod", "rollback", "--to", revision, "--database", "down") as fab:
        wait_until(lambda: all(desk.everywhere(is_pausing)), "the workers are told")
        desk.enough()
        until_held(php1)
        assert len(desk.records("end")) == before + 2, "those that were at work have ended"
        passing = get(php1, f"/{SECRET}", allow_redirects=False).cookies
        for number in range(3):
            assert post(php1, f"/jobs?id=waits-{number}&seconds=0", cookies=passing).status_code == 200
        time.sleep(3)
        assert len(desk.records("begin")) == before + 2, "a job began while the database is taken back"
        let_go(php1)
        ran = went(fab.finish(), code)
    wait_until(lambda: len(desk.records("end")) == before + 5, "the jobs that waited are done")
    assert not any(desk.everywhere(lambda machine: machine.exec(f"test -e {STATE}/paused")[0] == 0)), ran.said
    return ran


def is_pausing(machine: Machine) -> bool:
    """Tell whether the newest run has begun to pause the workers of a host."""
    return machine.exec(f"tail -n 4 {STATE}/journal.jsonl | grep -q '\"pause\"'")[0] == 0


def versions(desk: Desk) -> list[str]:
    """The versions of the code that the last three jobs ran in."""
    return [each["version"] for each in desk.records("end")[-3:]]


def test_in_maintenance_workers_end_their_job_and_begin_no_other(desk: Desk, revisions: dict[str, str]) -> None:
    desk.service["maintenance"]["when"] = "always"
    desk.begin_on("v1")
    went(desk.deploy("v2"))
    rolls_back(desk, revisions["v1"])
    serves(desk, revisions["v1"])
    assert versions(desk) == ["1.0.0"] * 3


def test_workers_that_maintenance_does_not_keep_from_jobs_are_stopped(
    desk: Desk, forced: None, revisions: dict[str, str]
) -> None:
    """Workers with --force, and all where the app does not go into maintenance."""
    desk.service["maintenance"]["when"] = "always"
    desk.begin_on("v1")
    for when in ("always", "never"):
        desk.service["maintenance"]["when"] = when
        went(desk.deploy("v2"))
        ran = rolls_back(desk, revisions["v1"])
        assert "systemctl stop desk-worker" in ran.out
        serves(desk, revisions["v1"])
        assert versions(desk) == ["1.0.0"] * 3


def test_the_rollback_is_refused_while_a_job_does_not_end(desk: Desk, revisions: dict[str, str]) -> None:
    desk.service["maintenance"]["when"] = "always"
    desk.service["queues"]["settle"] = 2
    desk.begin_on("v1")
    went(desk.deploy("v2"))
    before = desk.stands()
    desk.enough(False)
    for machine in desk.machines:
        job(machine, f"long-{machine.name}", 200)
    wait_until(lambda: len(desk.records("begin")) == 2, "both workers are at a job")
    ran = went(desk.project.rollback("--database", "down"), 5)
    assert "still running the code before after 2 s" in ran.said and "queues.settle" in ran.said
    assert desk.stands() == before
    assert desk.data.sql("SHOW COLUMNS FROM tickets LIKE 'author'", "desk")
    desk.enough()
    wait_until(lambda: len(desk.records("end")) == 2, "the jobs have ended")


def test_queues_are_paused_where_the_version_can_as_registered_by_the_application(
    desk: Desk, revisions: dict[str, str]
) -> None:
    """Stand-in of Laravel 12.40's own commands: real workers of Laravel 8, and the application's listener."""
    desk.begin_on("v1")
    went(desk.deploy(PAUSES))
    rolls_back(desk, revisions["v1"])
    serves(desk, revisions["v1"])
    assert {each["queue"] for each in desk.records("pause")} == {"default", "redis:default"}
    assert versions(desk) == ["1.0.0"] * 3
    # Where it fails, the queues are resumed, and the newer code works on.
    went(desk.deploy(PAUSES))
    desk.data.sql("ALTER TABLE tickets DROP COLUMN author", "desk")
    rolls_back(desk, revisions["v1"], 5)
    desk.data.sql("ALTER TABLE tickets ADD COLUMN author varchar(255) NOT NULL DEFAULT 'nobody'", "desk")
    serves(desk, revisions[PAUSES])
    assert len(desk.records("resume")) == 2 * len({each["queue"] for each in desk.records("pause")})
    assert versions(desk) == ["2.0.0"] * 3
