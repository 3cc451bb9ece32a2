"""Backup and restore of 1 GB beside the bare programs they call: time and memory, as ratios.

The server is started here as it comes from `initdb`. Who goes first alternates, each begins with nothing left to write
to the disk, and the clients' programs are the same. Memory is looked at in a round of its own, because that costs time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from scripts.benchmarks.world import LINKED, ROOT
from tests import postgres
from tests.postgres import APP, LocalPostgres

TIMES = 5
SCALE = 70
TICK = 0.05
# As `initdb` has them, which the tests do not wait for.
SETTINGS = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "128MB"}
# What `pgbench -i` makes.
FILL = (
    "CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor=100)",
    "CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))",
    "CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))",
    "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))",
    f"INSERT INTO pgbench_branches SELECT n, 0, '' FROM generate_series(1, {SCALE}) n",
    f"INSERT INTO pgbench_tellers SELECT n, (n - 1) / 10 + 1, 0, '' FROM generate_series(1, {SCALE} * 10) n",
    f"INSERT INTO pgbench_accounts SELECT n, (n - 1) / 100000 + 1, 0, '' FROM generate_series(1, {SCALE} * 100000) n",
    "ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)",
)


@dataclass
class Took:
    """How long something took in seconds, by its parts where it has any, and, where it was looked at, the most memory
    that all its processes had together, in MiB."""

    seconds: float
    mebibytes: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)

    def of(self, *names: str) -> float:
        """The seconds of some steps together."""
        return sum(self.steps[name] for name in names)


class Bench:
    """A server with a database of 1 GB, and a project whose backups are made on this machine."""

    def __init__(self, root: Path, server: LocalPostgres) -> None:
        self.root, self.server = root, server
        self.watching = False
        for name in LINKED:
            (root / name).symlink_to(ROOT / name)
        (root / "hosts").mkdir()
        database = {
            "engine": "postgres",
            "url": "env:BENCH_URL",
            "run_on": "local",
            "directory": str(root / "backups"),
        }
        settings = {"groups": {"none": {"hosts": ["nobody"]}}, "databases": {"main": database}}
        (root / "hosts" / "bench.yml").write_text(json.dumps(settings))
        self.environment = {
            **os.environ,
            "PATH": server.path,
            "BENCH_URL": server.url("bench"),
            "PGPASSWORD": server.passwords[APP],
        }
        self.where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", APP]
        server.create("bench", *FILL)
        server.sql("VACUUM ANALYZE", "bench")

    def fab(self, *words: str) -> Took:
        """`fab -H bench …`, with its steps."""
        took = self._run("fab", "-H", "bench", *words)
        last = max((self.root / ".lockstitch" / "runs").glob("*/events.jsonl"), key=lambda file: file.stat().st_mtime)
        took.steps = _steps([json.loads(line) for line in last.read_text().splitlines()])
        return took

    def dump(self) -> Took:
        """`pg_dump` as anybody would."""
        return self._run("pg_dump", *self.where, "-Fc", "-f", "bare.dump", "bench")

    def restore(self) -> Took:
        """`createdb` and `pg_restore` as anybody would."""
        made = self._run("createdb", *self.where, "bare")
        filled = self._run("pg_restore", *self.where, "-j1", "-d", "bare", "bare.dump")
        return Took(made.seconds + filled.seconds, max(made.mebibytes, filled.mebibytes))

    def backup(self) -> str:
        """The newest backup's name."""
        return max(file.name for file in (self.root / "backups").iterdir() if not file.name.startswith("."))

    def clear(self, *databases: str) -> None:
        """Drop what was restored, and have everything written that waits for it."""
        for database in databases:
            self.server.drop(database)
        self.server.sql("CHECKPOINT")
        os.sync()

    def _run(self, *words: str) -> Took:
        began = time.monotonic()
        process = subprocess.Popen(words, cwd=self.root, env=self.environment, stdout=subprocess.DEVNULL)
        with _watched(process.pid) if self.watching else nullcontext([0.0]) as seen:
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, words)
            seconds = time.monotonic() - began
        return Took(seconds, max(seen))


def _steps(events: list[dict[str, Any]]) -> dict[str, float]:
    """How long each step took, by the run's journal; a gate is asked when the step before it has ended."""
    found: dict[str, float] = {}
    last = 0.0
    for event in events:
        at = datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()
        if event["event"] == "begin":
            last = at
        elif event["event"] == "end":
            found[event["name"]], last = at - last, at
        elif event["event"] == "gate":
            found[f"gate {event['gate']}"] = at - last
    return found


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """The memory of a process and all below it, in MiB, looked at again and again."""
    seen, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(TICK):
            seen.append(_resident(pid))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _resident(root: int) -> float:
    """What is in memory of a process and all below it, in MiB; what they share counts for a part of each."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(map(_share, family)) / 1024


def _share(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


@contextmanager
def bench() -> Iterator[Bench]:
    """All of it, in folders that are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="bench-pg-"))
    server = None
    try:
        home.chmod(0o755)
        postgres.own(home)
        programs = postgres.programs(home)
        if programs is None:
            raise SystemExit("there is no PostgreSQL on this machine")
        postgres.SETTINGS.update(SETTINGS)
        server = LocalPostgres(programs, home)
        with tempfile.TemporaryDirectory(prefix="bench.") as folder:
            yield Bench(Path(folder), server)
    finally:
        if server is not None:
            server.stop("immediate")
        shutil.rmtree(home, ignore_errors=True)


def backups() -> None:
    """Print how much longer `fab` takes than what it calls, and what it adds before and after."""
    with bench() as b:
        size = b.server.sql("SELECT pg_database_size('bench')")[0][0] / (1 << 30)
        print(f"{size:.2f} GiB, PostgreSQL {b.server.version}: medians of {TIMES} rounds (least … most)")
        ours, theirs = _beside(b, lambda: b.fab("backup"), b.dump, b.clear)
        _compare("dump", [took.of("backup") for took in ours], theirs)
        _rest("fab backup", ours, theirs, ("backup",))

        name = b.backup()
        did = ("verify", "create", "restore", "analyze", "gate rows")
        ours, theirs = _beside(
            b,
            lambda: b.fab("backup.restore", name, "--into", "ours"),
            b.restore,
            lambda: b.clear("ours", "bare"),
        )
        _compare("restore", [took.of("create", "restore") for took in ours], theirs)
        _compare("restore, checked before, analyzed and counted", [took.of(*did) for took in ours], theirs)
        print("  of these: " + ", ".join(f"{step} {median(took.of(step) for took in ours):.2f} s" for step in did))
        _rest("fab backup.restore", ours, theirs, did)


def _beside(
    b: Bench, ours: Callable[[], Took], theirs: Callable[[], Took], clear: Callable[[], None]
) -> tuple[list[Took], list[Took]]:
    """Both so many times, by turns, after a round that is for the memory."""
    found: tuple[list[Took], list[Took]] = ([], [])
    for number in range(TIMES + 1):
        b.watching = number == 0
        for which in (0, 1) if number % 2 else (1, 0):
            clear()
            found[which].append((ours, theirs)[which]())
    clear()
    return found


def _compare(what: str, ours: list[float], theirs: list[Took]) -> None:
    """The ratio is the median of those of each round: what else this machine does slows both of a round."""
    pairs = list(zip(ours[1:], (took.seconds for took in theirs[1:]), strict=True))
    mine, bare, ratios = (sorted(some) for some in (*zip(*pairs, strict=True), (mine / bare for mine, bare in pairs)))
    said = (
        f"{median(some):.2f}{unit} ({some[0]:.2f} … {some[-1]:.2f})"
        for some, unit in ((mine, " s"), (bare, " s"), (ratios, ""))
    )
    print(f"{what}: {next(said)}; bare {next(said)}; ratio {next(said)}")


def _rest(what: str, ours: list[Took], theirs: list[Took], steps: tuple[str, ...]) -> None:
    whole, rest = (
        median(some) for some in zip(*((t.seconds, t.seconds - t.of(*steps)) for t in ours[1:]), strict=True)
    )
    print(f"  {what}: {whole:.2f} s, of which {rest:.2f} s are its start, survey, lock and record")
    print(f"  the most memory of all its processes: {ours[0].mebibytes:.0f} MiB; bare {theirs[0].mebibytes:.0f} MiB")
