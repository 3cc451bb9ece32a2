"""The lock, on folders: of those who want the same hosts at once one gets them all, and nothing is left behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from lockstitch.engine.locks import Locks, break_locks
from lockstitch.errors import CheckError, HostLostError, LockHeldError, LockstitchError, SiteChangedError, UsageError
from lockstitch.model.host import Address, Host
from lockstitch.model.layout import layout
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Script, Site
from tests.local import LocalRemote

ROUNDS = 20
HOSTS = {name: Host(name, Address(name)) for name in ("a", "b", "c", "d")}


def site(host: str, app: str = "api") -> Site:
    return Site(host, app, layout("releases", f"srv/{app}"))


ALL = [site(host) for host in HOSTS]


def info(run: str) -> LockInfo:
    return LockInfo(run, f"{run}@desk", 'it\'s a "try" \\ $x', "now")


def locks(remote: LocalRemote, run: str, sites: Sequence[Site] = ALL) -> Locks:
    return Locks(remote, HOSTS, sites, info(run), environment="prod")


def files(remote: LocalRemote) -> list[str]:
    return sorted(str(path.relative_to(remote.root)) for path in remote.root.rglob("*lock.json*"))


def at_once(tries: Sequence[Locks]) -> list[LockstitchError | None]:
    """All acquire at the same moment; what each was answered."""
    ready = threading.Barrier(len(tries))
    answers: list[LockstitchError | None] = [None] * len(tries)

    def take(number: int) -> None:
        ready.wait()
        try:
            tries[number].acquire()
        except LockstitchError as error:
            answers[number] = error

    threads = [threading.Thread(target=take, args=(number,)) for number in range(len(tries))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_two_who_want_the_same_hosts_exactly_one_gets_them(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    sites = ALL[:3]
    for number in range(ROUNDS):
        tries = [locks(remote, f"run-{number}-{who}", order) for who, order in (("one", sites), ("two", sites[::-1]))]
        answers = at_once(tries)
        assert sorted(answer is None for answer in answers) == [False, True], answers
        winner, loser = (tries if answers[0] is None else tries[::-1])[:2]
        (refused,) = [answer for answer in answers if answer is not None]
        assert isinstance(refused, LockHeldError)
        assert refused.exit_code == 4
        name = f"run-{number}-{'one' if winner is tries[0] else 'two'}"
        assert f'a: api is locked by {name}@desk since now, run {name} (it\'s a "try" \\ $x)' in refused.message
        assert "nothing was changed" in refused.message
        assert "fab -H prod lock.break" in refused.hint
        assert loser.held == []
        assert len(files(remote)) == 3, "the winner's, and nothing half made"
        assert winner.release() == {}
        assert files(remote) == []


def test_of_those_whose_hosts_overlap_no_two_get_theirs(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    wanted = [ALL[:2], ALL[1:3], ALL[2:], ALL]
    for number in range(ROUNDS // 2):
        tries = [locks(remote, f"run-{number}-{who}", sites) for who, sites in enumerate(wanted)]
        answers = at_once(tries)
        got = [one for one, answer in zip(tries, answers, strict=True) if answer is None]
        held = [site for one in got for site in one.held]
        assert len(held) == len(set(held)) == len(files(remote))
        assert all(set(one.held) == set(sites) for one, sites in zip(tries, wanted, strict=True) if one in got)
        for one in got:
            one.release()
        assert files(remote) == []


def test_two_apps_on_one_host_have_two_locks(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    locks(remote, "run-1", [site("a", "api")]).acquire()
    locks(remote, "run-2", [site("a", "web")]).acquire()
    assert len(files(remote)) == 2


def test_a_lock_names_its_owner_and_only_its_owner_frees_it(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    mine = locks(remote, "run-1")
    mine.acquire()
    text = (tmp_path / "a" / "srv" / ".lockstitch" / "api" / "lock.json").read_text()
    owner = {
        "run": "run-1",
        "by": "run-1@desk",
        "message": info("x").message,
        "at": "now",
        "kind": "",
        "host": "a",
        "scope": "",
    }
    assert json.loads(text) == owner
    other = locks(remote, "run-2")
    other.held = list(ALL)
    assert other.release() == {}
    assert locks(remote, "run").release() == {}
    assert len(files(remote)) == len(ALL)
    for like in ("run-", "run-11", "*", "run?1", ""):
        one = locks(remote, like)
        one.held = list(ALL)
        one.release()
    assert len(files(remote)) == len(ALL), "a name that is like it is not it"
    assert mine.release() == {}
    assert files(remote) == []


def test_a_refusal_far_along_frees_what_was_taken_before_it(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    locks(remote, "run-1", [ALL[-1]]).acquire()
    with pytest.raises(LockHeldError, match="d: api is locked by run-1@desk"):
        locks(remote, "run-2").acquire()
    assert files(remote) == ["d/srv/.lockstitch/api/lock.json"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_last_line_without_its_end_gets_it_with_the_lock(tmp_path: Path, whole: bool) -> None:
    remote = LocalRemote(tmp_path)
    journal = remote.home("a") / ALL[0].layout.journal
    journal.parent.mkdir(parents=True)
    journal.write_text('{"event":"begin"}')
    written = {ALL[0]: journal.stat().st_size}
    Locks(remote, HOSTS, ALL[:1], info("run-1"), written, whole=ALL[:1] if whole else ()).acquire()
    assert journal.read_text() == '{"event":"begin"}\n'


def test_a_journal_known_to_be_whole_is_judged_anew_once_it_has_grown(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    journal = remote.home("a") / ALL[0].layout.journal
    journal.parent.mkdir(parents=True)
    journal.write_text('{"event":"begin","run":"run-0","by":"she@desk"}\n')
    with pytest.raises(SiteChangedError, match="was changed by she@desk, run run-0,"):
        Locks(remote, HOSTS, ALL[:1], info("run-1"), {ALL[0]: 1}, whole=ALL[:1]).acquire()
    assert files(remote) == []


@pytest.mark.parametrize("where", ["a", "c"])
def test_a_place_that_cannot_be_written_is_a_refusal(tmp_path: Path, where: str) -> None:
    remote = LocalRemote(tmp_path)
    (remote.home(where) / "srv").write_text("a file where a folder should be")
    with pytest.raises(CheckError, match=rf"(?s){where}: api: .*cannot be made") as refused:
        locks(remote, "run-1").acquire()
    assert refused.value.exit_code == 7
    assert files(remote) == []


@pytest.mark.parametrize("text", ["", "{", "garbage", "[]"])
def test_a_lock_that_cannot_be_read_is_held_all_the_same(tmp_path: Path, text: str) -> None:
    remote = LocalRemote(tmp_path)
    file = remote.home("b") / "srv" / ".lockstitch" / "api" / "lock.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(LockHeldError, match="b: api is locked by"):
        locks(remote, "run-1").acquire()
    assert files(remote) == ["b/srv/.lockstitch/api/lock.json"]
    assert file.read_text() == text


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_host_that_is_lost_while_it_is_locked_frees_every_other(tmp_path: Path, when: str) -> None:
    """`after`: the lock was made and the answer lost; it is freed as soon as the host answers."""
    remote = LocalRemote(tmp_path)

    def drop(host: Host, script: Script) -> HostLostError | None:
        here = host.name == "c" and script.steps[0].name == "lock"
        return HostLostError("c", "the connection dropped") if here else None

    def drop_at_once(host: Host, script: Script) -> None:
        if error := drop(host, script):
            raise error

    remote.faults, remote.losses = ([drop_at_once], []) if when == "before" else ([], [drop])
    with pytest.raises(HostLostError, match="c: the connection dropped"):
        locks(remote, "run-1").acquire()
    assert files(remote) == []


def test_what_cannot_be_freed_is_named_and_tried_again(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    mine = locks(remote, "run-1")
    mine.acquire()

    def drop(host: Host, script: Script) -> None:
        if host.name in ("b", "d"):
            raise HostLostError(host.name, "gone")

    remote.faults.append(drop)
    assert {site.host for site in mine.release()} == {"b", "d"}
    assert {site.host for site in mine.held} == {"b", "d"}
    remote.faults.clear()
    assert mine.release() == {}
    assert files(remote) == []


def test_a_site_that_changed_after_it_was_looked_at_is_refused(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    journal = remote.home("a") / "srv" / ".lockstitch" / "api" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"run":"run-0","by":"grace","at":"then"}\n')
    size = journal.stat().st_size
    for written in (0, size - 1, size + 1):
        with pytest.raises(LockHeldError, match="a: api was changed by grace, run run-0, after it was looked at"):
            Locks(remote, HOSTS, ALL, info("run-1"), {ALL[0]: written}).acquire()
        assert files(remote) == []
    Locks(remote, HOSTS, ALL, info("run-1"), {ALL[0]: size, ALL[1]: 0}).acquire()
    assert len(files(remote)) == len(ALL)


def test_breaking_frees_whoever_holds_it_and_is_on_record(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    locks(remote, "run-1", ALL[:2]).acquire()
    why = 'it\'s "dead" \\ $x \u2028'
    broken = break_locks(remote, HOSTS, ALL[:3], run="run-9", by="grace", message=why)
    assert broken == {ALL[0]: info("run-1"), ALL[1]: info("run-1")}, "the third had none"
    assert files(remote) == []
    for host in ("a", "b"):
        (line,) = (tmp_path / host / "srv" / ".lockstitch" / "api" / "journal.jsonl").read_text().splitlines()
        entry = json.loads(line)
        assert (entry["event"], entry["run"], entry["by"], entry["message"]) == ("lock broken", "run-9", "grace", why)
    assert not (tmp_path / "c" / "srv").exists(), "nothing is made where nothing is broken"
    locks(remote, "run-2").acquire()


@pytest.mark.parametrize("first", ["a", "b"])
def test_one_machine_under_two_names_is_told_as_that(tmp_path: Path, first: str) -> None:
    remote, second = LocalRemote(tmp_path), "c" if first == "b" else "b"
    remote.home(first)
    (tmp_path / second).symlink_to(first)
    with pytest.raises(UsageError) as refused:
        locks(remote, "one").acquire()
    names = {
        f"{one}: api is that of {other}: one machine has two names" for one, other in ((first, second), (second, first))
    }
    assert any(said in refused.value.message for said in names) and "leave one" in refused.value.hint
    assert files(remote) == [], "nothing is left"
