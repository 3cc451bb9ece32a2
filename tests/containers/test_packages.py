"""A real apt upgrades real packages from a repository of the test's own, one of whose parts is for security."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.containers import expect, truth
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project
from tests.containers.repos import Repository

Repositories = dict[str, Repository]
HOSTS = ("api1", "api2")
# Packages are `care-plain` (with a configuration file), `care-safe` (from the security part) and `care-harm`, whose
# new version stops the app.
MAKE = r"""
set -e
rm -rf /srv/care; mkdir -p /srv/care/plain /srv/care/safe /srv/care/old
make() {
    at=/srv/care/build/$1; rm -rf /srv/care/build; mkdir -p "$at/DEBIAN" "$at/etc"
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.com>\nDescription: test\n' \
        "$1" "$2" >"$at/DEBIAN/control"
    echo "setting of $2" >"$at/etc/$1.conf"; echo "/etc/$1.conf" >"$at/DEBIAN/conffiles"
    if [ "$1-$2" = care-harm-2 ]; then
        printf '#!/bin/sh\nsystemctl stop gunicorn\n' >"$at/DEBIAN/postinst"; chmod 755 "$at/DEBIAN/postinst"
    fi
    dpkg-deb --root-owner-group -b "$at" "/srv/care/$3/$1_$2.deb" >/dev/null
}
for name in care-plain care-safe care-harm; do make $name 1 old; done
dpkg -i /srv/care/old/*.deb >/dev/null
make care-plain 2 plain; make care-harm 2 plain; make care-safe 2 safe
for part in plain safe; do
    cd "/srv/care/$part"
    for deb in *.deb; do
        dpkg-deb -f "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
    done >Packages
    label=Debian; [ $part = plain ] || label=Debian-Security
    printf 'Origin: Debian\nLabel: %s\nSuite: stable\nCodename: care\nVersion: 12\nSHA256:\n %s %s Packages\n' \
        $label "$(sha256sum Packages | cut -d ' ' -f 1)" "$(stat -c %s Packages)" >Release
done
mkdir -p /srv/care/sources
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do [ ! -e "$file" ] || mv "$file" /srv/care/sources/; done
printf 'deb [trusted=yes] file:/srv/care/%s ./\n' plain safe >/etc/apt/sources.list
echo 'deploy ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/care; chmod 440 /etc/sudoers.d/care
echo "by hand" >>/etc/care-plain.conf
"""
CLEAR = r"""
dpkg --purge care-plain care-safe care-harm >/dev/null 2>&1
rm -f /etc/apt/sources.list /etc/sudoers.d/care
for file in /srv/care/sources/*; do case $file in
    *sources.list) mv "$file" /etc/apt/ ;; *'*') ;; *) mv "$file" /etc/apt/sources.list.d/ ;;
esac; done
rm -rf /srv/care /var/lib/apt/lists/*
"""

pytestmark = pytest.mark.parametrize("layout", ["releases"])


@pytest.fixture
def machines(fleet: Fleet) -> Iterator[Fleet]:
    for name in HOSTS:
        fleet[name].check(MAKE)
    yield fleet
    for name in HOSTS:
        fleet[name].check(CLEAR)


def versions(machine: Machine) -> dict[str, str]:
    lines = machine.check("dpkg-query -W -f '${Package} ${Version}\\n' 'care-*'").splitlines()
    return dict(line.split() for line in lines)


def test_packages_are_upgraded_host_after_host(project: Project, machines: Fleet, repositories: Repositories) -> None:
    expect.done(project.deploy("v1", on="prod:backend"))
    told = project.fab("-H", "prod:backend", "packages.updates", "--refresh", "--json")
    assert told.code == 0, told.said
    for name in HOSTS:
        updates = {update["name"]: update["security"] for update in told.json["hosts"][name]["updates"]}
        assert updates == {"care-plain": False, "care-safe": True, "care-harm": False}
    dry = project.fab("--dry", "-H", "prod:backend", "packages.upgrade")
    assert dry.code == 0, dry.said
    assert versions(machines["api1"])["care-plain"] == "1"

    ran = project.fab("-H", "prod:backend", "packages.upgrade", "--security")
    expect.done(ran)
    assert "upgraded care-safe 1 -> 2" in ran.out
    assert "api2: care-safe 1 -> 2" in ran.out
    for name in HOSTS:
        assert versions(machines[name]) == {"care-plain": "1", "care-safe": "2", "care-harm": "1"}

    expect.done(project.fab("-H", "prod:backend", "packages.upgrade", "--only", "care-plain"))
    assert machines["api2"].read("/etc/care-plain.conf") == b"setting of 1\nby hand\n"

    # What harms the app is met on one host only.
    harmed = project.fab("-H", "prod:backend", "packages.upgrade", "--json")
    assert harmed.code == 6, harmed.said
    assert {(one["host"], one["app"]): one["result"] for one in harmed.json["results"]} == {
        ("api1", "machine"): "done",
        ("api1", "api"): "see to it",
        ("api2", "machine"): "not begun",
        ("api2", "api"): "not begun",
    }
    assert versions(machines["api2"])["care-harm"] == "1"
    assert truth.served(machines["api2"]) == repositories["api"].revisions["v1"]
    assert all(truth.locks(machines[name]) == () for name in HOSTS)
