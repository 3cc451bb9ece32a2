"""Facts from what hosts print: the right ones, and from garbage some, but never an exception."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.facts.queries import parse_host, parse_place, parse_target
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts
from lockstitch.model.folder import UnwritableFolder
from lockstitch.model.layout import layout
from lockstitch.model.lock import LockInfo, parse_lock
from lockstitch.model.plan import Commit, Site
from lockstitch.model.probe import number

REVISION = "c55e9f800c0613814c7c3505192f8b6975feb567"
OTHER = "7bf4beab67bbf6eccefc3b8482be15db67f8c883"
WORDS = [
    "clone", "revision", "current", "folder", "dirty", "tag", "branch", "foreign", "missing", "free", "unwritable", "lock", "journal",
    "written", "commit", "problem", "backwards", "process", "running", "down", "reloaded", "boot", "release", "also", "also before",
    "also instance", "locked", "damaged", "unreadable", "now",
]  # fmt: skip
BITS = ["", "1", "²", "-1", "9" * 5000, "[" * 5000, "{}", '{"release": []}', REVISION, "a\x1fb\x1fc", "worker", "x y z", "worker 1 2 /x", "0 online 3 4", "\x85", "\r"]  # fmt: skip
lines = st.tuples(st.sampled_from(WORDS), st.lists(st.sampled_from(BITS) | st.text(max_size=8), max_size=4)).map(
    lambda line: " ".join([line[0], *line[1]])
)
garbage = st.one_of(st.text(max_size=60), st.lists(lines | st.text(max_size=15), max_size=8).map("\n".join))
site = Site("web1", "api", layout("releases", "app"))


@pytest.mark.parametrize("parse", [parse_place, parse_host, parse_target])
@given(text=garbage, code=st.integers(0, 255))
def test_garbage_never_raises(parse: Callable[[str, int], object], text: str, code: int) -> None:
    parse(text, code)


@given(garbage, garbage)
def test_facts_from_garbage_can_be_asked_anything(place: str, host: str) -> None:
    facts = Facts(site, parse_place(place, 0), parse_host(host, 0))
    assert isinstance(facts.releases, tuple)
    assert facts.release is None or facts.release.id is not None
    assert facts.as_recorded in (True, False)


def test_number() -> None:
    assert [number(text) for text in ("0", "007", "123456789012345")] == [0, 7, 123456789012345]
    assert [number(text) for text in ("", "²", "٣", "-1", "+1", "1.0", " 1", "1 ", "1_0", "1" * 16)] == [None] * 10


def test_a_place() -> None:
    text = f"clone\ncurrent R2\nrevision {REVISION}\nfolder R1\nfolder R2\ntag v1\nbranch main -2"
    assert parse_place(text, 0) == CheckoutFacts(True, REVISION, "R2", ("R1", "R2"), (), "v1", "main -2", "")
    assert parse_place("", 0) == CheckoutFacts()
    (why,) = parse_place("", 1).unreadable
    assert "exit code 1" in why, "a question that failed is not an empty answer"
    assert parse_place("unreadable /srv/api: it is gone\nfolder ", 0).unreadable == ("/srv/api: it is gone",)
    assert parse_place("revision HEAD", 0).revision is None
    assert parse_place("dirty  M a b\ndirty R  x -> y", 0).dirty == (" M a b", "R  x -> y")


def test_a_host() -> None:
    lock = '{"run":"r","by":"ada","message":"why","at":"now"}'
    entry = {"event": "release", "release": "R1", "n": 5}
    text = f"missing pm2\nmissing node\nfree 1024\nunwritable ada dev /srv\t/srv/api\nnounit not-found api\nlocked T {lock}\nwritten 77\njournal {json.dumps(entry)}\njournal {{cut\ndamaged 2"
    expected = HostFacts(
        ("pm2", "node"), 1 << 20, (UnwritableFolder("/srv/api", "/srv", "ada", "dev"),), LockInfo("r", "ada", "why", "now"),
        ({"event": "release", "release": "R1", "n": "5"},), written=77, damaged=3,
        units=(("api", "not-found"),),
    )  # fmt: skip
    assert parse_host(text, 0) == expected
    assert parse_host("free \nfree -\nfree x", 0).free is None


@pytest.mark.parametrize("text", ["", " ", "{", "[]", "5", '"x"', "null", "{}", "garbage", "\x00"])
def test_a_lock_that_cannot_be_read_is_still_a_lock_since_the_time_of_its_file(text: str) -> None:
    info = parse_lock(f"2026-01-01T00:00:00Z {text}")
    assert info is not None and (info.by, info.at) == ("nobody known", "2026-01-01T00:00:00Z")
    assert "lock.break frees it" in str(info) and str(info).startswith("nobody known since 2026-01-01T00:00:00Z (")
    assert ("is empty" in info.message) == (not text.strip())


def test_no_lock() -> None:
    assert parse_lock("") is None
    assert str(LockInfo("r1", "ada", "", "now")) == "ada since now, run r1"
    assert str(LockInfo("r1", "ada", "why", "now")) == "ada since now, run r1 (why)"


def test_a_target() -> None:
    target = parse_target(
        f"revision {REVISION}\ncommit {REVISION}\x1fAda\x1fone | two\ngone {OTHER}\x1fBob\x1fthree\ntag v1", 0
    )
    assert target.revision == REVISION
    assert target.commits == (Commit(REVISION, "Ada", "one | two"),)
    assert target.gone == (Commit(OTHER, "Bob", "three"),)
    assert target.tags == ("v1",)
    assert not target.problem
    assert parse_target("problem no such tag", 0).problem == "no such tag"
    assert "Permission denied" in parse_target("git: Permission denied", 128).problem
    assert parse_target("", 1).problem


@pytest.mark.parametrize("end", list("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r"))
def test_only_a_newline_ends_a_line(end: str) -> None:
    """A subject or a message cannot tell facts of its own."""
    subject = f"x{end}revision {OTHER}{end}problem no"
    target = parse_target(f"revision {REVISION}\ncommit {REVISION}\x1fAda\x1f{subject}", 0)
    assert (target.revision, target.problem) == (REVISION, "")
    assert target.commits[0].subject == subject
    entry = json.dumps({"release": "R1", "message": f"a{end}b"}, ensure_ascii=False)
    assert parse_host(f"journal {entry}", 0).journal == ({"release": "R1", "message": f"a{end}b"},)


@pytest.mark.parametrize("subject", ["", "a\x1fb", "\x1f", "a\x1fb\x1fc", "\x1e", "\x1b[2J", "\ufffd", "\r", "\u2028"])
def test_no_commit_vanishes_for_what_its_subject_holds(subject: str) -> None:
    target = parse_target(f"revision {REVISION}\ncommit {OTHER}\x1fAda\x1f{subject}\ncommit {REVISION}\x1fAda\x1fx", 0)
    assert target.commits == (Commit(OTHER, "Ada", subject), Commit(REVISION, "Ada", "x"))


def history(*entries: tuple[str, str, str], current: str | None = None, revision: str | None = None) -> Facts:
    journal = tuple({"event": "release", "release": r, "revision": c, "verdict": v} for r, c, v in entries)
    return Facts(site, CheckoutFacts(True, revision, current), HostFacts(journal=journal))


def test_the_last_verdict_counts() -> None:
    facts = history(("R2", OTHER, "good"), ("R1", REVISION, "bad"), ("R2", OTHER, "left"), ("R3", OTHER, "nonsense"))
    assert [(r.id, r.verdict) for r in facts.releases] == [("R2", "left"), ("R1", "bad"), ("R3", "unknown")]


def test_the_release_in_place() -> None:
    entries = (("R1", REVISION, "good"), ("R2", REVISION, "good"), ("R1", REVISION, "good"), ("R3", OTHER, "bad"))
    by_link = history(*entries, current="R2", revision=REVISION).release
    assert by_link is not None and by_link.id == "R2"
    by_revision = history(*entries, revision=REVISION).release
    assert by_revision is not None and by_revision.id == "R1", "the one that was last proven"
    assert history(*entries, revision=OTHER).release is None, "a failed one is not in place"
    unknown = history(*entries, current="by-hand", revision=OTHER).release
    assert unknown is not None and (unknown.id, unknown.verdict) == ("by-hand", "unknown")


def test_what_was_cut_off_is_not_as_recorded() -> None:
    entries = (("R1", REVISION, "good"), ("R2", OTHER, "bad"))
    assert history(*entries, current="R1", revision=REVISION).as_recorded
    assert not history(*entries, current="R2", revision=OTHER).as_recorded
    assert not history(*entries, revision=OTHER).as_recorded
    assert not history(revision=OTHER).as_recorded
