"""What must be true after a `fab`: of the hosts, read without Lockstitch, and of what Lockstitch says of them."""

from __future__ import annotations

from collections.abc import Sequence

from tests.containers import truth
from tests.containers.project import PATHS, Project, Ran
from tests.containers.repos import Repository

Repositories = dict[str, Repository]


def done(ran: Ran) -> None:
    """It ended well and said so."""
    assert ran.code == 0, ran.said
    assert "Traceback" not in ran.said, ran.said


def fleet_on(ref: str, project: Project, repositories: Repositories, *, since: float | None = None) -> None:
    """Every host of the project is on a version."""
    hosts_on(dict.fromkeys(project.hosts, ref), project, repositories, since=since)


def hosts_on(
    wanted: dict[str, str], project: Project, repositories: Repositories, *, since: float | None = None, tag: str = ""
) -> None:
    """Each host serves its version from where it should, nothing is locked, and `status` says just that."""
    found = truth.everywhere(project.fleet, list(wanted))
    told = project.status("prod:" + ",prod:".join(wanted))
    for name, ref in wanted.items():
        app, host = truth.APP_OF[name], found[name]
        revision = repositories[app].revisions[ref]
        assert (host.serves, host.on_disk) == (revision, revision), name
        assert host.folders == {host.release}, f"{name}: {host}"
        assert host.locks == (), f"{name}: {host}"
        assert since is None or host.started >= since, f"{name}: {host} is older than {since}"
        site = told[name, app]
        assert (site["revision"], site["serving"], site["lock"]) == (revision, True, None), site
        assert set(site["pids"]) == host.pids, f"{site} {host}"
        assert site["tag"] == (tag or ref), site
        assert site["differs"] == (len({wanted[n] for n in wanted if truth.APP_OF[n] == app}) > 1), site
        if project.layout == "releases":
            assert host.release == f"{PATHS[app]}/releases/{site['release']}", f"{site} {host}"


def kept(refs: Sequence[str], project: Project, repositories: Repositories) -> None:
    """With layout `releases`, the folders of these versions are on every host, oldest first, and no others."""
    if project.layout == "in_place":
        return
    for name in project.hosts:
        app = truth.APP_OF[name]
        machine = project.fleet[name]
        there = [
            machine.check(f"cat {PATHS[app]}/releases/{each}/REVISION").strip() for each in truth.releases(machine, app)
        ]
        assert there == [repositories[app].revisions[ref] for ref in refs], name


def history(newest: Sequence[tuple[str, str]], project: Project, repositories: Repositories) -> None:
    """`fab history` begins with these versions and what became of them, for each app, as the hosts' journals say."""
    told = project.fab("-H", "prod", "history", "--json").json["entries"]
    for app in dict.fromkeys(truth.APP_OF[name] for name in project.hosts):
        wanted = [(repositories[app].revisions[ref], verdict) for ref, verdict in newest]
        mine = [(line["revision"], line["verdict"]) for line in told if line["app"] == app and line["verdict"]]
        # What one run wrote in one second has no order.
        assert sorted(mine[: len(wanted)]) == sorted(wanted), mine
        for name in (name for name in project.hosts if truth.APP_OF[name] == app):
            assert sorted(truth.verdicts(project.fleet[name], app)[-len(wanted) :]) == sorted(wanted), name
