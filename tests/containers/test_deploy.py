"""Deploys of a fleet of real hosts, and what every one of them must leave behind."""

from __future__ import annotations

import pytest

from tests.containers import expect, truth
from tests.containers.fleet import Fleet
from tests.containers.project import Project
from tests.containers.repos import Repository

Repositories = dict[str, Repository]


def test_a_fleet_is_deployed_again_and_again_and_taken_back(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    if project.layout == "releases":
        project.with_one_frontend()
    else:
        # PM2 in place: test_deploy_traffic.
        del project.inventory["groups"]["frontend"]
    for ref in ("v1", "v2", "v3"):
        before = truth.uptime(fleet)
        expect.done(project.deploy(ref, "--message", f"on to {ref}"))
        expect.fleet_on(ref, project, repositories, since=before)
    expect.kept(("v2", "v3"), project, repositories)
    assert [truth.migrations(machine) for machine in fleet.backends] == [3, 0]

    before = truth.uptime(fleet)
    expect.done(project.rollback())
    expect.fleet_on("v2", project, repositories, since=before)

    # Gone from the disk with layout `releases`, so it is made again: from the host's clone, with no git server.
    before = truth.uptime(fleet)
    fleet["git"].pause()
    try:
        expect.done(project.rollback("--tag", "v1", "--message", "the first was best"))
    finally:
        fleet["git"].unpause()
    expect.fleet_on("v1", project, repositories, since=before)
    assert truth.migrations(fleet["api1"]) == 3
    expect.history([("v1", "good"), ("v2", "left"), ("v2", "good"), ("v3", "left")], project, repositories)


def test_hosts_on_different_revisions_are_brought_together_and_apart(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    backends = ("api1", "api2")
    expect.done(project.deploy("v1", on="prod:backend"))
    expect.done(project.deploy("v2", on="prod:api2"))
    expect.hosts_on({"api1": "v1", "api2": "v2"}, project, repositories)
    assert all(site["differs"] for site in project.status("prod:backend").values())

    refused = project.deploy("v3", "--tag-before", "mixed", on="prod:backend")
    assert refused.code == 7, refused.said
    assert "one tag cannot name" in refused.err

    ran = project.deploy("v3", on="prod:backend")
    expect.done(ran)
    assert "the hosts stand on different revisions now" in ran.out
    expect.hosts_on(dict.fromkeys(backends, "v3"), project, repositories)
    pids = {name: truth.standing(fleet, name).pids for name in backends}
    again = project.deploy("v3", on="prod:backend")
    expect.done(again)
    assert "nothing to do" in again.out
    assert {name: truth.standing(fleet, name).pids for name in backends} == pids

    # Each host goes back to its own last good one.
    expect.done(project.rollback(on="prod:backend"))
    expect.hosts_on({"api1": "v1", "api2": "v2"}, project, repositories)
    expect.done(project.rollback("--tag", "v1", on="prod:backend"))
    expect.hosts_on(dict.fromkeys(backends, "v1"), project, repositories)


@pytest.mark.parametrize("layout", ["releases"])
def test_what_was_running_is_tagged_in_every_clone_and_at_origin(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    expect.done(project.deploy("v1", on="prod:backend"))
    words = ["--tag-before", "before-two", "--message", 'faster; $(search) it\'s "quick"']
    try:
        expect.done(project.deploy("v2", *words, on="prod:backend"))
        clones = [(machine, "/app/api/repo.git") for machine in fleet.backends]
        for machine, clone in [*clones, (fleet["git"], "/srv/git/api.git")]:
            asked = "%(objecttype) %(*objectname) %(contents:subject)"
            tag = machine.check(f"git -c safe.directory='*' -C {clone} tag -l before-two --format='{asked}'")
            assert tag.strip() == f"tag {repositories['api'].revisions['v1']} {words[-1]}"
        expect.done(project.rollback("--tag", "before-two", on="prod:backend"))
        expect.hosts_on({"api1": "v1", "api2": "v1"}, project, repositories, tag="before-two")
    finally:
        fleet["git"].check("git -C /srv/git/api.git tag -d before-two", user="git")


@pytest.mark.parametrize("layout", ["releases"])
def test_hosts_behind_a_gateway_are_deployed_to_through_it(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    gateway = fleet["gw"]
    project.inventory["ssh"]["gateway"] = f"ops@127.0.0.1:{gateway.ssh_port}"
    for group in project.inventory["groups"].values():
        group["hosts"].pop(0)
        group["hosts"] = [{"name": host["name"], "address": fleet[host["name"]].address} for host in group["hosts"]]
    # A host's keys are not offered to its gateway: this one is for both.
    del project.inventory["ssh"]["identity_files"]
    expect.done(project.fab("-i", str(fleet.key.private), "-H", "prod", "deploy", "--ref", "v1"))
    assert {each.serves for each in truth.everywhere(fleet, project.hosts).values()} == {
        repositories[app].revisions["v1"] for app in ("api", "webapp")
    }
    came = "journalctl -u ssh --no-pager -o cat | grep 'Accepted publickey' | tail -n 1"
    assert f"for deploy from {gateway.address} " in fleet["web2"].check(came)
    assert "for ops from " in gateway.check(came)
