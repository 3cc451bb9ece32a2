"""A measure as a gate of a deploy: what cannot be taken is known before, and what is open follows the rollout."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from lockstitch import plans
from lockstitch.engine import measure_turns
from lockstitch.engine.measure_turns import MeasureTurns
from lockstitch.engine.take_measures import MeasureJob
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.measures.timing import TimedRequests
from lockstitch.metrics.measurement import Durations
from lockstitch.model.command import Command
from lockstitch.model.gate import Gate, passed
from lockstitch.model.outcome import RunEvent
from lockstitch.model.plan import Change, Plan, SitePlan, Wave
from lockstitch.model.probe import Probe
from lockstitch.model.wave_watch import Decision, GateMeasured, Way
from tests.local import LocalRemote
from tests.measures.web import Web, serving

INVENTORY = """
groups: {{g: {{hosts: [a, b], apps: [api], rollout: {{unclear: {unclear}}}}}}}
apps:
  api:
    repository: git@example.com:acme/api.git
    path: srv/api
    service: {{kind: command, reload: "true", status: "true"}}
    measure:
      health: {{url: "{url}", p95: 5s, gate: true, rate: 200, requests: 60, concurrency: 20, warm_up: 0}}
"""
GATE = Gate("serving", Probe("serving", Command("true"), lambda text, code: code), lambda code: passed("it serves"))


def fleet(root: Path, url: str, unclear: str = "ask") -> Fleet:
    (root / "hosts").mkdir(exist_ok=True)
    (root / "hosts" / "prod.yml").write_text(INVENTORY.format(url=url, unclear=unclear))
    return select(InventoryFolder(root / "hosts"), "prod").fleets[0]


class Turns:
    """Host a has the new release and b the old one. What each answers is given; `order` is who was asked."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, failed: int) -> None:
        self.order: list[tuple[str, int, int]] = []
        self.events: list[RunEvent] = []
        self._root = root

        def take(remote: Any, jobs: list[MeasureJob], begin: int, end: int) -> list[TimedRequests]:
            (job,) = jobs
            self.order.append((job.host.name, begin, end))
            bad = failed if job.host.name == "a" else 0
            good = Durations(end - begin - bad, {10: end - begin - bad}, {5.0: 0})
            return [TimedRequests({"total": good}, bad)]

        monkeypatch.setattr(measure_turns, "take_samples", take)

    def compare(self, unclear: str, answer: Way | None) -> Decision:
        known = fleet(self._root, "http://localhost/", unclear)
        new, old = plans.sites(known)
        changes = tuple(Change(site, "1" * 40, "2" * 40, "r") for site in (new, old))
        plan = Plan("deploy", "run", "prod", "ada", "", (), changes=changes)
        turns = MeasureTurns(LocalRemote(self._root), known, plan, lambda decision: answer)
        first, second = (Wave("app", (SitePlan(site, (), (GATE,)),), visible=True) for site in (new, old))
        decision = turns.compare(first, (old,), self.events.append)
        asked = len(self.order)
        assert turns.compare(second, (new,), self.events.append).way is Way.ON and len(self.order) == asked
        return decision

    @property
    def event(self) -> GateMeasured:
        (event,) = (each for each in self.events if isinstance(each, GateMeasured))
        return event


def test_a_host_without_curl_is_known_before_the_deploy(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sh", "awk", "sed", "dd", "sleep", "cut", "head", "tr", "rm", "cat", "mkdir", "date"):
        if where := shutil.which(name):
            (tmp_path / "bin" / name).symlink_to(where)
    known = fleet(tmp_path, "http://localhost:1/")
    turns = MeasureTurns(LocalRemote(tmp_path, env={"PATH": str(tmp_path / "bin")}), known)
    says = list(turns.problems(plans.sites(known)[:1]))
    assert says == ["measure health of api@a is a gate, and cannot be taken: this host has no curl to ask with"]
    with serving(Web()) as web:
        assert not list(MeasureTurns(LocalRemote(tmp_path), fleet(tmp_path, web.url)).problems(plans.sites(known)))


def test_both_have_their_turns_and_who_is_first_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(tmp_path, monkeypatch, failed=0)
    assert turns.compare("ask", None).way is Way.ON
    assert "".join(host for host, _, _ in turns.order) == "baabbaabba"
    assert [span for host, *span in turns.order if host == "a"] == [[at, at + 20] for at in range(0, 100, 20)]
    event = turns.event
    assert (event.gate, event.answer, event.total, event.old_total, event.last) == (
        "measure health",
        "pass",
        100,
        100,
        True,
    )


def test_a_gate_of_one_host_alone_compares_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(tmp_path, monkeypatch, failed=0)
    own = "{{api: {{measure: {{own: {{url: 'http://localhost/', gate: true}}}}}}}}"
    monkeypatch.setitem(globals(), "INVENTORY", INVENTORY.replace("[a, b]", f"[{{{{name: a, override: {own}}}}}, b]"))
    assert turns.compare("ask", None).way is Way.ON
    assert turns.event.gate == "measure health", "the other one is compared"
    assert "own compares nothing: no host with the old release has this measure" in str(turns.events)


def test_what_is_worse_goes_back_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(tmp_path, monkeypatch, failed=4)
    decision = turns.compare("continue", Way.ON)
    assert (decision.way, decision.gate, turns.event.total) == (Way.BACK, "measure health", 100)
    assert decision.reason.startswith("measure health of api fails: p95")


@pytest.mark.parametrize(
    ("unclear", "answer", "way"),
    [
        ("ask", None, Way.BACK),
        ("ask", Way.ON, Way.ON),
        ("ask", Way.BACK, Way.BACK),
        ("fail", Way.ON, Way.BACK),
        ("continue", None, Way.ON),
    ],
)
def test_what_is_unclear_follows_the_rollout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unclear: str, answer: Way | None, way: Way
) -> None:
    """One of twenty fails: that is worse by 5 points, and whether by more cannot be told."""
    turns = Turns(tmp_path, monkeypatch, failed=1)
    assert turns.compare(unclear, answer).way is way
    assert (turns.event.answer, turns.event.total) == ("unclear", 800)
