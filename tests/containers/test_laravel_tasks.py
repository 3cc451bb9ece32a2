"""What a person types at a Laravel between deploys, and what newer versions of it have, registered by the application."""

from __future__ import annotations

import json

import pytest

from tests.containers.desk import CURRENT, HOSTS, SECRET, Desk, fail_once, get, met, wait_until
from tests.containers.desk_expect import job, serves, went
from tests.containers.edits_desk import REGISTERED
from tests.containers.project import ROOT
from tests.containers.repos import Repository

NGINX = "server { listen 80; server_name api.test; location / { return 200 well; }\n"


@pytest.fixture
def revisions(desk_repository: Repository) -> dict[str, str]:
    return dict(desk_repository.revisions)


def test_what_a_person_types_between_deploys(desk: Desk, revisions: dict[str, str]) -> None:
    php1, php2 = desk.machines
    desk.begin_on("v2")
    on = went(desk.fab("maintenance.on", "--retry", "60", "--message", "new racks"))
    assert "`artisan down` has no --message in Laravel 8.83.26" in on.out
    for machine in desk.machines:
        away = get(machine)
        assert (away.status_code, away.headers["Retry-After"]) == (503, "60")
        assert get(machine, cookies=get(machine, f"/{SECRET}", allow_redirects=False).cookies).status_code == 200
    told = went(desk.fab("maintenance.status", "--json")).json["sites"]
    assert [(site["host"], site["on"], site["by"].split("@")[0]) for site in told] == [
        (name, True, "ada") for name in HOSTS
    ]
    # Whoever put it down wanted that: a deploy does not end it.
    went(desk.deploy("v3"))
    serves(desk, revisions["v3"], down=HOSTS)
    went(desk.fab("maintenance.off"))
    serves(desk, revisions["v3"])
    assert not any(site["on"] for site in went(desk.fab("maintenance.status", "--json")).json["sites"])

    ran = went(desk.fab("artisan", "--", "migrate:status"))
    assert ran.out.count("give_tickets_an_author") == 2
    assert went(desk.fab("artisan", "--once", "--", "migrate:status")).out.count("give_tickets_an_author") == 1
    assert went(desk.fab("artisan", "--", "no:such"), 7).said

    desk.enough(False)
    for name in ("long-1", "long-2"):
        job(php1, name, 200)
    wait_until(lambda: len(desk.records("begin")) == 2, "both workers are at a job")
    job(php1, "fails", -1)
    # What is being worked on counts as well: so Laravel's own `queue:monitor` has it.
    told = went(desk.fab("queue.status", "--json")).json["sites"]
    assert [(len(site["workers"]), site["sizes"]) for site in told] == [(1, {"default": 3})] * 2
    desk.enough()
    wait_until(lambda: desk.data.count("failed_jobs") == 1, "the job has failed")
    assert {site["failed"] for site in went(desk.fab("queue.status", "--json")).json["sites"]} == {1}
    assert "App\\Jobs\\Work" in went(desk.fab("queue.failed")).out
    went(desk.fab("queue.retry", "all"))
    # `retry` takes the row away, so one that is there again is of the second try.
    wait_until(lambda: desk.data.count("failed_jobs") == 1, "the job has failed again")
    assert "no time for fails" in desk.data.sql("SELECT exception FROM failed_jobs", "desk")[0][0]
    before = workers(desk)
    went(desk.fab("queue.restart"))
    assert set(before).isdisjoint(workers(desk))

    has_logs(desk)
    is_stopped_started_and_restarted(desk, revisions["v3"])


def has_logs(desk: Desk) -> None:
    """What `logs` finds in Laravel's own file."""
    told = "2026-11-21 10:00:00"
    for number, machine in enumerate(desk.machines):
        line = f"[{told[:-1]}{number}] production.ERROR: it broke\n[stacktrace]\n#0 x\n"
        machine.check(f"printf '%s' '{line}' >> {CURRENT}/storage/logs/laravel.log", user="deploy")
    ran = went(desk.fab("logs", "--grep", "it broke", "--json"))
    found = [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]
    assert [one["host"] for one in found] == ["php1", "php2"]
    assert [one["lines"][1:] for one in found] == [["[stacktrace]", "#0 x"]] * 2
    assert found[0]["source"].endswith("storage/logs/laravel.log")


def is_stopped_started_and_restarted(desk: Desk, revision: str) -> None:
    """What `service.*` does to PHP-FPM."""

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


def test_horizon_and_isolated_migrations_as_registered_by_the_application(
    desk: Desk, revisions: dict[str, str]
) -> None:
    desk.begin_on(REGISTERED)
    desk.everywhere(lambda machine: machine.check("systemctl start desk-horizon"))
    wait_until(lambda: len(desk.records("horizon")) == 2, "Horizon runs on both hosts")
    desk.data.sql("DELETE FROM migrations ORDER BY id DESC LIMIT 1; ALTER TABLE tickets DROP COLUMN author", "desk")
    went(desk.deploy(REGISTERED, "--force"))
    assert [each["isolated"] for each in desk.records("migrate")] == ["75", "75"]
    masters = [each["pid"] for each in desk.records("horizon")]
    assert len(set(masters)) == 4, "each was ended, and begun again in the new release"
    told = went(desk.fab("queue.status", "--json")).json["sites"]
    assert [site["horizon"] for site in told] == ["Horizon is running."] * 2
    # One that does not end is a deploy that goes back.
    fail_once(desk.machines[1], "horizon:terminate")
    went(desk.deploy(REGISTERED, "--force"), 5)
    assert met(desk.machines[1])
    serves(desk, revisions[REGISTERED])
    desk.everywhere(lambda machine: machine.check("systemctl stop desk-horizon"))


def test_an_app_without_a_mode_of_its_own_has_the_page_that_nginx_tests_for(desk: Desk) -> None:
    php1, _ = desk.machines
    desk.fresh()
    page = "/var/www/maintenance/api.html"
    php1.check("install -d -o deploy -g deploy /var/www/maintenance")
    php1.put("/etc/nginx/sites-enabled/api", f"{NGINX}{in_the_docs()}}}\n".encode())
    php1.check("systemctl reload nginx")
    desk.project.inventory["groups"]["desks"]["hosts"].pop()
    del desk.service["maintenance"], desk.service["queues"], desk.service["fpm"], desk.app["health"]
    desk.service.update({"kind": "command", "reload": "true", "status": "true"})
    desk.app.update({"maintenance_page": page})
    went(desk.deploy("v1"))
    went(desk.fab("maintenance.on", "--message", "new <racks>"))
    away = get(php1, headers={"Host": "api.test"})
    assert (away.status_code, away.headers["Retry-After"]) == (503, "60")
    assert "new &lt;racks&gt;" in away.text
    went(desk.fab("maintenance.off"))
    assert get(php1, headers={"Host": "api.test"}).text == "well"


def in_the_docs() -> str:
    """The lines for nginx as docs/maintenance.md has them."""
    lines = (ROOT / "docs" / "maintenance.md").read_text().partition("    # nginx, in the server of that app\n")[2]
    return lines.partition("\n\n")[0]


def workers(desk: Desk) -> list[str]:
    """The processes that work on the queue, one on each host."""
    found: list[str] = desk.everywhere(
        lambda machine: f"{machine.name} {machine.check('systemctl show -P MainPID desk-worker')}"
    )
    return found
