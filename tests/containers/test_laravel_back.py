"""A Laravel goes back: by itself from whatever step fails, and by rollbacks with and without its database."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.containers import edits_desk
from tests.containers.desk import (
    CURRENT,
    HOSTS,
    LOOPS,
    SHARED,
    Desk,
    database,
    fail_once,
    hold,
    let_go,
    met,
    post,
    until_held,
    wait_until,
)
from tests.containers.desk_expect import job, only_sent_away, serves, went
from tests.containers.machine import Machine
from tests.containers.project import Ran
from tests.containers.repos import Repository
from tests.containers.traffic import Traffic

# What fails and where, and what is in the line of the command that does: in the order of a deploy, and on the second
# host what is done when the first one has switched. One of each kind: every single step fails in
# tests/engine/test_laravel.py, with an artisan of the tests' own; a cache and the queues fail elsewhere in this file.
COMMANDS = [
    ("composer", "php2", "composer install"),
    ("maintenance", "php2", "--no-ansi down"),
    ("activate", "php2", "mv -fT current.new current"),
    ("up", "php2", "--no-ansi up"),
]
SITE = "/etc/nginx/sites-enabled/desk"
LOCKED = f"{SHARED}/storage/logs"


@pytest.fixture
def revisions(desk_repository: Repository) -> dict[str, str]:
    return dict(desk_repository.revisions)


@contextmanager
def once(machine: Machine, words: str, *, quietly: bool = False) -> Iterator[None]:
    """The next such command fails, and did."""
    fail_once(machine, words, quietly=quietly)
    yield
    assert met(machine), f"nothing on {machine.name} had {words!r}"


@contextmanager
def not_ours(machine: Machine) -> Iterator[None]:
    """A folder in storage that only root may write to."""
    machine.check(f"chown root:root {LOCKED} && chmod 0755 {LOCKED}")
    yield
    machine.check(f"chown deploy:www-data {LOCKED} && chmod 2775 {LOCKED}")


@contextmanager
def elsewhere(machine: Machine) -> Iterator[None]:
    """The web server asks the release that serves now by its own name, whatever `current` points to."""
    release = machine.check(f"readlink -e {CURRENT}").strip()
    machine.check(f"sed -i 's|root {CURRENT}|root {release}|' {SITE} && systemctl reload nginx")
    yield
    machine.check(f"sed -i 's|root {release}|root {CURRENT}|' {SITE} && systemctl reload nginx")


def faults(desk: Desk) -> Iterator[tuple[str, str, AbstractContextManager[None] | None]]:
    """What fails, at which tag, and how that is brought about; None where the tag itself is what fails."""
    yield "writable", "v2", not_ours(desk.fleet["php1"])
    for what, host, words in COMMANDS:
        yield what, "v2", once(desk.fleet[host], words)
    yield "migrate", edits_desk.FAILING_MIGRATION, None
    yield "cache config", edits_desk.BAD_CONFIG, None
    yield "reload", "v2", once(desk.fleet["php2"], "php-fpm reload", quietly=True)
    yield "gate health", "v2", elsewhere(desk.fleet["php2"])


def failed(desk: Desk, ran: Ran, what: str) -> None:
    """It failed there, and says that every host is back."""
    went(ran, 5)
    assert "every host is back where it was" in ran.out, ran.said
    *_, outcome = desk.project.events()
    assert outcome["failures"][0]["what"] == what, ran.said


def test_whatever_step_fails_the_release_before_serves_and_nobody_is_left_away(
    desk: Desk, revisions: dict[str, str]
) -> None:
    desk.service["maintenance"]["when"] = "always"
    desk.service["fpm"]["settle"] = 3
    desk.project.inventory["rollout"] = {"batch": 1}
    desk.begin_on("v1")
    before = desk.stands()
    for what, ref, fault in faults(desk):
        if fault:
            with fault:
                ran = desk.deploy(ref)
        else:
            ran = desk.deploy(ref)
        failed(desk, ran, what)
        assert desk.stands() == before, f"{what} of {ref}: {ran.said}"
        assert working(desk) == dict.fromkeys(HOSTS, revisions["v1"]), ran.said
    # Nothing of it is in the way of the next one.
    went(desk.deploy("v2"))
    serves(desk, revisions["v2"])


def test_what_was_found_down_is_down_after_a_deploy_that_failed(desk: Desk, revisions: dict[str, str]) -> None:
    php1, php2 = desk.machines
    desk.service["maintenance"]["when"] = "always"
    desk.begin_on("v1")
    desk.artisan(php2, "down --retry=99")
    before = desk.stands()
    for what, host, words in (("migrate", php1, "migrate --force"), ("queues", php2, "queue:restart")):
        with once(host, words):
            ran = desk.deploy("v2")
        failed(desk, ran, what)
        assert desk.stands() == before, ran.said
    serves(desk, revisions["v1"], down=("php2",))


def test_a_deploy_that_is_cut_off_leaves_nobody_away(desk: Desk, revisions: dict[str, str]) -> None:
    php1, _ = desk.machines
    desk.service["maintenance"]["when"] = "always"
    desk.begin_on("v1")
    before = desk.stands()
    hold(php1, "migrate --force")
    with desk.start("v2") as fab:
        until_held(php1)
        fab.signal(signal.SIGINT)
        ran = went(fab.finish(), 130)
    assert desk.stands() == before, ran.said

    # The machine that deploys dies: the next deploy takes them out again.
    hold(php1, "migrate --force")
    with desk.start("v2") as fab:
        until_held(php1)
        fab.signal(signal.SIGKILL)
    let_go(php1)
    assert [each.down for each in desk.stands().values()] == [True, True]
    assert [site["left"] for site in went(desk.fab("maintenance.status", "--json")).json["sites"]] == [True, True]
    went(desk.fab("lock.break"))
    ran = went(desk.deploy("v2"))
    assert ran.out.count("this run takes it out again") == 2, ran.said
    serves(desk, revisions["v2"])


def test_rollback_quick_and_with_the_database(desk: Desk, revisions: dict[str, str]) -> None:
    desk.service["maintenance"]["when"] = "always"
    desk.begin_on("v1")
    went(desk.deploy("v2"))
    went(desk.deploy("v3"))
    with Traffic(desk.machines, LOOPS) as traffic:
        ran = went(desk.project.rollback())
    serves(desk, revisions["v2"])
    only_sent_away(desk, traffic)

    # The migration that lies between is said, and taken back only when that is asked for.
    ran = went(desk.project.rollback("--to", revisions["v1"]), 2)
    assert "give_tickets_an_author" in ran.said and "--database" in ran.said
    ran = went(desk.project.rollback("--to", revisions["v1"], "--database", "down"))
    serves(desk, revisions["v1"])
    assert desk.data.sql("SHOW COLUMNS FROM tickets LIKE 'author'", "desk") == []
    assert "cache:clear" in ran.out and "FLUSHALL" in ran.out
    for machine in desk.machines:
        assert post(machine, "/tickets").json()["revision"] == revisions["v1"]
        job(machine, f"after-{machine.name}")
    wait_until(lambda: len(desk.records("end")) == 2, "workers are at it again")
    assert {each["version"] for each in desk.records("end")} == {"1.0.0"}


def test_the_dump_that_a_migration_was_made_over_comes_back_with_a_rollback(
    desk: Desk, revisions: dict[str, str]
) -> None:
    desk.project.inventory["databases"] = {"main": database()}
    desk.app["database"] = "main"
    desk.service["maintenance"]["when"] = "always"
    php1, php2 = desk.machines
    desk.begin_on("v1")
    for _ in range(3):
        assert post(php1, "/tickets").status_code == 200
    went(desk.deploy("v2"))
    dumps = went(desk.fab("backup.list", "--json")).json["databases"]["main"]["backups"]
    assert (dumps[-1]["revision"], dumps[-1]["good"]) == (revisions["v1"], True)
    assert post(php2, "/tickets").json()["count"] == 4
    went(desk.fab("backup.prove", dumps[-1]["name"]))

    ran = went(desk.project.rollback("--database", "restore"))
    assert dumps[-1]["name"] in ran.out
    serves(desk, revisions["v1"])
    assert desk.data.count("tickets") == 3
    assert desk.data.sql("SHOW COLUMNS FROM tickets LIKE 'author'", "desk") == []
    (kept,) = (name for name in desk.data.databases() if name.startswith("desk__before_"))
    assert desk.data.count("tickets", kept) == 4, "what was written since is in the one that is kept"
    for number, machine in enumerate(desk.machines, 4):
        assert post(machine, "/tickets").json()["count"] == number


def working(desk: Desk) -> dict[str, str]:
    """The revision of the code that each host's queue worker has begun in."""
    look = "readlink /proc/$(systemctl show -P MainPID desk-worker)/cwd"
    folders = desk.everywhere(lambda machine: machine.check(f"cat $({look})/REVISION").strip())
    return dict(zip(HOSTS, folders, strict=True))


def test_an_artisan_that_may_not_write_its_log_is_not_believed(desk: Desk, revisions: dict[str, str]) -> None:
    """Its exit code is 0 then, whatever has happened: php-fpm has made the log, with the umask it has by default."""
    desk.service["maintenance"]["when"] = "migrations"
    desk.begin_on("v1")
    log, worker = f"{SHARED}/storage/logs/laravel.log", "/etc/systemd/system/desk-worker.service.d"
    desk.everywhere(lambda m: m.check(f"touch {log}; chown www-data:www-data {log}; chmod 0644 {log}"))
    lies = f"cd {CURRENT} && php artisan db:seed --force --class=Nobody"
    assert desk.fleet.ssh("php1", lies).returncode == 0, "or there is nothing to show here"
    checked = desk.fab("check", "--json")
    assert checked.code == 7 and f"deploy may not write to {log}" in checked.out.replace("\\/", "/"), checked.said
    before = desk.stands()

    failed(desk, ran := desk.deploy(edits_desk.FAILING_MIGRATION), "migrate")
    assert f"deploy may not write to {log} (www-data:www-data, mode 644)" in ran.out, "the plan says so"
    assert "still pending" in ran.said and "000004_give_up" in ran.said
    failed(desk, ran := desk.deploy(edits_desk.NO_BOOT), "storage link")
    assert "nothing that users can see was changed" in ran.said
    env = desk.machines[0].check(f"cat {SHARED}/.env")
    desk.everywhere(lambda m: m.check(f"sed -i 's/^DB_PASSWORD=.*/DB_PASSWORD=wrong/' {SHARED}/.env"))
    failed(desk, ran := desk.deploy("v3"), "pending")
    assert "nothing that users can see was changed" in ran.said and "printed no list" in ran.said
    assert desk.stands() == before
    desk.everywhere(lambda m: m.put(f"{SHARED}/.env", env.encode(), mode=0o640, owner="deploy:www-data"))
    desk.everywhere(lambda m: m.check(f"chmod 0664 {log}"))

    # Workers that systemd starts again late are waited for; those that it starts in a release of before are no proof.
    desk.service["queues"].update({"start_timeout": 5, "settle": 20})
    desk.everywhere(lambda m: m.put(f"{worker}/late.conf", b"[Service]\nRestartSec=5\n"))
    desk.everywhere(lambda m: m.check("systemctl daemon-reload"))
    assert "1 workers run the code that serves" in went(desk.deploy("v3")).out
    release = desk.machines[1].check(f"readlink -e {CURRENT}").strip()
    stays = f"[Service]\nRestartSec=200ms\nWorkingDirectory={release}\nExecStart=\nExecStart=php {release}/artisan queue:work\n"
    desk.machines[1].put(f"{worker}/late.conf", stays.encode())
    desk.machines[1].check("systemctl daemon-reload")
    # The signal of either host is for the workers of both: one may just wait to be started again.
    state = "systemctl show --property=SubState --value desk-worker"
    wait_until(lambda: all(m.check(state).strip() == "running" for m in desk.machines), "the workers are back")
    failed(desk, ran := desk.deploy("v1"), "queues")
    assert "does not run in the code that serves" in ran.said
    serves(desk, revisions["v3"])
    desk.everywhere(lambda m: m.check(f"rm -r {worker}; systemctl daemon-reload; systemctl restart desk-worker"))
