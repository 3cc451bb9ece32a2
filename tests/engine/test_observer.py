"""A controller whose disk is full or whose display fails, at every event of a deploy over SSH: no host is to blame."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabric import Config

from lockstitch.engine.fanout import HostScript, run_on_hosts
from lockstitch.engine.journal import KEPT, Journal, journaled, records
from lockstitch.engine.runner import run
from lockstitch.errors import CheckError, ExitCode
from lockstitch.model.command import Command
from lockstitch.model.outcome import Outcome, RunEvent
from lockstitch.model.plan import Plan, Script, Step
from lockstitch.model.results import Event, StepBegan, StepEnded, StepOutput
from lockstitch.remote.ssh import SshRemote
from lockstitch.report.outcome import outcome_json, outcome_text
from scripts.sandbox import Sandbox
from tests.engine.world import HOSTS, copied
from tests.local import LocalRemote

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Full:
    """The file of a journal on a disk that is full from the write with this number on."""

    def __init__(self, journal: Journal, number: float) -> None:
        self._file, self._left = journal._file, number

    def write(self, data: Any) -> int:
        if self._left <= 0:
            raise FULL
        self._left -= 1
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Far:
    """A world whose hosts are reached over SSH; every deploy begins where the first one has left them."""

    def __init__(self, root: Path, template: Path, sandbox: Sandbox, remote: SshRemote) -> None:
        self.world = copied(template, root / "world", "releases")
        self.world.remote = LocalRemote(sandbox.place.root)
        self.remote, self.root = remote, root
        assert self.world.deploy("v1").code == 0
        self._saved = root / "saved"
        for host in HOSTS:
            shutil.copytree(self.world.remote.home(host), self._saved / host, symlinks=True)
        self.before = self.world.truth()

    def deploy(
        self, ref: str, runs: Path, writes: float = float("inf"), show: Callable[[RunEvent], None] = lambda event: None
    ) -> tuple[Outcome, list[RunEvent]]:
        plan, events = self.plan(ref), []
        hosts = {host.name: host for host in self.world.fleet().hosts}

        def shown(event: RunEvent) -> None:
            events.append(event)
            show(event)

        with Journal(runs, plan.run) as journal:
            record = journaled(journal, plan, shown)
            journal._file = Full(journal, writes)  # type: ignore[assignment]
            outcome = run(plan, self.remote, hosts, record)
            return record.ended(outcome, outcome_json(outcome)), events

    def plan(self, ref: str) -> Plan:
        """A plan for one host."""
        return replace(self.world.plan_deploy(ref, "box:c"), journal_sizes={})

    def on(self, version: str) -> dict[tuple[str, str], tuple[str, str]]:
        return {site: at if site[0] == "c" else self.before[site] for site, at in self.world.on(version).items()}

    def restore(self) -> None:
        for host in HOSTS:
            shutil.rmtree(self.world.remote.home(host) / "srv")
            shutil.copytree(self._saved / host, self.world.remote.home(host), symlinks=True, dirs_exist_ok=True)

    def locks(self) -> list[Path]:
        return [path for host in HOSTS for path in self.world.remote.home(host).rglob("lock.json*")]


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Far]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), HOSTS) as sandbox:
        config = Config(runtime_ssh_path=str(sandbox.place.ssh_config))
        with SshRemote(config) as remote:
            yield Far(tmp_path_factory.mktemp("far"), template, sandbox, remote)


def test_a_disk_that_is_full_from_any_event_on(far: Far, tmp_path: Path) -> None:
    _, events = far.deploy("v2", tmp_path)
    far.restore()
    ends = []
    for number in range(len(events) + 1):
        runs = tmp_path / str(number)
        outcome, seen = far.deploy("v2", runs, number)
        said = outcome_text(outcome)
        ends.append(outcome.code)
        assert outcome.code in (ExitCode.DONE, ExitCode.REVERTED) and not outcome.manual_actions, (number, said)
        assert far.world.truth() == (far.before if outcome.code else far.on("v2")), (number, said)
        assert far.locks() == [], (number, said)
        assert "no space left on device" in said and str(runs) in said, (number, said)
        assert "lost" not in said and "connection" not in said, (number, said)
        assert "no space left" in json.dumps(outcome_json(outcome)), number
        assert len(seen) >= number, "what cannot be recorded is shown nevertheless"
        (record,) = runs.glob("*/events.jsonl")
        assert record.read_bytes().endswith(b"\n") and len(list(records(record)[0])) == number + 1
        far.restore()
    assert set(ends) == {ExitCode.DONE, ExitCode.REVERTED}


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "gone"), UnicodeEncodeError("ascii", "ä", 0, 1, "no"), ZeroDivisionError()], ids=repr
)
def test_a_display_that_fails_at_any_event(far: Far, tmp_path: Path, error: Exception) -> None:
    for number in (0, 5):
        left = iter(range(number))

        def show(event: RunEvent, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise error

        outcome, _ = far.deploy("v2", tmp_path / str(number), show=show)
        assert outcome.code is ExitCode.DONE and not outcome.manual_actions, outcome_text(outcome)
        assert far.world.truth() == far.on("v2") and far.locks() == []
        assert "not all of this run was shown" in outcome_text(outcome)
        far.restore()


def test_what_cannot_be_kept_here_says_nothing_of_the_host(far: Far) -> None:
    """As for a log that is put into a temporary file of this machine."""
    host = far.world.fleet().hosts[0]
    script = Script((Step("say", "", Command("echo hello")),))

    def full(event: Event) -> None:
        raise FULL

    done = run_on_hosts(far.remote, [HostScript("a", host, script)], full)["a"]
    assert done.code is ExitCode.CHECK_SAID_NO and "cannot be kept on this machine: no space left" in done.words
    assert run_on_hosts(far.remote, [HostScript("a", host, script)])["a"].code is ExitCode.DONE


def test_a_disk_that_is_full_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(CheckError, match="record of this run cannot be written on this machine"):
        Journal(tmp_path / "runs", "run-1")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], check=True)
    try:
        with Journal(disk, "run-1") as journal:
            with pytest.raises(CheckError, match=f"no space left on device.*the file system is that of {disk}"):
                for number in range(10_000):
                    journal.write("said", text="x" * 100, number=number)
            written = list(records(journal.path)[0])
            assert len(written) > 10 and journal.path.read_bytes().endswith(b"\n"), "no half of a line is left"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_record_of_long_output_has_its_beginning_and_its_end(tmp_path: Path) -> None:
    with Journal(tmp_path, "run-1") as journal:
        record = journaled(journal, Plan("deploy", "prod", "run-1", "ada", "", ()), lambda event: None)
        record(StepBegan("h", "api", "build", "run-1"))
        for number in range(60_000):
            record(StepOutput("h", "api", "build", f"{number} {'x' * 50}"))
        record(StepEnded("h", "api", "build", 0, 1))
    assert journal.path.stat().st_size < 6 * KEPT
    events = list(records(journal.path)[0])
    (left,) = [event for event in events if event["event"] == "left out"]
    lines = [int(event["line"].split()[0]) for event in events if event["event"] == "output"]
    assert len(lines) + left["lines"] == 60_000 and left["characters"] > 50 * left["lines"]
    assert lines == sorted(lines) and lines[0] == 0 and lines[-1] == 59_999
    assert events[-1]["event"] == "end"
