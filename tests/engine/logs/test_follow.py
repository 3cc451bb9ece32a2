"""`fab logs --follow` at hosts of the sandbox: files that are turned over, hosts that are lost, and what is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest

from tests.cli.operator import Operator
from tests.containers.project import FAB, Ran, Running
from tests.engine.logs.conftest import HOSTS, Make, folder

BEGUN = "begun"
ROOT = Path(__file__).parents[3]


def started(operator: Operator, *words: str) -> Running:
    """Follows, and has shown a line that came."""
    file = folder(operator, HOSTS[0]) / "app.log"
    mark = f"{BEGUN} {time.monotonic_ns()}"
    with file.open("a") as out:
        out.write(f"{mark} 0\n")
    running = operator.start("logs", "--follow", *words)
    running.until(f"{mark} 0")
    # What was there was shown; now something comes.
    with file.open("a") as out:
        out.write(f"{mark} 1\n")
    running.until(f"{mark} 1")
    return running


def ended(operator: Operator, running: Running) -> Ran:
    ran = operator.ctrl_c(running)
    assert ran.code == 0, ran.said
    operator.until_quiet()
    return ran


def numbers(ran: Ran) -> list[int]:
    return [int(found) for found in re.findall(r"number (\d+)$", ran.out, re.MULTILINE)]


def rename_and_create(file: Path, turn: int) -> None:
    file.rename(file.with_name(f"app.log.{turn}"))


def copy_and_truncate(file: Path, turn: int) -> None:
    shutil.copyfile(file, file.with_name(f"app.log.{turn}"))
    os.truncate(file, 0)


@pytest.mark.parametrize("rotate", [rename_and_create, copy_and_truncate])
def test_no_line_is_lost_when_a_file_is_turned_over(make: Make, rotate: Callable[[Path, int], None]) -> None:
    """The writer turns the file over between two of its lines, as those do who know of it: what is lost is lost by us.
    It writes on into the renamed file before it opens the new one, as a daemon does until it is told."""
    operator = make("app.log", hosts=HOSTS[:1])
    file = folder(operator, HOSTS[0]) / "app.log"
    running = started(operator)
    count = 0

    def write(out: TextIO, lines: int) -> None:
        nonlocal count
        for _ in range(lines):
            out.write(f"number {count}\n")
            count += 1

    for turn in range(1, 5):
        with file.open("a", buffering=1) as out:
            write(out, 20)
            # What is turned over twice between two looks cannot be followed; so this file was seen. The rest was not.
            running.until(f"number {count - 1}\n", 60)
            write(out, 300)
            rotate(file, turn)
            write(out, 20)
    running.until(f"number {count - 1}\n")
    shown = numbers(ended(operator, running))
    assert shown == list(range(count)), (set(range(count)) - set(shown), len(shown))


def test_a_dated_file_of_the_next_day_and_one_that_was_not_there(make: Make) -> None:
    operator = make("app.log", "laravel-*.log", "late/x.log", hosts=HOSTS[:1])
    here = folder(operator, HOSTS[0])
    (here / "laravel-2026-11-20.log").write_text("number 0\n")
    running = started(operator)
    (here / "laravel-2026-11-21.log").write_text("number 1\n")
    running.until("number 1\n")
    (here / "late").mkdir()
    (here / "late" / "x.log").write_text("number 2\nnumber 3 of a line that")
    running.until("number 2\n")
    with (here / "late" / "x.log").open("a") as out:
        out.write(" is whole, number 3\n")
    running.until("number 3\n")
    ran = ended(operator, running)
    assert numbers(ran) == [0, 1, 2, 3] and "number 3 of a line that is whole, number 3" in ran.out


def test_a_record_that_comes_is_whole_and_in_order(make: Make) -> None:
    operator = make("app.log")
    running = started(operator, "--grep", f"{BEGUN}|ValueError")
    first, second = (folder(operator, host) / "app.log" for host in HOSTS)
    second.write_text("2026-11-20 10:00:02 ERROR b\nTraceback (most recent call last):\n  b\nValueError: b\n")
    with first.open("a") as out:
        out.write(
            "2026-11-20 10:00:01 ERROR a\nTraceback (most recent call last):\n  a\nValueError: a\n2026-11-20 10:00:03 ok\n"
        )
    running.until("ValueError: a")
    running.until("ValueError: b")
    shown = [line.partition(" | ")[2] for line in ended(operator, running).out.splitlines() if BEGUN not in line]
    assert len(shown) == 8 and shown[1:4] == [
        "Traceback (most recent call last):",
        f"  {shown[0][-1]}",
        f"ValueError: {shown[0][-1]}",
    ]


def test_a_host_that_is_lost_goes_on_where_it_was(make: Make) -> None:
    operator = make("app.log", gone=("away",))
    running = started(operator)
    running.until("away: ")
    file = folder(operator, HOSTS[0]) / "app.log"
    operator.sandbox.do(HOSTS[0], "down")
    operator.sandbox.do(HOSTS[0], "drop")
    running.until("it is tried again", times=2)
    with file.open("a") as out:
        out.write("number 0\n")
    file.rename(file.with_name("app.log.1"))
    file.write_text("number 1\n")
    (folder(operator, HOSTS[1]) / "app.log").write_text("the other\n")
    running.until("the other")
    operator.sandbox.do(HOSTS[0], "up")
    running.until("number 1\n")
    ran = ended(operator, running)
    assert numbers(ran) == [0, 1] and f"{HOSTS[0]}: back" in ran.err
    assert len(re.findall(rf"{BEGUN} \d+ 1\n", ran.out)) == 1


def test_nothing_is_left_when_it_is_killed_or_nobody_reads(make: Make) -> None:
    operator = make("app.log")
    running = started(operator)
    assert operator.processes(HOSTS[1])
    running.signal(signal.SIGKILL)
    running.finish()
    operator.until_quiet()
    running = started(operator, "--json")
    os.kill(running.process.pid, signal.SIGTERM)
    assert running.finish().code == 0
    operator.until_quiet()
    # `sh -c` gets its words apart, so that no path is pasted into a line.
    words = ["sh", "-c", '"$0" -H lab logs --follow | head -n 1', str(FAB)]
    env = {**operator.env, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=operator.folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1 and "Traceback" not in done.stderr, done
    operator.until_quiet()


def test_it_ends_after_the_time_that_was_given(make: Make) -> None:
    operator = make("app.log")
    ran = operator.fab("logs", "--follow", "--timeout", "1")
    assert ran.code == 0, ran.said
