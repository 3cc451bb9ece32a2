"""Workers of a Laravel that are kept from jobs while the database is taken back: by which way, and of which queues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockstitch.model.plan import Step
from tests.services.test_laravel import laravel, place
from tests.services.test_laravel_workers import TOLD, Host, unit, waits

# An artisan of Laravel 12.40: it knows queue:pause, and notes which queues it was told of.
PHP = """case "$*" in
    -r*) read -r _; echo " $(cat "$HOME/options" 2>/dev/null) " ;;
    *help*) echo help ;;
    *list*) echo "list   List commands"; cat "$HOME/commands" ;;
    *config:show*) sed -n "s/^${5} /  ${5} ..... /p" "$HOME/config" ;;
    *queue:pause*) echo "pause $5" >>"$HOME/heard"; cat "$HOME/says" ;;
    *queue:resume*) echo "resume $5" >>"$HOME/heard"; echo "It has been resumed." ;;
    *queue:restart*) echo "Broadcasting queue restart signal."; . "$HOME/told" ;;
    *cache:clear*) echo "Application cache cleared!" ;;
esac"""
CONFIG = """queue.default redis
queue.connections.redis.queue jobs
queue.connections.sqs.queue mail
cache.default shared
cache.stores.shared.driver redis
"""
BACK = "end; worker $HOME/app/current artisan queue:work"


class Pausing(Host):
    """A host whose version of Laravel can pause queues."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        (home / "programs" / "php").write_text(f"#!/bin/sh\n{PHP}\n")
        for name, text in {
            "commands": "queue:pause\nqueue:resume\n",
            "config": CONFIG,
            "heard": "",
            "told": TOLD,
        }.items():
            (home / name).write_text(text)
        (home / "says").write_text("It has been paused.\n")
        (home / "programs" / "sudo").write_text('#!/bin/sh\n[ "$2" != -l ] || exit 1\nshift\nexec "$@"\n')
        (home / "programs" / "sudo").chmod(0o755)
        waits(self)

    @property
    def record(self) -> Path:
        return self.home / ".lockstitch" / "app" / "paused"

    @property
    def heard(self) -> list[str]:
        return (self.home / "heard").read_text().splitlines()

    def step(self, name: str, told: str = BACK, **queues: Any) -> tuple[int, str]:
        """Run a step of the service as a rollback has it; return its exit code and what it prints."""
        (self.home / "told").write_text(f"{TOLD}{told}\n")
        service, at = laravel(queues={"settle": 2, "start_timeout": 5, **queues}, group=None), place(self.app)
        steps: dict[str, Step] = {
            step.name: step
            for step in (*service.pause_workers(at), *service.resume_workers(at), *service.clear_caches(at))
        }
        done = self.sh(steps[name].command.render())
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Pausing]:
    made = Pausing(tmp_path)
    yield made
    for pid in made.started():
        made.sh(f"kill -- -{pid}")


@pytest.mark.parametrize(
    ("words", "queues"),
    [
        ("queue:work", ["default", "redis:jobs"]),
        ("queue:work sqs", ["default", "sqs:mail"]),
        ("queue:work --queue=high,low --sleep 3 sqs", ["default", "sqs:high", "sqs:low"]),
        ("queue:listen --queue high --force", ["default", "high"]),
        ("horizon:work redis --name=default --queue=a", ["default", "redis:a"]),
    ],
)
def test_every_queue_of_the_workers_is_paused_and_resumed(host: Pausing, words: str, queues: list[str]) -> None:
    host.runs("artisan", *words.split())
    code, said = host.step("pause")
    assert code == 0 and "the queues are paused" in said, said
    assert host.heard == [f"pause {name}" for name in queues]
    code, said = host.step("resume")
    assert code == 0, said
    assert host.heard[len(queues) :] == [f"resume {name}" for name in queues]
    assert not host.record.exists()


def test_all_queues_are_paused_by_one_word_where_the_version_has_it(host: Pausing) -> None:
    (host.home / "options").write_text("all")
    host.runs()
    assert host.step("pause")[0] == host.step("cache clear")[0] == host.step("resume")[0] == 0
    assert host.heard == ["pause --all", "pause --all", "resume --all"], "the cache had forgotten it"


def test_a_worker_that_waits_to_be_started_has_its_queue_paused(host: Pausing) -> None:
    words = f"{host.app}/current/artisan queue:work sqs --queue=late"
    waits(host, unit("desk", "auto-restart", folder="/", words=words))
    code, said = host.step("pause", "worker $HOME/app/current artisan queue:work")
    assert code == 0 and "pause sqs:late" in host.heard, said


@pytest.mark.parametrize("driver", ["database", "array", ""])
def test_a_cache_that_would_not_keep_it_is_no_way(host: Pausing, driver: str) -> None:
    """Kept in the database, it would be taken back with that."""
    (host.home / "config").write_text(CONFIG.replace("driver redis", f"driver {driver}" if driver else "other"))
    pid = host.runs()
    code, said = host.step("pause")
    assert code == 1 and f"worker {pid} would take jobs meanwhile" in said, said
    assert host.heard == [] and "maintenance.on" in said


def test_a_pause_that_did_not_work_is_no_way(host: Pausing) -> None:
    (host.home / "says").write_text("ERROR  Queue pausing is currently disabled.\n")
    host.runs()
    code, said = host.step("pause")
    assert code == 1 and "would take jobs meanwhile" in said, said


def test_without_it_maintenance_keeps_those_without_force_from_jobs(host: Pausing) -> None:
    (host.home / "commands").write_text("")
    (host.app / "releases/2/storage/framework").mkdir(parents=True)
    (host.app / "releases/2/storage/framework/down").touch()
    host.runs()
    code, said = host.step("pause")
    assert code == 0 and "1 workers run the code that serves" in said, said
    pid = host.runs("artisan", "queue:work", "--force")
    code, said = host.step("pause")
    assert code == 1 and f"worker {pid} would take jobs meanwhile, and no systemd unit is it: stop it by hand" in said
    assert not host.record.exists()


def test_a_job_that_does_not_end_is_a_failure(host: Pausing) -> None:
    pid = host.runs()
    code, said = host.step("pause", ":")
    assert code == 1 and f"still running the code before after 2 s: {pid}" in said and "queues.settle" in said


def test_an_artisan_that_cannot_be_asked_is_a_failure(host: Pausing) -> None:
    (host.home / "programs" / "php").write_text("#!/bin/sh\necho broken\n")
    code, said = host.step("pause")
    assert code == 1 and "artisan does not list its commands" in said


def test_a_restart_by_hand_ends_a_pause_but_not_that_of_a_run_under_way(host: Pausing) -> None:
    host.runs()
    assert host.step("pause")[0] == 0
    heard, lock = len(host.heard), host.record.with_name("lock.json")
    lock.touch()
    code, said = host.restart("")
    assert code == 0 and "the run that holds the lock has paused the workers" in said, said
    assert len(host.heard) == heard and host.record.exists()
    lock.unlink()
    host.restart("")
    assert host.heard[heard:] == ["resume default", "resume redis:jobs"] and not host.record.exists()


def test_a_deploy_ends_what_a_run_that_was_cut_off_left(host: Pausing) -> None:
    host.runs()
    assert host.step("pause")[0] == 0
    about = ("paused queue redis:jobs;queue default;",)
    (note,) = laravel().warnings(place(about=about))
    assert "left its workers paused (queue redis:jobs;queue default)" in note
    assert [step.name for step in laravel().after(place(about=about))] == ["end pause", "queues"]
    assert [step.name for step in laravel().after(place())] == ["queues"]
