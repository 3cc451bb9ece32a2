"""Who is down at the same time, over random groups and rollouts: never a whole group, and each host once."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lockstitch import plans
from lockstitch.facts.packages import Boot
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.plan import Plan
from lockstitch.plans.rollout import at_most, never_all
from lockstitch.services.state import ServiceState

REVISION = "a" * 40
APP = {
    "repository": "r",
    "layout": "in_place",
    "service": {"kind": "command", "reload": ":", "status": ":", "stop": ":"},
}

amounts = st.one_of(st.integers(1, 6), st.integers(1, 100).map(lambda n: f"{n}%"), st.just("all"))
rollouts = st.fixed_dictionaries({"canary": st.one_of(st.integers(0, 3), st.just("30%")), "batch": amounts})
hosts = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)
groups = st.lists(st.tuples(hosts, rollouts), min_size=1, max_size=3)


def fleet_of(groups: list[tuple[list[str], dict[str, Any]]]) -> Fleet:
    inventory = {
        "groups": {f"g{n}": {"hosts": h, "apps": [f"app{n}"], "rollout": r} for n, (h, r) in enumerate(groups)},
        "apps": {f"app{n}": {**APP, "path": f"srv/app{n}"} for n in range(len(groups))},
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "box.yml").write_text(json.dumps(inventory))
        (fleet,) = select(InventoryFolder(Path(folder)), "box").fleets
    return fleet


def survey_of(fleet: Fleet, down: set[str]) -> Survey:
    place = CheckoutFacts(True, REVISION)
    return Survey(
        {
            site: Facts(site, place, HostFacts(), ServiceState(site.host not in down, processes=()))
            for site in plans.sites(fleet)
        }
    )


def visible(plan: Plan, app: str) -> list[list[str]]:
    return [[unit.site.host for unit in wave.site_plans] for wave in plan.waves if wave.site_plans[0].site.app == app]


@settings(max_examples=60, deadline=None)
@given(groups=groups, down=st.sets(st.sampled_from("abcdef"), max_size=3), verb=st.sampled_from(["restart", "reload"]))
def test_a_restart_never_takes_a_whole_group_down_and_meets_each_host_once(
    groups: list[Any], down: set[str], verb: plans.Verb
) -> None:
    fleet = fleet_of(groups)
    plan = plans.service(fleet, survey_of(fleet, down), plans.ServiceChange("run", "ada", verb))
    for n, (names, _) in enumerate(groups):
        parts = visible(plan, f"app{n}")
        assert sorted(host for part in parts for host in part) == sorted(names)
        assert all(len(part) < len(names) for part in parts) or len(names) == 1
        order = [host in down for part in parts for host in part]
        assert order == sorted(order, reverse=True), "who does not serve comes first"
    assert all(wave.keep_on_failure and wave.visible for wave in plan.waves)


@settings(max_examples=60, deadline=None)
@given(groups=groups, down=st.sets(st.sampled_from("abcdef"), max_size=3))
def test_stop_and_start_meet_only_those_that_are_not_so_already(groups: list[Any], down: set[str]) -> None:
    fleet = fleet_of(groups)
    found = survey_of(fleet, down)
    for verb, wanted in (("stop", False), ("start", True)):
        plan = plans.service(fleet, found, plans.ServiceChange("run", "ada", verb))  # type: ignore[arg-type]
        met = [str(unit.site) for wave in plan.waves for unit in wave.site_plans]
        assert sorted(met) == sorted(str(site) for site in found.facts if (site.host in down) == wanted)


@settings(max_examples=60, deadline=None)
@given(groups=groups)
def test_a_reboot_meets_each_host_once_and_never_a_whole_group(groups: list[Any]) -> None:
    fleet = fleet_of(groups)
    turns = plans.RollingHosts("run", "ada", "box", fleet.hosts, fleet, survey_of(fleet, set()))
    plan = plans.reboot(turns, {host.name: Boot("one") for host in fleet.hosts})
    parts = visible(plan, "machine")
    assert sorted(host for part in parts for host in part) == sorted(host.name for host in fleet.hosts)
    for names, _ in groups:
        assert len(names) == 1 or not any(set(names) <= set(part) for part in parts)
    # The wave after each asks every app of its hosts.
    asked = [str(unit.site) for wave in plan.waves for unit in wave.site_plans if not unit.site.machine]
    assert sorted(asked) == sorted(map(str, plans.sites(fleet)))


def test_who_does_not_serve_is_nobody_to_fall_back_on() -> None:
    """One of three has nothing deployed, or does not serve: the two others are not away at the same time."""
    fleet = fleet_of([(["a", "b", "c"], {"canary": 0, "batch": "all"})])
    found = survey_of(fleet, set())
    (bare,) = [site for site in found.facts if site.host == "c"]
    empty = Survey({**found.facts, bare: Facts(bare, CheckoutFacts(), HostFacts(), ServiceState(False))})
    assert visible(plans.service(fleet, empty, plans.ServiceChange("run", "ada", "restart")), "app0") == [["a"], ["b"]]
    for asked in (empty, survey_of(fleet, {"c"})):
        turns = plans.RollingHosts("run", "ada", "box", fleet.hosts[:2], fleet, asked)
        plan = plans.reboot(turns, {host.name: Boot("one") for host in fleet.hosts})
        assert visible(plan, "machine") == [["a"], ["b"]]
        assert not any("no other host serves" in note for note in plan.notes)


@given(
    part=st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True),
    groups=st.lists(st.lists(st.integers(0, 9), min_size=2, unique=True), max_size=3),
)
def test_waves_are_halved_only_where_a_group_would_be_gone(part: list[int], groups: list[list[int]]) -> None:
    made = never_all([part], groups)
    assert [one for some in made for one in some] == part
    assert not any(set(group) <= set(some) for group in groups for some in made)
    if not any(set(group) <= set(part) for group in groups):
        assert made == (tuple(part),)


@given(part=st.lists(st.integers(0, 9), max_size=10), most=st.integers(1, 5))
def test_no_wave_has_more_than_it_may(part: list[int], most: int) -> None:
    made = at_most([part], most)
    assert [one for some in made for one in some] == part
    assert all(1 <= len(some) <= most for some in made)
