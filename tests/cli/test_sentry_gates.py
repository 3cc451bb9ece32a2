"""Gates on a stand-in of Sentry as they are typed: each judges the release that serves, or that is coming, by its name."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator
from tests.metrics.sentry_stand_in import TOKEN, SentryStandIn


@pytest.fixture
def stand_in() -> Iterator[SentryStandIn]:
    with SentryStandIn() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.ended.set()
        made.shutdown()


@pytest.fixture
def operator(deployed: Operator, stand_in: SentryStandIn) -> Iterator[Operator]:
    app = deployed.inventory["apps"]["app"]
    before = dict(app)
    known = {"kind": "sentry", "url": stand_in.url, "organization": "acme", "project": "7", "token": "env:SENTRY_TOKEN"}
    deployed.inventory["metrics"] = {"errors": known}
    deployed.env["SENTRY_TOKEN"] = TOKEN
    app["gates"] = {"new": {"source": "errors", "value": "new_issues", "max": 0}}
    app["rollback_on"] = {"new": {"over": 2, "for": "3s"}}
    yield deployed
    app.clear()
    app.update(before)
    del deployed.inventory["metrics"], deployed.env["SENTRY_TOKEN"]


def test_a_release_is_judged_by_its_own_name_from_the_survey_to_the_watch(
    operator: Operator, stand_in: SentryStandIn
) -> None:
    serving = commit(operator, "the one before")
    ran = operator.fab("deploy")
    assert ran.code == 0, ran.said
    unknown = operator.fab("gates")
    assert unknown.code == 7 and f"it knows no release {serving}" in unknown.said, unknown.said
    refused = operator.fab("deploy", "--pause", "3s", "--force")
    assert refused.code == 7 and f"it knows no release {serving}" in refused.said, refused.said

    stand_in.known.add(serving)
    stand_in.events = [(time.time(), serving)]
    read = operator.fab("metrics")
    assert read.code == 0 and f"release {serving}: 0 new" in read.out, read.said
    assert operator.fab("gates").code == 0

    coming = commit(operator, "one with a new issue")
    stand_in.known.add(coming)
    stand_in.issues = [("1", coming)]
    back = operator.fab("deploy", "--pause", "3s")
    assert back.code == 5 and "gate new of app fails: " in back.said and "new_issues is 1, at most 0" in back.said, (
        back.said
    )
    assert {site["revision"] for site in operator.fab("status", "--json").json["sites"]} == {serving}

    stand_in.issues = []
    good = commit(operator, "one without")
    stand_in.known.add(good)
    went = operator.fab("deploy", "--pause", "3s")
    assert went.code == 0, went.said
    with operator.start("watch", "--for", "10m", "--every", "1s") as watch:
        watch.until("gate new (rollback_on): pass", 30)
        stand_in.issues = [(str(number), good) for number in range(3)]
        ended = watch.finish(60)
    assert ended.code == 5 and "new_issues is 3, at most 2" in ended.said, ended.said
    assert TOKEN not in ran.said + back.said + went.said + ended.said
