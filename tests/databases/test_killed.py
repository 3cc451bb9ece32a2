"""`fab` is killed, or interrupted, at every event of a restore: the database is the old one or the restored one, whole.

The loops go over the moments of one complete run. Several projects share the work, each with a database, a vault and a
host of its own.
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.containers.project import Ran
from tests.databases.conftest import VAULTS, MakeProject
from tests.databases.dialects import acting_rows, assert_acts, shop_rows, speaks
from tests.databases.engines import one_engine
from tests.databases.project import Project
from tests.databases.store import SHOP
from tests.servers import APP, LocalServer


@dataclass
class Prepared:
    """A project with a backup, whose database has had one more order since."""

    project: Project
    database: str
    backup: str

    @property
    def server(self) -> LocalServer:
        return self.project.server

    @property
    def old(self) -> dict[str, int]:
        return acting_rows(self.server, 301)

    @property
    def new(self) -> dict[str, int]:
        return acting_rows(self.server)

    def reset(self) -> None:
        """The database as it was before a restore, and nothing beside it."""
        for name in (self.database, *self.beside()):
            self.server.drop(name)
        acts = speaks(self.server).acts
        self.server.create(self.database, *SHOP, *acts, "INSERT INTO orders (what) VALUES ('after')")
        self.project.unlock()

    def beside(self, what: str = "") -> list[str]:
        """The databases that were made beside it."""
        return [name for name in self.server.databases() if name.startswith(f"{self.database}__{what}")]

    def assert_whole(self, case: object) -> dict[str, int]:
        """The database is there, wholly the old or the restored one, and nothing that was written is lost."""
        assert self.database in self.server.databases(), case
        found = self.server.counts(self.database)
        assert found in (self.old, self.new), (case, found)
        for name in (self.database, *self.beside("before")):
            assert_acts(self.server, name, case)
        if found == self.new:
            assert [self.server.counts(name) for name in self.beside("before")] == [self.old], (case, self.beside())
        else:
            assert self.beside("before") == [], case
        return found

    def assert_goes_on(self, case: object) -> None:
        """The next restore completes and tidies up what the dead one left, and only that."""
        kept = {name: self.server.counts(name) for name in self.beside("before")}
        listed = self.project.store.backups()
        assert [(b.name, b.good) for b in listed] == [(self.backup, True)], case
        again = self.project.store.restore(self.backup)
        if self.project.unlock():
            assert again.code == 4 and "locked by ada" in again.said, (case, again)
            again = self.project.store.restore(self.backup)
        assert again.code == 0, (case, again.said, again)
        assert self.server.counts(self.database) == self.new
        assert self.beside("restoring") == [], case
        for name, counts in kept.items():
            assert self.server.counts(name) == counts, case

    def signalled_at(self, number: int, sent: signal.Signals) -> Ran | None:
        """How a restore ended that was sent a signal at an event; None where it ended before that."""
        before = self.project.journals()
        with self.project.start("backup.restore", self.backup) as running:
            reached = self.project.signal_at(number, running, sent, before)
            ran = running.finish()
        return ran if reached else None


@pytest.fixture
def prepared(make_project: MakeProject) -> list[Prepared]:
    """Projects that are alike."""
    made = []
    for number in range(len(VAULTS)):
        database = f"shop{number}"
        project = make_project(database)
        for line in speaks(project.server).acts:
            project.server.sql(line, database, APP)
        ended = project.store.backup()
        assert ended.code == 0, ended
        made.append(Prepared(project, database, project.store.names()[0]))
    return made


def rehearsed(one: Prepared) -> list[str]:
    """The events of a restore from its beginning to its end."""
    one.reset()
    ran = one.project.fab("backup.restore", one.backup)
    assert ran.code == 0, ran.said
    assert one.assert_whole("rehearsal") == one.new
    newest = max(one.project.journals(), key=lambda path: path.stat().st_mtime)
    return [f"{event['event']} {event.get('name', event.get('gate', ''))}" for event in one.project.events(newest)]


def each(prepared: list[Prepared], cases: list[str], check: Callable[[Prepared, int, str], None]) -> None:
    """Judge every case on whichever project is free."""
    free: queue.SimpleQueue[Prepared] = queue.SimpleQueue()
    for one in prepared:
        free.put(one)

    def judge(number: int, case: str) -> None:
        one = free.get()
        try:
            one.reset()
            check(one, number, case)
        finally:
            free.put(one)

    with ThreadPoolExecutor(max_workers=len(prepared)) as pool:
        for future in [pool.submit(judge, *moment) for moment in moments(cases)]:
            future.result()


def moments(cases: list[str]) -> list[tuple[int, str]]:
    """Each event with its number, but the end of a step where another one begins: that is one moment."""
    following = [*cases[1:], ""]
    return [
        (number, case)
        for number, (case, after) in enumerate(zip(cases, following, strict=True), 1)
        if not (case.startswith("end ") and after.startswith("begin "))
    ]


def test_fab_is_killed_at_any_event(prepared: list[Prepared]) -> None:
    found: list[dict[str, int]] = []

    def check(one: Prepared, number: int, case: str) -> None:
        ran = one.signalled_at(number, signal.SIGKILL)
        assert ran is None or ran.code == -signal.SIGKILL, (case, ran)
        one.project.until_quiet()
        found.append(one.assert_whole(case))
        one.assert_goes_on(case)

    each(prepared, rehearsed(prepared[0]), check)
    assert prepared[0].old in found and prepared[0].new in found


def test_fab_is_interrupted_at_any_event(prepared: list[Prepared]) -> None:
    went_back: list[bool] = []

    def check(one: Prepared, number: int, case: str) -> None:
        ran = one.signalled_at(number, signal.SIGINT)
        if ran is None:
            return
        code = ran.code
        assert code in (0, 130), (case, ran.said)
        found = one.assert_whole(case)
        if code == 130:
            # When everything is done, and perhaps said, it is too late to go back; what is said is true.
            late = case == "outcome " or "restore of prod done" in ran.said
            assert found == (one.new if late else one.old), (case, ran.said)
            assert late or "interrupted" in ran.said, (case, ran.said)
            went_back.append(not late)
        else:
            assert found == one.new and "kept as" in ran.said, (case, ran.said)
        assert "Traceback" not in ran.said, ran.said
        assert not one.project.unlock(), (case, ran.said)
        assert one.beside("restoring") == [], (case, ran.said)

    each(prepared, rehearsed(prepared[0]), check)
    assert went_back.count(True) > len(went_back) / 2


@one_engine
def test_after_a_kill_a_person_is_told_and_goes_on(make_project: MakeProject) -> None:
    """With `fab` alone: the lock says who is dead, is broken, and the restore is done."""
    project = make_project()
    name = project.backup()
    project.server.sql("INSERT INTO orders (what) VALUES ('after')", "shop", APP)
    with project.start("backup.restore", name) as running:
        project.signal_at(5, running, signal.SIGKILL, project.journals())
        running.finish()
    project.until_quiet()
    assert project.server.counts("shop") == shop_rows(project.server, 301)
    refused = project.fab("backup.restore", name)
    assert refused.code == 4 and "lock.break" in refused.said, refused.said
    listed = project.fab("backup.list")
    assert listed.code == 0 and name in listed.out, listed.said
    broken = project.fab("lock.break", "--message", "it is dead")
    assert broken.code == 0 and "ada" in broken.out, broken.said
    done = project.fab("backup.restore", name)
    assert done.code == 0, done.said
    assert project.server.counts("shop") == shop_rows(project.server)
