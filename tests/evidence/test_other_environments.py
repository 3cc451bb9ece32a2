"""Needs that another environment's journals answer, and how those are read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lockstitch.engine.evidence import read_releases
from lockstitch.errors import ConnectError
from lockstitch.evidence.base import RecordedRelease, SiteReleases
from lockstitch.inventory.load import load
from lockstitch.remote.fake import FakeRemote
from tests.evidence.conftest import API, NEW, NOW, OLD, Judge, Sources

REHEARSED = {"staging": "30d"}
ANY = {"in": "staging", "within": "30d", "of": "any"}


def record(verdict: str = "good", days: float = 1, **more: Any) -> RecordedRelease:
    about = {"run": "20261128T100000Z-ab12", "kind": "deploy", "revision": NEW, "before": OLD, **more}
    return RecordedRelease(verdict=verdict, at=NOW - timedelta(days=days), **about)


def sites(sources: Sources, *records: RecordedRelease, **others: SiteReleases) -> None:
    sources.sites = (SiteReleases("s1", records, repository=API.repository), *others.values())


def test_a_revision_that_served_in_staging(sources: Sources, judge: Judge) -> None:
    sites(sources, record("bad", 3), record())
    found = judge("passed_in", {"staging": "7d"})
    assert found.result == "pass" and "deploy of 222222222222 in staging 1 d ago" in found.reason


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ([], "staging records no deploy of 222222222222"),
        ([record(revision=OLD)], "staging records no deploy"),
        ([record(), record("bad")], "did not pass on s1"),
        ([record(), record("left")], "did not pass on s1"),
        ([record(), record("stopped")], "did not pass on s1"),
        ([record(days=8)], "was 8 d ago, and 7 d at most"),
    ],
)
def test_a_revision_that_did_not(sources: Sources, judge: Judge, records: list[Any], says: str) -> None:
    sites(sources, *records)
    found = judge("passed_in", {"staging": "7d"})
    assert found.result == "fail" and says in found.reason


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (SiteReleases("s2", (), "s2: no route"), "s2: no route"),
        (SiteReleases("s2", (record(),), "2 lines of its journal are damaged"), "damaged"),
        (SiteReleases("s2", (record(revision=OLD),), cut=True), "has more than was read"),
        (SiteReleases("s2", ()), "s2 of staging records no deploy"),
        (SiteReleases("s2", (record(days=-1),)), "clock of a host of staging is ahead"),
    ],
)
def test_a_host_that_does_not_tell(sources: Sources, judge: Judge, other: SiteReleases, says: str) -> None:
    sites(sources, record(), other=other)
    found = judge("passed_in", {"staging": "7d"})
    assert found.result == "inconclusive" and says in found.reason


def test_an_app_that_is_not_there_is_inconclusive(judge: Judge) -> None:
    assert judge("passed_in", {"staging": "7d"}).result == "inconclusive"


def test_the_oldest_host_is_judged(sources: Sources, judge: Judge) -> None:
    sites(sources, record(days=1), other=SiteReleases("s2", (record(days=9),)))
    assert judge("passed_in", {"staging": "7d"}).result == "fail"


def test_a_rollback_from_the_same_revision(sources: Sources, judge: Judge) -> None:
    back = record(kind="rollback", revision=OLD, before=NEW)
    sites(sources, record(), back, record("left", kind="rollback"), record())
    assert judge("rollback_rehearsed", REHEARSED).result == "pass"
    sites(sources, record(), back, record("bad", kind="rollback", revision=OLD, before=NEW))
    assert judge("rollback_rehearsed", REHEARSED).result == "fail"


def test_a_rollback_from_another_revision_is_none(sources: Sources, judge: Judge) -> None:
    sites(sources, record(kind="rollback", revision=OLD, before="5" * 40))
    assert judge("rollback_rehearsed", REHEARSED).result == "fail"
    assert judge("rollback_rehearsed", ANY).result == "pass"


@pytest.mark.parametrize(
    ("repository", "result"),
    [
        ("https://127.0.0.1/acme/api", "pass"),
        ("git@127.0.0.1-staging:acme/api.git", "pass"),
        ("git@127.0.0.1:acme/web.git", "inconclusive"),
        ("git@127.0.0.1:fork/api.git", "inconclusive"),
        ("git@evil127.0.0.1:acme/api.git", "inconclusive"),
        ("/srv/git/api.git", "inconclusive"),
        ("", "inconclusive"),
    ],
)
def test_a_rollback_of_another_repository_is_none(sources: Sources, judge: Judge, repository: str, result: str) -> None:
    back = record(kind="rollback", revision=OLD, before=NEW)
    other = SiteReleases("s2", (back,), repository=repository)
    sites(sources, back, other=other)
    found = judge("rollback_rehearsed", ANY)
    assert found.result == result and (result == "pass" or f"has the repository {repository}," in found.reason)
    # The same commit is the same code, wherever it came from.
    assert judge("rollback_rehearsed", REHEARSED).result == "pass"


@pytest.mark.parametrize(
    ("key", "written", "known"),
    [
        ("passed_in", {"staging": "7d"}, {}),
        ("rollback_rehearsed", REHEARSED, {"kind": "rollback", "revision": OLD, "before": NEW}),
    ],
)
def test_the_newest_run_decides_also_without_an_end(
    sources: Sources, judge: Judge, key: str, written: Any, known: dict[str, Any]
) -> None:
    good, bad = record(**known), record("bad", **known)
    cut = record("", run="20261129T000000Z-dead", revision="", before="", kind="deploy")
    sites(sources, good, cut)
    found = judge(key, written)
    assert found.result == "inconclusive" and "has no end on s1 (20261129T000000Z-dead)" in found.reason
    sites(sources, cut)
    assert judge(key, written).result == "inconclusive"
    # One that passed since has shown it again, and a host that failed leaves no question.
    sites(sources, cut, good)
    assert judge(key, written).result == "pass"
    sites(sources, good, cut, other=SiteReleases("s2", (bad,)))
    assert judge(key, written).result == "fail"


# How journals are read.

INVENTORY = """
groups:
  web: {hosts: [s1, s2, s3, s4], apps: [api]}
apps:
  api: {repository: "/srv/api.git", path: /srv/api, service: {kind: command, reload: "true", status: "true"}}
"""
LINE = (
    '{"event":"release","kind":"%s","app":"api","release":"%s","revision":"%s","before":"%s","run":"r1","by":"ada",'
    '"verdict":"good","at":"2026-11-28T10:00:00Z"}'
)


def test_records_are_read_from_every_host(tmp_path: Any) -> None:
    (tmp_path / "staging.yml").write_text(INVENTORY)
    ours, theirs = "20261128T100000Z-222222222222", "before-us"
    remote = FakeRemote()
    said = [f"entry {LINE % ('deploy', theirs, OLD, OLD)}", f"entry {LINE % ('deploy', ours, NEW, OLD)}"]
    said += ['entry {"event":"lock taken","run":"r2","at":"2026-11-28T11:00:00Z"}', "cut 4"]
    begun = '{"event":"begin","step":"lock","run":"%s","doing":"%s","at":"2026-11-28T%s:00:00Z"}'
    said += [
        f"open {begun % each}" for each in (("r3", "backup", "12"), ("r4", "deploy", "09"), ("r5", "deploy", "12"))
    ]
    remote.answer("s1", "history", output="\n".join(said) + "\n")
    undated = (LINE % ("deploy", ours, NEW, OLD)).replace("10:00:00Z", "soon")
    remote.answer("s2", "history", output=f"entry {undated}\ndamaged 1\n")
    remote.answer("s3", "history", output="unreadable /srv/.lockstitch/api/journal: permission denied\n")
    remote.connect_error("s4", ConnectError("s4", "no route"))
    s1, s2, s3, s4 = read_releases(remote, load(tmp_path, "staging"), "api")
    known = [(r.run, r.verdict, r.revision, r.before) for r in s1.records]
    assert known == [("r4", "", "", ""), ("r1", "good", NEW, OLD), ("r5", "", "", "")]
    assert (s1.lacking, s1.cut, s1.repository) == ("", True, "/srv/api.git")
    assert "1 lines of its journal are damaged; the record of r1 has no time" in s2.lacking
    assert "permission denied" in s3.lacking
    assert "no route" in s4.lacking
    assert read_releases(remote, load(tmp_path, "staging"), "web") == ()
