"""Service laravel on hosts as they are: what the web server made, workers of other users, maintenance kept elsewhere."""

from __future__ import annotations

import grp
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstitch.databases.migrations import migrating
from lockstitch.model.command import Command
from lockstitch.services.maintenance import parse_maintenance
from tests.services.test_laravel import laravel, place, ran, release

__all__ = ["release"]

TOLD = 'case "$*" in *list*) echo "list  List commands" ;; *) echo "Broadcasting queue restart signal." ;; esac'
RAN, NAME = "| Ran? | Migration | Batch |", "  Migration name ....... Batch / Status"


def as_somebody(tmp_path: Path, **programs: str) -> dict[str, str]:
    """An environment in which these programs are other ones."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def heard(command: Command, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh"], input=command.render(), env=env, capture_output=True, text=True, check=False, timeout=60
    )


def test_what_the_web_server_made_with_its_own_modes_is_no_reason_against_a_deploy(
    release: Path, tmp_path: Path
) -> None:
    """A folder of the file cache is 0755 and the web server's, and a link may point nowhere."""
    group = grp.getgrgid(os.getgid()).gr_name
    step = next(s for s in laravel(group=group).prepare(place(tmp_path / "app")) if s.name == "writable")
    made = release / "storage/framework/cache/data/ab"
    made.mkdir(parents=True)
    made.chmod(0o755)
    (release / "storage/app").mkdir()
    (release / "storage/app/gone").symlink_to(tmp_path / "nowhere")
    env = as_somebody(tmp_path, id="case $1 in -u) echo 65534 ;; *) echo nobody ;; esac")
    done = heard(step.command, env)
    assert done.returncode == 0, done.stdout
    assert ran(step.command).returncode == 0 and (release / "storage/app/gone").is_symlink()


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("php artisan migrate --force", "php artisan migrate --force --isolated=75"),
        ("sudo -u app php8.2 artisan migrate", "sudo -u app php8.2 artisan migrate --isolated=75"),
        ("php artisan migrate --force --isolated", "php artisan migrate --force --isolated"),
        ("php artisan migrate --force && php artisan db:seed", "php artisan migrate --force\nphp artisan db:seed"),
        ("make migrate", "make migrate"),
    ],
)
def test_isolated_is_given_to_nothing_but_that_command(release: Path, tmp_path: Path, line: str, asked: str) -> None:
    php = 'case "$*" in *help*) exit ;; -r*) echo " force isolated "; exit ;; esac; echo "${0##*/} $*"'
    env = as_somebody(tmp_path, php=php, make='echo "make $*"', sudo='echo "sudo $*"')
    done = heard(laravel().migrating(place(tmp_path / "app"), line), env)
    assert done.stdout.strip() == asked


def test_maintenance_that_is_kept_elsewhere_is_not_left_on(release: Path, tmp_path: Path) -> None:
    """The driver `cache`: told in .env it is refused, told in config/app.php it is taken back."""
    (tmp_path / "app/current").symlink_to("releases/2")
    log = tmp_path / "log"
    env = as_somebody(tmp_path, php=f'case "$*" in *help*) ;; -r*) echo " " ;; *) echo "$4" >>"{log}" ;; esac')
    at, mode = place(tmp_path / "app"), laravel().maintenance_mode()
    down = mode.down(at, "run-1", "ada", "deploy")
    assert heard(down, env).returncode == 1
    assert log.read_text().split() == ["down", "up"] and not (tmp_path / ".lockstitch/app/maintenance").exists()
    (release / ".env").write_text("APP_MAINTENANCE_DRIVER=cache\n")
    done = heard(down, env)
    assert done.returncode == 1 and "maintenance driver is `cache`" in done.stdout
    assert log.read_text().split() == ["down", "up"]
    assert "`cache`" in parse_maintenance(heard(mode.probe(at).command, env).stdout, 0).unknown


APP_11 = "'maintenance' => [\n 'driver' => env('APP_MAINTENANCE_DRIVER', 'file'),\n 'store' => 'database',\n],\n"
CACHED = "  'maintenance' => \n  array (\n    'driver' => '{}',\n    'store' => 'cache',\n  ),\n"


@pytest.mark.parametrize(
    ("files", "driver"),
    [
        ({}, ""),
        ({".env": "APP_MAINTENANCE_DRIVER=file\n"}, ""),
        ({".env": 'APP_MAINTENANCE_DRIVER="file" # not cache\n', "config/app.php": APP_11}, ""),
        ({".env": 'export APP_MAINTENANCE_DRIVER = "cache"\n', "config/app.php": APP_11}, "cache"),
        ({"config/app.php": APP_11.replace("'file'", "'cache'")}, "cache"),
        (
            {".env": "APP_MAINTENANCE_DRIVER=file\n", "config/app.php": "'maintenance' => ['driver' => 'cache'],"},
            "cache",
        ),
        ({".env": "APP_MAINTENANCE_DRIVER=cache\n", "bootstrap/cache/config.php": CACHED.format("file")}, ""),
        ({".env": "APP_MAINTENANCE_DRIVER=file\n", "bootstrap/cache/config.php": CACHED.format("redis")}, "redis"),
    ],
)
def test_the_maintenance_driver_is_read_where_laravel_reads_it(
    release: Path, tmp_path: Path, files: dict[str, str], driver: str
) -> None:
    (tmp_path / "app/current").symlink_to("releases/2")
    for name, text in files.items():
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_text(text)
    said = heard(
        laravel().maintenance_mode().probe(place(tmp_path / "app")).command, as_somebody(tmp_path, php="exit 1")
    ).stdout
    assert parse_maintenance(said, 0).unknown.partition("is `")[2].partition("`")[0] == driver


@pytest.mark.parametrize(
    ("ids", "said", "code"),
    [
        (["7"], "The failed job [7] has been pushed back onto the queue!", 0),
        (["7"], "Unable to find failed job with ID [7].", 1),
        (
            ["7", "8"],
            "The failed job [7] has been pushed back onto the queue!\nUnable to find failed job with ID [8].",
            1,
        ),
        (
            ["7", "8"],
            "   INFO  Pushing failed queue jobs back onto the queue.  \n\n  7 ..... 3ms DONE\n  8 ..... 1ms DONE",
            0,
        ),
        (
            ["8"],
            "   INFO  Pushing failed queue jobs back onto the queue.  \n\n   ERROR  Unable to find failed job with ID [8].",
            1,
        ),
        (["5", "15"], "  15 .................... 5.12ms DONE\n  Unable to find failed job with ID [5].", 1),
        (["all"], "   INFO  No retryable jobs found.", 0),
        (["all"], "In Connection.php line 712: Access denied", 1),
        (["7"], "", 1),
    ],
)
def test_a_job_that_was_not_put_back_is_no_success(
    release: Path, tmp_path: Path, ids: list[str], said: str, code: int
) -> None:
    """artisan ends with 0 all the same."""
    (tmp_path / "app/current").symlink_to("releases/2")
    (tmp_path / "said").write_text(said)
    queues = laravel().queue(place(tmp_path / "app"))
    done = heard(queues.retry(ids), as_somebody(tmp_path, php=f'cat "{tmp_path}/said"'))
    assert done.returncode == code, done.stdout
    assert said.partition("\n")[0] in done.stdout


@pytest.fixture
def worker(release: Path, tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Starts what looks like a command of artisan in the release's folder."""
    (tmp_path / "app/current").symlink_to("releases/2")
    started: list[subprocess.Popen[bytes]] = []

    def start(what: str) -> int:
        command = ["sh", "-c", "read -r line", "artisan", what]
        started.append(subprocess.Popen(command, cwd=release, stdin=subprocess.PIPE))
        return started[-1].pid

    yield start
    for process in started:
        process.communicate()


def test_a_scheduler_is_no_worker_that_is_waited_for(worker: Callable[[str], int], tmp_path: Path) -> None:
    env = as_somebody(tmp_path, php=TOLD)
    queues = laravel(queues={"settle": 1}).queue(place(tmp_path / "app"))
    worker("schedule:work")
    done = heard(queues.restart, env)
    assert done.returncode == 0 and "no worker of this app" in done.stdout and "other users" not in done.stdout
    pid = worker("queue:work")
    done = heard(queues.restart, env)
    assert f"still running the code before after 1 s: {pid}" in done.stdout


def test_workers_that_may_not_be_seen_are_not_said_to_be_none(worker: Callable[[str], int], tmp_path: Path) -> None:
    worker("queue:work")
    env = as_somebody(tmp_path, php=TOLD, readlink="exit 1", sudo="exit 1")
    done = heard(laravel(queues={"settle": 1}).queue(place(tmp_path / "app")).restart, env)
    assert done.returncode == 0 and "workers of other users are told too, but not waited for" in done.stdout


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (
            f"{RAN}\n| Yes  | 2026_01_01_000000_a | 1     |\n| No   | 2026_02_02_000000_b |       |",
            0,
            "2026_02_02_000000_b",
        ),
        (f"{NAME}\n  2026_01_01_000000_a .... [1] Ran\n  2026_02_02_000000_b .... Pending", 0, "2026_02_02_000000_b"),
        ("Migration table not found.", 1, "all: none was made yet"),
        ("SQLSTATE[HY000] [2002] Connection refused", 1, "Connection refused"),
        ("SQLSTATE[HY000] [1045] Access denied", 0, "Access denied"),
        (f"{RAN}\n| Yes  | 2026_01_01_000000_a | 1     |", 0, ""),
        ("   INFO  No migrations found.", 0, ""),
    ],
)
def test_what_is_pending(tmp_path: Path, status: str, code: int, told: str) -> None:
    """Also before the first migration, and why it cannot be told."""
    line = migrating("php artisan migrate --force", None, None, ()).pending
    (tmp_path / "said").write_text(status)
    env = as_somebody(tmp_path, php=f'cat "{tmp_path}/said"; exit {code}')
    done = heard(Command(line), env)
    assert done.returncode == ("refused" in told or "denied" in told)
    assert told in done.stdout if told else done.stdout == ""
    assert "2026_01_01" not in done.stdout


def test_the_health_of_an_app_is_not_asked_with_its_environment(tmp_path: Path) -> None:
    """Nothing of it is for curl: no proxy, and no secret."""
    mode = laravel().maintenance_mode()
    asked = mode.unless(place(tmp_path / "app", env={"http_proxy": "http://nowhere"}), "run", Command("env"))
    assert "nowhere" not in heard(asked, dict(os.environ)).stdout


# What artisan prints when it has worked, as Laravel 8 and as Laravel 11 put it; what it prints where it may not write its
# log was seen with Laravel 8.83.26, which ends with 0 then.
WORKED = {
    "check": ("Laravel Framework 8.83.26", "Laravel Framework 11.9.2"),
    "storage link": ("The links have been created.", "   INFO  The [public/storage] link has been connected to [x]."),
    "cache config": ("Configuration cached successfully!", "   INFO  Configuration cached successfully."),
    "cache route": ("Routes cached successfully!", "Your application doesn't have any routes."),
    "cache view": ("Blade templates cached successfully!", "   INFO  Blade templates cached successfully."),
    "cache event": ("Events cached successfully!", "   INFO  Events cached successfully."),
    "cache clear": ("Application cache cleared!", "   INFO  Application cache cleared successfully."),
    "queues": ("Broadcasting queue restart signal.", "   INFO  Broadcasting queue restart signal."),
}
LIED = """
In StreamHandler.php line 146:

  The stream or file "/app/desk/storage/logs/laravel.log" could not be opened
   in append mode: Failed to open stream: Permission denied
"""


@pytest.mark.parametrize("what", WORKED)
def test_an_artisan_that_ends_with_0_must_have_said_that_it_worked(release: Path, tmp_path: Path, what: str) -> None:
    (tmp_path / "app/current").symlink_to("releases/2")
    (release / "public").mkdir()
    (release / "says").touch()
    at = place(
        tmp_path / "app", about=("version 8", *(f"command {n}:cache " for n in ("config", "route", "view", "event")))
    )
    service = laravel(composer=None, group=None, queues={"horizon": "never"})
    steps = [
        *service.prepare(at),
        service.check(at),
        *service.before(at),
        *service.after(at),
        *service.clear_caches(at),
    ]
    (command,) = (step.command for step in steps if step.name == what)
    env = as_somebody(tmp_path, php="cat says; [ ! -e fails ]", systemctl="echo active", sudo=":")
    for said in WORKED[what]:
        (release / "says").write_text(said)
        done = heard(command, env)
        assert done.returncode == 0 and said.strip() in done.stdout, done
    for said in (LIED, "Killed"):
        (release / "says").write_text(said)
        done = heard(command, env)
        assert done.returncode != 0 and said.strip() in done.stdout, done
    (release / "fails").touch()
    (release / "says").write_text(WORKED[what][0])
    assert heard(command, env).returncode != 0, "an exit code that says no is believed"


def test_an_artisan_that_cannot_be_asked_lacks_nothing(release: Path, tmp_path: Path) -> None:
    """An answer that could not be read is no reason to leave a cache, an option or Horizon out."""
    (tmp_path / "app/current").symlink_to("releases/2")
    (release / "says").write_text(LIED)
    at, service = place(tmp_path / "app"), laravel(group=None, maintenance={"retry": 60})
    env = as_somebody(
        tmp_path,
        php='case "$1" in -r) exit 1 ;; esac; case "$*" in *queue:restart*) echo restart signal ;; esac; cat says',
    )
    caches = [step.command for step in service.before(at)]
    migrate = service.migrating(at, "php artisan migrate --force")
    down = service.maintenance_mode().down(at, "run-1", "ada", "deploy")
    for command in (*caches, migrate, down, service.queue(at).restart):
        done = heard(command, env)
        assert done.returncode == 1 and "left out" not in done.stdout, (command.text, done)
    told = heard(service.extra_probe(at).command, env).stdout
    assert "unread artisan list: In StreamHandler.php line 146:" in told
    assert "unread artisan migrate:status: In StreamHandler.php" in told and "Permission denied" in told
    notes = "\n".join(service.warnings(place(tmp_path / "app", about=tuple(told.splitlines()))))
    assert "the code that serves cannot be asked: artisan migrate:status" in notes


def test_an_artisan_that_hangs_is_told_and_keeps_nobody_waiting(release: Path, tmp_path: Path) -> None:
    """As where its database does not answer: `timeout` ends it."""
    (tmp_path / "app/current").symlink_to("releases/2")
    env = as_somebody(tmp_path, php='[ "$1" != -r ] || exit 1; echo "nobody has ended it"', timeout="exit 124")
    told = heard(laravel(group=None).extra_probe(place(tmp_path / "app")).command, env).stdout
    for what in ("artisan list", "artisan migrate:status"):
        assert f"unread {what}: nothing was printed within 15 s" in told


def test_an_artisan_by_another_name_is_known_by_its_commands(release: Path, tmp_path: Path) -> None:
    env = as_somebody(
        tmp_path,
        php='case "$*" in *list*) echo "list   List commands" ;; *) echo Acme 1.2.3 ;; esac',
        systemctl="echo active",
        sudo=":",
    )
    done = heard(laravel().check(place(tmp_path / "app")).command, env)
    assert done.returncode == 0 and "Acme 1.2.3" in done.stdout


def test_a_scheduler_that_does_not_stay_up_is_a_failure(release: Path, tmp_path: Path) -> None:
    """systemctl ends with 0 as soon as its process was started."""
    _, step = laravel(scheduler="desk-scheduler").after(place(tmp_path / "app"))
    states = 'case "$*" in *ActiveState*) [ -e "$0.began" ] && echo activating || echo active ;; *restart*) : >"$0.began" ;; esac'
    done = heard(step.command, as_somebody(tmp_path, systemctl=states, sudo='shift; exec "$@"'))
    assert done.returncode == 1 and "desk-scheduler does not stay up" in done.stdout
