"""Hosts as an earlier version left them: this one sees what is there, frees a lock that was left, and goes back."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.engine.locks import break_locks
from lockstitch.errors import LockHeldError
from lockstitch.model.layout import LayoutKind
from lockstitch.report.status import SiteStates, status_text
from tests.engine.states.record import ROOT
from tests.engine.world import SITES, World

STATES = sorted((Path(__file__).parent / "states").glob("*.tar.xz"))


@pytest.fixture(params=STATES, ids=lambda path: path.name.partition(".")[0])
def found(request: pytest.FixtureRequest, tmp_path: Path, layout: LayoutKind) -> World:
    """The hosts as they were recorded, where v1 and v2 were deployed, and v3 failed."""
    subprocess.run(["tar", "-xf", str(request.param), "-C", str(tmp_path)], check=True, timeout=60)
    for path in tmp_path.rglob("*"):
        if path.is_symlink() and (to := os.readlink(path)).startswith(str(ROOT)):
            path.unlink()
            path.symlink_to(to.replace(str(ROOT), str(tmp_path)))
        elif path.name == "config":
            path.write_text(path.read_text().replace(str(ROOT), str(tmp_path)))
    return World(tmp_path / layout, layout, tmp_path / "given")


def test_status_sees_what_an_earlier_version_deployed(found: World) -> None:
    asked = found.surveyed(plans.usual_asks(found.fleet()))
    assert not asked.unreachable and not asked.unreadable
    for site, facts in asked.facts.items():
        assert facts.place.revision == found.rev("v2"), site
        assert facts.as_recorded and facts.last_good and facts.last_good.verdict == "good"
        known = [(release.revision, release.verdict) for release in facts.releases]
        assert known[:2] == [(found.rev("v1"), "good"), (found.rev("v2"), "good")], site
        assert known[2:] in ([], [(found.rev("broken-v3"), "bad")]), site
    apps = {(host.name, app.name): app for host, app in found.fleet().sites()}
    serving = {site: apps[site.host, site.app].service.judge(facts.service) for site, facts in asked.facts.items()}
    assert all(verdict.passed for verdict in serving.values())
    shown = status_text(asked, SiteStates(serving), datetime.now(UTC))
    assert shown.count(f"  {found.rev('v2')[:8]}  ") == len(SITES), shown
    assert "grace@desk" in shown, shown


def test_a_release_of_an_earlier_version_is_rolled_back(found: World) -> None:
    assert found.truth() == found.on("v2")
    with pytest.raises(LockHeldError, match="c: web is locked by grace@desk"):
        found.rollback()
    fleet = found.fleet()
    hosts = {host.name: host for host in fleet.hosts}
    held = [site for site in found.surveyed(plans.usual_asks(fleet)).facts if (site.host, site.app) == ("c", "web")]
    assert break_locks(found.remote, hosts, held, run="r", by="ada", message="it is dead")[held[0]].by == "grace@desk"
    ended = found.rollback()
    assert ended.code == 0, ended.outcome
    assert found.truth() == found.on("v1")
    assert not found.leftovers()
    for site in SITES:
        assert [verdict for verdict in found.verdicts(*site).values() if verdict != "bad"] == ["good", "left"]
    assert found.deploy("v2", force=True).code == 0
    assert found.truth() == found.on("v2")
