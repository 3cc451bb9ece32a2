"""Errors reported to Sentry, by a stand-in of its API, and to a real Bugsink."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from lockstitch.checks.metric_queries import MetricQuery
from lockstitch.engine.read_sources import read_sources
from lockstitch.metrics.measurement import Measurement, Window
from lockstitch.metrics.sentry import Sentry
from lockstitch.model.host import Address, Host
from lockstitch.model.release import version_names
from lockstitch.remote.fake import FakeRemote
from tests.metrics.bugsink_server import BugsinkServer, installed
from tests.metrics.sentry_stand_in import TOKEN, SentryStandIn

WEB = [Host(name, Address(name)) for name in ("web1", "web2", "web3", "web4")]
NEW, OLD = "a" * 40, "b" * 40


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SentryStandIn]:
    monkeypatch.setenv("SENTRY_TOKEN", TOKEN)
    with SentryStandIn() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.ended.set()
        made.shutdown()


def source(stand_in: SentryStandIn, **more: object) -> Sentry:
    known = {"kind": "sentry", "url": stand_in.url, "organization": "acme", "project": "shop", "timeout": "5s"}
    return Sentry.model_validate({**known, "token": "env:SENTRY_TOKEN", **more})


def measured(
    mine: Sentry,
    new: int = 1,
    hosts: int = 2,
    window: Window | None = None,
    names: dict[str, str] | None = None,
    since: float | None = -600.0,
) -> dict[str, Measurement]:
    """Read the metric of each host; the first `new` hosts have the new release, the others the old one."""
    queries = [
        MetricQuery(
            "api",
            "errors",
            mine,
            host,
            (window or Window(-600.0, -0.001),),
            since=since,
            names=(names or version_names(NEW, "20270115T080000Z-aaaa", "refs/tags/v2")) if at < new else {},
        )
        for at, host in enumerate(WEB[:hosts])
    ]
    return {host: answer for (_, _, host), answer in read_sources(FakeRemote(), queries).items()}


def test_new_issues_and_events_before_and_after_by_a_stand_in_of_sentry(stand_in: SentryStandIn) -> None:
    now = time.time()
    stand_in.known |= {NEW}
    stand_in.issues = [("1", NEW), ("2", OLD), ("3", NEW)]
    stand_in.events = [(now - 300, NEW)] * 30 + [(now - 300, OLD)] * 500 + [(now - 900, OLD)] * 20
    answer = measured(source(stand_in))["web1"]
    assert answer.blind == ""
    assert answer.values["new_issues"] == 2 and answer.values["events_per_minute"] == pytest.approx(3.0, rel=0.01)
    # 30 events of one host, beside 20 of two: three times as many, and at least 1.9 times.
    assert 1.8 < answer.values["times_before"] < 2.2
    assert f"release {NEW}: 2 new, 30 events in 10 min, 20 of others in 10 min before" in answer.about
    alone = measured(source(stand_in), new=2)
    assert alone["web1"].values == alone["web2"].values and alone["web1"].values["times_before"] < 1.2
    assert all("Bearer" not in asked and TOKEN not in asked for asked in stand_in.asked)


def test_errors_that_are_as_many_as_before_are_no_growth(stand_in: SentryStandIn) -> None:
    now = time.time()
    stand_in.known |= {NEW}
    for after, before, grows in ((0, 0, False), (2, 0, False), (12, 10, False), (30, 10, True), (12, 0, True)):
        stand_in.events = [(now - 300, NEW)] * after + [(now - 900, OLD)] * before
        assert (measured(source(stand_in), new=2)["web1"].values["times_before"] > 1.5) is grows, (after, before)


def test_pages_are_read_to_the_last_and_no_address_is_followed(stand_in: SentryStandIn) -> None:
    stand_in.known |= {NEW}
    stand_in.issues = [(str(number), NEW) for number in range(25)]
    stand_in.page = 10
    assert measured(source(stand_in))["web1"].values["new_issues"] == 25
    assert sum("/issues/" in asked for asked in stand_in.asked) == 3
    assert not any("elsewhere" in asked for asked in stand_in.asked)


@pytest.mark.parametrize(
    ("settings", "name"),
    [({}, NEW), ({"release": "shop@{tag}"}, "shop@v2"), ({"release": "x {release}"}, "x 20270115T080000Z-aaaa")],
)
def test_a_release_is_named_as_the_app_does(stand_in: SentryStandIn, settings: dict[str, str], name: str) -> None:
    stand_in.known |= {name}
    stand_in.issues = [("1", name)]
    assert measured(source(stand_in, **settings))["web1"].values["new_issues"] == 1


def test_a_release_that_nobody_heard_of_is_blind_and_not_without_errors(stand_in: SentryStandIn) -> None:
    answer = measured(source(stand_in))["web1"]
    assert answer.blind == f"it knows no release {NEW}" and "what the app's SDK sends" in answer.hint
    assert not answer.values
    branch = version_names(NEW, "r", "refs/heads/main")
    assert (
        "which release serves there is not known"
        in measured(source(stand_in, release="{tag}"), names=branch)["web1"].blind
    )


WHOLE = {"data": [[0, [{"count": 1}]]]}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"issues": (401, {"detail": "Invalid token"})}, "the token is not accepted: it answered 401, Invalid token"),
        (
            {"releases": (403, {"detail": "no permission"})},
            "the token may not read that: it answered 403, no permission",
        ),
        ({"issues": (404, {"detail": "gone"})}, "there is no organization acme, or no project shop in it, gone"),
        ({"events-stats": (429, {"detail": "slow down"})}, "it was asked too often: it answered 429, slow down"),
        ({"events-stats": (503, "<html>")}, "it answered 503"),
        ({"issues": (302, "")}, "it answered 302"),
        ({"issues": (200, "<html>Sign in</html>")}, "its answer is none of the API"),
        ({"issues": (200, "")}, "its answer is none of the API"),
        ({"issues": (200, {"detail": "x"})}, "its answer is none of the API"),
        ({"issues": (200, [{"no": "id"}])}, "its answer is none of the API"),
        ({"events-stats": (200, {})}, "its answer is none of the API"),
        ({"events-stats": (200, {"data": []})}, "its answer does not cover the time that was asked for"),
        ({"events-stats": (200, WHOLE)}, "its answer does not cover the time that was asked for"),
        ({"events-stats": (200, {"data": [[1, [{"count": -1}]]]})}, "its answer is none of the API"),
        ({"events-stats": (200, {"data": [["x", 5]]})}, "its answer is none of the API"),
        ({"releases": (200, {"version": "other"})}, "its answer is none of the API"),
        ({"issues": "hang"}, "it did not answer in time"),
    ],
)
def test_what_a_stand_in_of_sentry_says_wrongly_is_blind(stand_in: SentryStandIn, fault: Any, says: str) -> None:
    stand_in.known |= {NEW}
    stand_in.fault = fault
    answer = measured(source(stand_in, timeout="1s"))["web1"]
    assert says in answer.blind and not answer.values, answer
    assert TOKEN not in answer.blind + answer.hint


def test_a_wrong_token_and_a_server_that_is_away_are_blind(
    stand_in: SentryStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_TOKEN", "other")
    assert "it answered 401" in measured(source(stand_in))["web1"].blind
    stand_in.shutdown()
    stand_in.server_close()
    assert "it cannot be reached" in measured(source(stand_in))["web1"].blind


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"release": "v1"}, "its release names none of"),
        ({"organization": ""}, "say which organization"),
        ({"api": "bugsink", "organization": "", "project": "shop"}, "a project of Bugsink is a number"),
        ({"api": "bugsink", "project": "1"}, "has neither organizations nor environments"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str], says: str) -> None:
    known = {"kind": "sentry", "organization": "acme", "project": "shop", "token": "env:T"}
    with pytest.raises(ValidationError, match=says):
        Sentry.model_validate({**known, **settings})


@pytest.fixture(scope="module")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BugsinkServer]:
    programs = installed()
    if programs is None:
        pytest.skip("Bugsink cannot be installed here: pip has no index that has it")
    made = BugsinkServer(programs, tmp_path_factory.mktemp("bugsink"))
    yield made
    made.stop()


def test_new_issues_and_events_of_a_real_bugsink(bugsink: BugsinkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_TOKEN", bugsink.token)
    settings = {"kind": "sentry", "api": "bugsink", "url": bugsink.url, "project": bugsink.project}
    mine = Sentry.model_validate({**settings, "token": "env:SENTRY_TOKEN", "release": "shop@{tag}"})
    bugsink.report("shop@v1", "old trouble", "old trouble")
    answer = measured(mine)["web1"]
    assert answer.blind == "it knows no release shop@v2"
    switch = time.time()
    bugsink.report("shop@v2", "old trouble", *["new trouble"] * 12)
    bugsink.report("shop@v1", "old trouble", "trouble of the old hosts")
    seconds = time.time() - switch
    answer = measured(mine, window=Window(-seconds, -0.001), since=-seconds)["web1"]
    assert answer.blind == "", answer
    assert answer.values["new_issues"] == 1, "what another release has as well is not new in it"
    assert answer.values["events_per_minute"] == pytest.approx(13 / seconds * 60, rel=0.05)
    assert "13 events" in answer.about and "2 of others in 10 min before" in answer.about
    assert answer.values["times_before"] > 2
    monkeypatch.setenv("SENTRY_TOKEN", "0" * 40)
    assert "the token is not accepted: it answered 401" in measured(mine)["web1"].blind
    monkeypatch.setenv("SENTRY_TOKEN", bugsink.token)
    assert "there is no project 77" in measured(mine.model_copy(update={"project": "77"}))["web1"].blind


def test_pages_of_a_real_bugsink_are_read_to_the_last(bugsink: BugsinkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_TOKEN", bugsink.token)
    settings = {"kind": "sentry", "api": "bugsink", "url": bugsink.url, "project": bugsink.project}
    mine = Sentry.model_validate({**settings, "token": "env:SENTRY_TOKEN", "release": "shop@{tag}"})
    names = version_names(NEW, "r", "refs/tags/v3")
    bugsink.report("shop@v3", *["many of one kind"] * 260)
    answer = measured(mine, names=names, window=Window(-600.0, -0.001))["web1"]
    assert "1 new, 260 events" in answer.about, answer
