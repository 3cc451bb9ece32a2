"""A deploy that fails, whatever in it fails: every host is back on the old revision and serves it; it is said why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.containers import truth
from tests.containers.edits import (
    BROKEN_IMPORT,
    FAILING_BUILD,
    FAILING_HEALTH,
    FAILING_MIGRATION,
    FAILING_TEST,
    Change,
    Edit,
)
from tests.containers.fleet import Fleet
from tests.containers.project import APPS, GROUPS, Project, Ran
from tests.containers.repos import commit_change, make_repository, publish
from tests.containers.truth import APP_OF, Standing
from tests.containers.units import LAYOUTS, Layout

UNWELL = "/var/tmp/unwell"
UNWELL_HERE = {
    "api": Edit("main.py", "HEALTHY = True", f'HEALTHY = not Path("{UNWELL}").exists()'),
    "webapp": Edit("app.js", "HEALTHY = true", f'HEALTHY = !fs.existsSync("{UNWELL}")'),
}


@dataclass(frozen=True)
class Fault:
    """What fails on the branch of that name: the step or gate, and words of what it says."""

    branch: str
    fails: str
    says: str


API = [
    Fault(BROKEN_IMPORT, "test", "a_module_that_is_nowhere"),
    Fault(FAILING_TEST, "test", "FAILED (failures=1)"),
    Fault(FAILING_BUILD, "build", "no compiler on this host"),
    Fault(FAILING_MIGRATION, "migrate", "no such table: nowhere"),
    Fault(FAILING_HEALTH, "gate health", "answered 503"),
]
# What a worker says that dies while it loads, PM2 keeps nowhere.
DIES = Fault(BROKEN_IMPORT, "reload", "the first instance with the new code does not stay up")
UNWELL_WEBAPP = Fault(FAILING_HEALTH, "gate health", "answered 503")


def lasting(standing: dict[str, Standing]) -> dict[str, Standing]:
    """What a reload does not change."""
    return {name: replace(each, started=0.0, pids=frozenset()) for name, each in standing.items()}


class Standstill:
    """The whole fleet on v2, where it is again after every deploy that fails."""

    def __init__(self, project: Project, revisions: dict[str, dict[str, str]]) -> None:
        self.project, self.fleet, self.revisions = project, project.fleet, revisions
        self.layout, self.hosts = project.layout, project.hosts
        ran = project.deploy("v2")
        assert ran.code == 0, ran.said
        self.before = truth.everywhere(self.fleet, self.hosts)
        assert {name: each.serves for name, each in self.before.items()} == self.on("v2")
        self.masters = self.now_masters()

    def on(self, ref: str) -> dict[str, str]:
        return {name: self.revisions[APP_OF[name]][ref] for name in self.hosts}

    def now_masters(self) -> dict[str, list[int]]:
        return {name: sorted(each.pid for each in truth.masters_of(self.fleet[name])) for name in self.hosts}

    def assert_back(self, ran: Ran, group: str, ref: str, verdict: str = "bad") -> None:
        """Read by other means: every host serves what it served, from where it did, with the masters it had."""
        assert ran.code == 5, ran.said
        now = truth.everywhere(self.fleet, self.hosts)
        if "GOING BACK" in ran.out:
            # Workers are new ones, and of the old revision.
            assert lasting(now) == lasting(self.before), ran.said
            self.before = now
        assert now == self.before, ran.said
        assert all(each.locks == () for each in now.values())
        assert self.now_masters() == self.masters, ran.said
        assert "every host is back where it was" in ran.out and "Traceback" not in ran.err, ran.said
        app, names = APPS[group], GROUPS[group]
        for name in names:
            last = [entry for entry in truth.journal(self.fleet[name], app) if entry["event"] == "release"][-1]
            assert (last["revision"], last["verdict"]) == (self.revisions[app][ref], verdict)
            assert last["by"].startswith("ada@")

    def assert_said(self, ran: Ran, host: str, fails: str, says: str, *, everywhere: bool = True) -> None:
        """The end of the output, the controller's journal and the host's tell what failed, where and why."""
        end = ran.out[ran.out.index("GOING BACK" if "GOING BACK" in ran.out else "nothing that users can see") :]
        events = list(self.project.events())
        app = APP_OF[host]
        outcome = events[-1]
        assert (outcome["event"], outcome["exit_code"]) == ("outcome", 5)
        failure = outcome["failures"][0]
        if not fails.startswith("gate") and everywhere:
            # It fails on each host of the group, and the first one ends the work of the others.
            (names,) = (names for names in GROUPS.values() if host in names)
            assert failure["host"] in names
            host = failure["host"]
        assert (failure["host"], failure["app"], failure["what"]) == (host, app, fails)
        record = [entry for entry in truth.journal(self.fleet[host], app) if entry["event"] == "release"][-1]
        if fails.startswith("gate"):
            assert says in end and says in failure["reason"] and says in record["reason"], ran.said
            assert any(e["event"] == "gate" and e["answer"] == "fail" and says in e["reason"] for e in events)
        else:
            assert f"the last lines of `{fails}`" in end and says in end, ran.said
            assert any(says in line for line in failure["output"])
            ended = [
                e for e in truth.journal(self.fleet[host], app) if e["event"] == "end" and e["run"] == record["run"]
            ]
            assert [e["code"] for e in ended if e["step"] == fails][-1] != 0
            assert f"`{fails}` ended with exit code" in record["reason"]

    def assert_passed_twice(self, *hosts: str, ran: Ran) -> None:
        """These had passed both gates with the new revision, and did again with the old one."""
        passed = [e["site"] for e in self.project.events() if e["event"] == "gate" and e["answer"] == "pass"]
        assert all(passed.count(f"{APP_OF[host]}@{host}") == 4 for host in hosts), ran.said


@pytest.fixture(scope="module")
def revisions(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Repositories of these tests' own: their `main` is unwell where a file says so."""
    folder = tmp_path_factory.mktemp("failures")
    made = {}
    for app, edit in UNWELL_HERE.items():
        repository = make_repository(app, folder)
        main = commit_change(repository, Change("Be unwell on some hosts", [edit]))
        publish(fleet, repository, f"{app}-failures")
        made[app] = {**repository.revisions, "main": main}
    return made


@pytest.fixture(scope="module", params=LAYOUTS)
def still(
    fleet: Fleet,
    revisions: dict[str, dict[str, str]],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Standstill]:
    layout: Layout = request.param
    truth.reset(fleet)
    truth.with_units(fleet, layout)
    project = Project(tmp_path_factory.mktemp("failures") / "project", fleet, layout)
    if layout == "in_place":
        # What fails there fails on backends.
        del project.inventory["groups"]["frontend"]
    for app in revisions:
        project.app(app)["repository"] = fleet.clone_url(f"{app}-failures")
        project.app(app)["health"]["tries"] = 3
    yield Standstill(project, revisions)
    truth.reset(fleet)


@pytest.mark.parametrize("fault", API, ids=[fault.branch for fault in API])
def test_the_api_fails_and_every_host_is_back(still: Standstill, fault: Fault) -> None:
    ran = still.project.deploy(fault.branch, on="prod:backend")
    still.assert_back(ran, "backend", fault.branch)
    still.assert_said(ran, "api1", fault.fails, fault.says)
    assert "the last lines of /var/log/gunicorn/error.log:" in ran.out


@pytest.mark.parametrize("still", ["releases"], indirect=True)
def test_the_web_app_dies_while_it_loads_and_every_host_is_back(still: Standstill) -> None:
    # Nothing but PM2 itself looks at the new code.
    test = still.project.app("webapp").pop("test")
    ran = still.project.deploy(DIES.branch, on="prod:frontend")
    still.project.app("webapp")["test"] = test
    still.assert_back(ran, "frontend", DIES.branch)
    still.assert_said(ran, "web1", DIES.fails, DIES.says)


@pytest.mark.parametrize("still", ["releases"], indirect=True)
def test_the_web_app_is_unwell_and_every_host_is_back(still: Standstill) -> None:
    ran = still.project.deploy(UNWELL_WEBAPP.branch, on="prod:frontend")
    still.assert_back(ran, "frontend", UNWELL_WEBAPP.branch)
    still.assert_said(ran, "web1", UNWELL_WEBAPP.fails, UNWELL_WEBAPP.says)


@pytest.mark.parametrize("still", ["releases"], indirect=True)
def test_what_the_tests_let_through_the_check_before_the_reload_does_not(still: Standstill) -> None:
    test = still.project.app("api").pop("test")
    ran = still.project.deploy(BROKEN_IMPORT, on="prod:backend")
    still.project.app("api")["test"] = test
    still.assert_back(ran, "backend", BROKEN_IMPORT)
    still.assert_said(ran, "api1", "check", "a_module_that_is_nowhere")
    assert "gunicorn --check-config refused the new code" in ran.said


@pytest.mark.parametrize("still", ["in_place"], indirect=True)
def test_the_second_wave_fails_and_the_first_goes_back(still: Standstill) -> None:
    still.fleet["api2"].check(f"touch {UNWELL}")
    ran = still.project.deploy("main", on="prod:backend")
    still.fleet["api2"].check(f"rm {UNWELL}")
    still.assert_back(ran, "backend", "main")
    still.assert_said(ran, "api2", "gate health", "answered 503")
    still.assert_passed_twice("api1", ran=ran)


@pytest.mark.parametrize("still", ["releases"], indirect=True)
def test_the_last_host_of_the_last_group_fails_and_every_group_goes_back(still: Standstill) -> None:
    still.fleet["web2"].check(f"touch {UNWELL}")
    ran = still.project.deploy("main")
    still.fleet["web2"].check(f"rm {UNWELL}")
    # Of the api nothing is known: it went back for the web app's sake.
    for group, verdict in {"backend": "unknown", "frontend": "bad"}.items():
        still.assert_back(ran, group, "main", verdict)
    still.assert_said(ran, "web2", "gate health", "answered 503")
    still.assert_passed_twice("api1", "api2", "web1", ran=ran)


@pytest.mark.parametrize("still", ["in_place"], indirect=True)
def test_a_build_that_fails_on_one_host_only(still: Standstill) -> None:
    still.project.app("api")["build"].append(f"[ ! -e {UNWELL} ] || ! grep 3.0.0 main.py || {{ echo no way; exit 3; }}")
    still.fleet["api2"].check(f"touch {UNWELL}")
    ran = still.project.deploy("v3", on="prod:backend")
    still.fleet["api2"].check(f"rm {UNWELL}")
    still.project.app("api")["build"].pop()
    still.assert_back(ran, "backend", "v3")
    still.assert_said(ran, "api2", "build 2/2", "no way", everywhere=False)


@pytest.mark.parametrize("still", ["releases"], indirect=True)
def test_a_host_that_cannot_be_put_back_is_named_with_what_to_type(still: Standstill) -> None:
    project, api2 = still.project, still.fleet["api2"]
    place = "/app/api/.git" if still.layout == "in_place" else "/app/api"
    project.app("api")["health"]["tries"] = 15
    api2.check(f"touch {UNWELL}")
    with project.start_fab("-H", "prod:backend", "deploy", "--ref", "main") as fab:
        fab.until("api2         api: gate health: not yet (1)")
        # From here on the user who deploys can change nothing there.
        api2.check(f"chown root {place} && chmod 755 {place}")
        ran = fab.finish()
    project.app("api")["health"]["tries"] = 3
    assert ran.code == 6, ran.said
    undone = "undo checkout" if still.layout == "in_place" else "undo activate"
    assert f"! api@api2: it could not be put back: `{undone}` ended with exit code" in ran.out, ran.said
    repair = f"fab -H prod:api2 rollback --only api --to {still.revisions['api']['v2'][:12]}"
    assert "ermission denied" in ran.out.partition("! api@api2")[2] and repair in ran.out, ran.said
    assert "the hosts below need a person" in ran.out and "next: fab -H prod:api2 status" in ran.out, ran.said
    now = truth.everywhere(still.fleet, still.hosts)
    assert lasting(now) == lasting({**still.before, "api2": now["api2"]}), ran.said
    assert (now["api2"].on_disk, now["api2"].locks) == (still.revisions["api"]["main"], ())
    # What it says to type tells the truth, and puts it right.
    asked = project.fab("-H", "prod:api2", "status")
    assert asked.code == 7 and still.revisions["api"]["main"][:8] in asked.out, asked.said
    api2.check(f"chown deploy {place} && chmod 2775 {place}; rm {UNWELL}")
    again = project.fab(*repair.split()[1:])
    assert again.code == 0, again.said
    assert {name: each.serves for name, each in truth.everywhere(still.fleet, still.hosts).items()} == still.on("v2")
