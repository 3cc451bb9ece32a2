"""Workers of a Laravel that are told to begin anew: which are back, and in what they run. With real processes, and an
artisan that only does what the test wants of `queue:restart`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockstitch.model.layout import layout
from lockstitch.model.plan import Site
from lockstitch.report.apps import queues_text
from lockstitch.services.queues import parse_queues
from lockstitch.services.release_context import ReleaseContext
from tests.services.test_laravel import laravel, place

PHP = """case "$*" in
    *queue:restart*) echo "Broadcasting queue restart signal."; . "$HOME/told" ;;
    *list*) echo "list   List commands" ;;
esac"""
# `worker FOLDER WORDS…` starts one that stays until it is killed, which is noted as the last of `started`, and `run` any
# program; `end` kills those that were there before.
TOLD = """exec </dev/null >/dev/null 2>&1
run() { (cd "$1" && shift && exec setsid "$@") & echo $! >>"$HOME/started"; }
worker() { folder=$1; shift; run "$folder" sh -c 'read -r line <"$HOME/fifo"' "$@"; }
end() { for pid in $(cat "$HOME/before"); do kill -- "-$pid"; done; }
"""
# One that is a worker for a moment only, and one that has another do its jobs.
DIES = "sleep 0.4"
LISTENS = """sh -c 'read -r line <"$HOME/fifo"' artisan queue:work --once & read -r line <"$HOME/fifo" """
# Some that start a worker and wait for it.
STARTERS = ("crond", "starts", "supervisord")
STARTS = """sh -c 'read -r line <"$HOME/fifo"' artisan queue:work --max-time=55 & wait"""


class Host:
    """One host with releases 1 and 2 of the app, of which 2 serves."""

    def __init__(self, home: Path) -> None:
        self.home, self.app = home, home / "app"
        for release in ("1", "2"):
            (self.app / "releases" / release).mkdir(parents=True)
        (self.app / "current").symlink_to("releases/2")
        (home / "programs").mkdir()
        for name, text in {"php": PHP, "dies": DIES, "listens": LISTENS, **dict.fromkeys(STARTERS, STARTS)}.items():
            (home / "programs" / name).write_text(f"#!/bin/sh\n{text}\n")
            (home / "programs" / name).chmod(0o755)
        os.mkfifo(home / "fifo")
        for name in ("before", "started"):
            (home / name).touch()

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.home), "PATH": f"{self.home}/programs:{os.environ['PATH']}"}

    def sh(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh"], input=text, env=self.env, capture_output=True, text=True, check=False, timeout=60)

    def runs(self, *words: str, release: str = "1") -> int:
        """A worker that was there before; its process."""
        how = "run" if words and words[0] in ("listens", "sh", *STARTERS) else "worker"
        self.sh(f"{TOLD}{how} {self.app}/releases/{release} {' '.join(words or ('artisan', 'queue:work'))}")
        pid = self.started()[-1]
        # It begins as this shell, and as `setsid`.
        while (begun := Path(f"/proc/{pid}/cmdline").read_bytes()) == b"sh\0" or begun.startswith(b"setsid\0"):
            pass
        with (self.home / "before").open("a") as file:
            file.write(f"{pid}\n")
        return pid

    def started(self) -> list[int]:
        return [int(pid) for pid in (self.home / "started").read_text().split()]

    def restart(self, told: str, **queues: Any) -> tuple[int, str]:
        """Return what becomes of a restart when artisan's `queue:restart` does what is told."""
        (self.home / "told").write_text(f"{TOLD}{told}\n")
        settings = {"settle": 5, "start_timeout": 2, **queues}
        done = self.sh(laravel(queues=settings, group=None).queue(place(self.app)).restart.render())
        return done.returncode, done.stdout + done.stderr

    def codes(self, at: ReleaseContext | None = None) -> list[str]:
        """Return what `queue.status` says of the workers' code."""
        probe = laravel(group=None).queue(at or place(self.app)).status
        return [worker.code for worker in parse_queues(self.sh(probe.command.render()).stdout, 0).workers]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    for pid in made.started():
        subprocess.run(["kill", "--", f"-{pid}"], stderr=subprocess.DEVNULL, check=False)


def test_a_worker_that_came_back_in_an_older_release_is_no_proof(host: Host) -> None:
    host.runs()
    code, said = host.restart("end; worker $HOME/app/releases/1 artisan queue:work")
    assert code == 1 and "0 of 1 workers are back in the code that serves" in said, said
    assert f"worker {host.started()[-1]} does not run in the code that serves" in said
    assert host.codes() == ["old"], "and queue.status agrees"


@pytest.mark.parametrize(
    "words",
    [
        ("$HOME/app/current", "$HOME/app/releases/1/artisan queue:work"),
        ("$HOME/app/releases/1", "$HOME/app/current/artisan queue:work"),
        ("$HOME/app/releases", "1/artisan horizon"),
    ],
)
def test_its_artisan_and_its_folder_both_count(host: Host, words: tuple[str, str]) -> None:
    host.runs()
    code, said = host.restart(f"end; worker {' '.join(words)}", start_timeout=1)
    assert code == 1 and "0 of 1 workers" in said, said
    assert host.codes() == ["old"]


def test_all_that_ended_must_be_back(host: Host) -> None:
    one, other = "worker $HOME/app/current artisan queue:work", "worker / $HOME/app/current/artisan queue:work"
    host.runs()
    host.runs()
    code, said = host.restart(f"end; {one}", start_timeout=3)
    assert code == 1 and "1 of 2 workers are back" in said, said
    (host.home / "before").write_text(f"{host.started()[-1]}\n")
    host.runs()
    code, said = host.restart(f"end; {one}; {other}", start_timeout=30)
    assert code == 0 and "2 workers run the code that serves" in said, said
    assert host.codes() == ["new", "new"]


@pytest.mark.parametrize(
    "starter, code",
    [(("crond",), 0), (("sh", "$HOME/programs/starts", "artisan", "schedule:run"), 0), (("supervisord",), 1)],
)
def test_one_that_is_started_at_its_time_need_not_be_back_at_once(
    host: Host, starter: tuple[str, ...], code: int
) -> None:
    host.runs(*starter)
    while not host.codes():
        pass
    ended, said = host.restart("end", start_timeout=1)
    assert ended == code, said
    assert ("0 of 1 workers are back" in said) == bool(code), said


def test_a_worker_that_has_just_begun_hears_it_too(host: Host) -> None:
    """As Laravel's: it remembers the second of the last signal when it begins, and ends when that has changed."""
    host.runs()
    born = (host.home / "before").stat().st_mtime
    hears = f"[ $(($(date +%s) - {int(born)})) -lt 1 ] || {{ end; worker $HOME/app/current artisan queue:work; }}"
    code, said = host.restart(hears, start_timeout=30)
    assert code == 0 and "1 workers run the code that serves" in said and "still running" not in said, said


@pytest.mark.parametrize("age", [0, 60])
def test_one_that_boots_for_long_is_told_again(host: Host, age: int) -> None:
    """It reads when workers were last told only after the signal. One that began `age` seconds ago has heard the first."""
    host.runs()
    clock, real = host.home / "programs" / "date", shutil.which("date")
    clock.write_text(f'#!/bin/sh\n[ "$*" = +%s ] || exec {real} "$@"\nexpr $({real} +%s) + {age}\n')
    clock.chmod(0o755)
    second = "[ ! -e $HOME/first ] || { end; worker $HOME/app/current artisan queue:work; }; touch $HOME/first"
    code, said = host.restart(second, settle=8, start_timeout=30)
    assert code == 0 and ("are told again" in said) == (not age), said
    assert ("still running the code before after 8 s" in said) == bool(age), said
    assert ("1 workers run the code that serves" in said) == (not age), said


def test_as_many_as_are_declared_must_be_back(host: Host) -> None:
    host.runs()
    one = "worker $HOME/app/current artisan queue:work"
    code, said = host.restart(f"end; {one}", workers=2, start_timeout=3)
    assert code == 1 and "1 of 2 workers are back" in said, said


def test_a_job_that_ends_late_leaves_the_next_worker_its_own_time(host: Host) -> None:
    host.runs()
    late = "(sleep 1.2; end; sleep 1.5; worker $HOME/app/current artisan queue:work) &"
    code, said = host.restart(late, settle=2, start_timeout=30)
    assert code == 0, said


def test_one_that_is_still_at_a_job_is_named_and_the_others_must_be_back(host: Host) -> None:
    at_job = host.runs()
    (host.home / "before").write_text("")
    ended = host.runs()
    one = "worker $HOME/app/current artisan queue:work"
    code, said = host.restart(f"end; {one}", settle=1, start_timeout=30)
    assert code == 0 and f"still running the code before after 1 s: {at_job}" in said, said
    assert "1 workers run the code that serves" in said and str(ended) not in said
    (host.home / "before").write_text(f"{host.started()[-1]}\n")
    code, said = host.restart("end", settle=1, start_timeout=1)
    assert code == 1 and "0 of 1 workers are back" in said, said


def test_one_that_crashes_as_it_starts_is_not_back(host: Host) -> None:
    host.runs()
    loop = "while :; do dies artisan queue:work; done"
    code, said = host.restart(f"end; run $HOME/app/current sh -c '{loop}'", start_timeout=2)
    assert code == 1 and "0 of 1 workers are back" in said, said


@pytest.mark.parametrize("words", [("artisan", "queue:work", "--stop-when-empty"), ("artisan", "queue:work", "--once")])
def test_one_that_ends_by_itself_is_not_waited_for_to_come_back(host: Host, words: tuple[str, ...]) -> None:
    """As cron starts it, each minute."""
    host.runs(*words)
    code, said = host.restart("end")
    assert code == 0 and "are back" not in said, said


def test_what_a_worker_starts_for_its_jobs_is_none_that_must_be_back(host: Host) -> None:
    host.runs("listens", "artisan", "queue:listen")
    code, said = host.restart("end; worker $HOME/app/current artisan queue:listen", start_timeout=30)
    assert code == 0 and "1 workers run the code that serves" in said, said


def test_in_a_checkout_the_time_tells_old_workers_from_new_ones(host: Host) -> None:
    checkout = host.home / "place"
    (checkout / ".git").mkdir(parents=True)
    at = ReleaseContext("desk", layout("in_place", str(checkout)), "", "b" * 40)
    (checkout / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    os.utime(checkout / ".git" / "HEAD", (1, 1))
    host.sh(f"{TOLD}worker {checkout} artisan queue:work")
    assert host.codes(at) == ["new"]
    os.utime(checkout / ".git" / "HEAD", (4102444800, 4102444800))
    assert host.codes(at) == ["old"]
    (checkout / ".git" / "HEAD").unlink()
    assert host.codes(at) == ["unknown"]


def test_those_whose_folder_may_not_be_seen_are_told_when_others_do_not_come_back(host: Host) -> None:
    host.runs("$HOME/app/current/artisan", "queue:work")
    for name in ("readlink", "sudo"):
        (host.home / "programs" / name).write_text("#!/bin/sh\nexit 1\n")
        (host.home / "programs" / name).chmod(0o755)
    code, said = host.restart("end; worker $HOME/app/current artisan queue:work", start_timeout=2)
    assert code == 1 and "0 of 1 workers are back" in said, said
    assert "workers of other users are there, and do not count" in said


SITE = Site("web1", "desk", layout("releases", "/srv/desk"))
WAITS = """case "$*" in
    *--property=Id*) cat "$HOME/units" ;;
    *RestartUSec*) echo RestartUSec=1s ;;
esac"""


def unit(name: str, state: str, *, folder: str, words: str) -> str:
    """Return what systemctl shows of a unit."""
    command = f"{{ path=/usr/bin/php ; argv[]=/usr/bin/php {words} ; ignore_errors=no ; start_time=[n/a] ; pid=0 }}"
    return f"ExecStart={command}\nWorkingDirectory={folder}\nId={name}.service\nSubState={state}\n"


def waits(host: Host, *units: str) -> None:
    (host.home / "units").write_text("\n".join(units))
    (host.home / "programs" / "systemctl").write_text(f"#!/bin/sh\n{WAITS}\n")
    (host.home / "programs" / "systemctl").chmod(0o755)


def test_one_that_its_unit_is_about_to_start_again_must_be_back(host: Host) -> None:
    """None runs at that moment: its unit waits for RestartSec."""
    waits(host, unit("desk", "auto-restart", folder=f"{host.app}/current", words="artisan queue:work --sleep=3"))
    code, said = host.restart(":", start_timeout=1)
    assert code == 1 and "0 of 1 workers are back in the code that serves, 2 s after" in said, said
    state = parse_queues(host.sh(laravel(group=None).queue(place(host.app)).status.command.render()).stdout, 0)
    assert state.starting == ("desk /usr/bin/php artisan queue:work --sleep=3",) and not state.workers
    assert "a worker is about to be started again by its unit: desk /usr/bin/php" in queues_text({SITE: state})
    code, said = host.restart("sleep 0.5; worker $HOME/app/current artisan queue:work", start_timeout=30)
    assert code == 0 and "1 workers run the code that serves" in said, said


@pytest.mark.parametrize(
    ("state", "folder", "words"),
    [
        ("running", "{app}/current", "artisan queue:work"),
        ("auto-restart", "/srv/other/current", "artisan queue:work"),
        ("auto-restart", "{app}/current", "/srv/other/artisan queue:work"),
        ("auto-restart", "{app}/current", "artisan schedule:work"),
        ("auto-restart", "{app}/current", "artisan queue:work --stop-when-empty"),
    ],
)
def test_other_units_are_waited_for_by_nobody(host: Host, state: str, folder: str, words: str) -> None:
    waits(host, unit("desk", state, folder=folder.format(app=host.app), words=words))
    code, said = host.restart(":", start_timeout=1)
    assert code == 0 and "no worker of this app is seen on this host" in said, said
