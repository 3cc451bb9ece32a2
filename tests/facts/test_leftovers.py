"""What can go is found, planned and removed; programs of the system are small ones in their place."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.errors import ConnectError
from lockstitch.facts.disks import CLEAN_ARCHIVES, CLEAN_CACHES, Leftover, leftovers
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.command import Command
from lockstitch.services.state import ServiceState

RELEASES = tuple(f"2026010{n}T000000Z-aaaaaaaaaaa{n}" for n in range(1, 5))


class Home:
    """A home, and an `apt-get` that only notes what it was asked."""

    def __init__(self, root: Path) -> None:
        self.root, self.noted = root, root / "noted"
        (root / "bin").mkdir()
        for name in ("apt-get", "sudo"):
            (root / "bin" / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{self.noted}\n')
            (root / "bin" / name).chmod(0o755)

    def sh(self, command: Command, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        known = {"HOME": str(self.root), "PATH": path, **env}
        return subprocess.run(["sh", "-c", command.render()], env=known, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def filled(folder: Path, kib: int) -> None:
    folder.mkdir(parents=True)
    (folder / "content").write_bytes(os.urandom(kib * 1024))


def test_caches_and_releases_are_found_with_their_sizes_and_caches_are_removed(home: Home) -> None:
    filled(home.root / ".cache/pip", 300)
    filled(home.root / ".npm/_cacache", 40)
    filled(home.root / "releases" / RELEASES[0], 100)
    filled(home.root / "mine", 10)
    probe = leftovers(str(home.root / "releases"), RELEASES[:1])
    ran = home.sh(probe.command)
    sizes = {(item.kind, item.name): item.size for item in probe.parse(ran.stdout, ran.returncode)}
    assert sizes["cache", str(home.root / ".cache/pip")] >= 300
    assert sizes["cache", str(home.root / ".npm/_cacache")] >= 40
    assert sizes["release", RELEASES[0]] >= 100
    assert home.sh(Command(CLEAN_CACHES)).returncode == 0
    assert {path.name for path in home.root.iterdir()} - {"noted"} == {".cache", ".npm", "bin", "mine", "releases"}
    assert not (home.root / ".cache/pip").exists() and not (home.root / ".npm/_cacache").exists()


def test_a_cache_elsewhere_is_the_one_that_is_meant(home: Home) -> None:
    filled(home.root / "elsewhere/pip", 10)
    filled(home.root / ".cache/pip", 10)
    assert home.sh(Command(CLEAN_CACHES), XDG_CACHE_HOME=str(home.root / "elsewhere")).returncode == 0
    assert (home.root / ".cache/pip").exists() and not (home.root / "elsewhere/pip").exists()


def test_archives_are_removed_by_the_package_manager(home: Home) -> None:
    assert home.sh(Command(CLEAN_ARCHIVES)).returncode == 0
    become = "" if os.geteuid() == 0 else "sudo -n "
    assert home.noted.read_text().splitlines()[-1] == f"{become}apt-get -o DPkg::Lock::Timeout=60 clean"


INVENTORY = """
groups:
  one: {hosts: [a, b], apps: [api, web]}
apps:
  api: {path: srv/api, repository: r, layout: releases, keep: 2, service: {kind: command, reload: ':', status: ':'}}
  web: {path: srv/web, repository: r, layout: in_place, service: {kind: command, reload: ':', status: ':'}}
"""


@pytest.fixture
def cleaning(tmp_path: Path) -> plans.DiskCleanup:
    """Two apps on two hosts; of the four releases of one of them two are kept."""
    (tmp_path / "prod.yml").write_text(INVENTORY)
    (fleet,) = select(InventoryFolder(tmp_path), "prod").fleets
    good = [{"event": "release", "release": name, "revision": name[-12:], "verdict": "good"} for name in RELEASES]
    facts = {
        site: Facts(
            site,
            CheckoutFacts(True, "a" * 40, RELEASES[-1], RELEASES if site.app == "api" else ()),
            HostFacts(journal=tuple(good)),
            ServiceState(True),
        )
        for site in plans.sites(fleet)
    }
    return plans.DiskCleanup(fleet, Survey(facts), "run", "ada")


def test_only_releases_that_are_not_kept_are_asked_about(cleaning: plans.DiskCleanup) -> None:
    asked = {str(site): probe.command.values["ids"] for site, probe in cleaning.asks().items()}
    assert asked == {f"api@{h}": " ".join(RELEASES[:2]) for h in "ab"} | {f"web@{h}": "" for h in "ab"}


def test_what_two_apps_share_goes_once(cleaning: plans.DiskCleanup) -> None:
    shared = (Leftover("cache", 10, "/home/deploy/.cache/pip"), Leftover("archives", 20, "/var/cache/apt/archives"))
    own = Leftover("release", 5, RELEASES[0])
    leftovers = {site: (*shared, own) if site.app == "api" else shared for site in cleaning.asks()}
    plan = plans.clean(cleaning, leftovers)
    (wave,) = plan.waves
    assert {str(unit.site): [step.name for step in unit.steps] for unit in wave.site_plans} == {
        "api@a": ["prune", "caches", "archives"],
        "api@b": ["prune", "caches", "archives"],
    }
    assert wave.keep_on_failure and not wave.visible
    assert plan.notes[-1].startswith("in all ") and f"api@a: old release {RELEASES[0]}, 5.0 KiB" in plan.notes
    assert [str(unit.site) for unit in plan.finish] == ["api@a", "api@b"]


def test_nothing_found_is_nothing_done(cleaning: plans.DiskCleanup) -> None:
    assert plans.clean(cleaning, {}).empty
    assert plans.clean(cleaning, {site: (Leftover("cache", 0, "/x"),) for site in cleaning.asks()}).empty


def test_a_host_that_is_away_stops_it(cleaning: plans.DiskCleanup) -> None:
    away = replace(cleaning.survey, unreachable={"b": ConnectError("b", "no route")})
    with pytest.raises(ConnectError, match="no route"):
        replace(cleaning, survey=away).asks()
