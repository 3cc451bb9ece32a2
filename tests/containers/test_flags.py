"""Feature flags in environment files on real hosts: gunicorn behind a unit, and PM2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.containers import expect, truth
from tests.containers.env_files import file_of, shared_env
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import PATHS, Project

FLAG = {"variable": "PHASE_1_PERCENT", "steps": [{"to": 10, "for": "1s"}, {"to": 50}]}
SETTINGS = "# kept as it is\nTOKEN='a b'\n"

pytestmark = pytest.mark.parametrize("layout", ["releases"])


@pytest.fixture
def flagged(project: Project, fleet: Fleet) -> Iterator[Project]:
    """A project whose two apps have a flag in their shared `.env`, which nothing but the unit of gunicorn reads."""
    for app in sorted(set(truth.APP_OF.values())):
        project.app(app)["flags"] = {"PHASE_1": FLAG}
    with shared_env(project, fleet, SETTINGS):
        yield project


def test_a_flag_reaches_every_worker_of_gunicorn_and_goes_back(flagged: Project, fleet: Fleet) -> None:
    expect.done(flagged.deploy("v1", on="prod:backend"))
    ran = flagged.fab("-H", "prod:backend", "flag.rollout", "PHASE_1")
    expect.done(ran)
    for machine in fleet.backends:
        assert file_of(machine, "api") == f"{SETTINGS}PHASE_1_PERCENT=50\n"
        assert environments(machine) == {"PHASE_1_PERCENT=50"}
    told = flagged.fab("-H", "prod:backend", "flag.status", "--json")
    assert (told.code, {row["value"] for row in told.json["flags"]}) == (0, {"50"}), told.said

    # What is in the file by hand is not in the workers: it is told, and set again it is there.
    fleet.backends[1].check(f"sed -i s/PERCENT=50/PERCENT=51/ {PATHS['api']}/shared/.env")
    told = flagged.fab("-H", "prod:backend", "flag.status")
    assert told.code == 7 and "the hosts differ" in told.out, told.said
    expect.done(flagged.fab("-H", "prod:backend", "flag.undo", "PHASE_1"))
    for machine in fleet.backends:
        assert file_of(machine, "api") == SETTINGS
        assert environments(machine) == set()


def environments(machine: Machine) -> set[str]:
    """The flag in the environment of the master and of each worker of gunicorn; all have the same, or none."""
    pids = [process.pid for process in truth.masters_of(machine)]
    (master,) = pids
    text = machine.check(
        f"for p in {master} $(pgrep -P {master}); do tr '\\0' '\\n' </proc/$p/environ | grep ^PHASE_1_PERCENT= || echo; done"
    )
    lines = text.rstrip("\n").split("\n") if text.strip() else [""]
    assert len(set(lines)) == 1, lines
    return set(lines) - {""}


def test_a_flag_reaches_every_instance_of_pm2_and_goes_back(flagged: Project, fleet: Fleet) -> None:
    webs = [fleet[name] for name, app in truth.APP_OF.items() if app == "webapp"]
    expect.done(flagged.deploy("v1", on="prod:frontend"))
    expect.done(flagged.fab("-H", "prod:frontend", "flag.rollout", "PHASE_1"))
    for machine in webs:
        assert file_of(machine, "webapp") == f"{SETTINGS}PHASE_1_PERCENT=50\n"
        assert instances(machine) == {"50"}
    # The next release has it as well.
    expect.done(flagged.deploy("v2", on="prod:frontend"))
    assert [instances(machine) for machine in webs] == [{"50"}, {"50"}]
    expect.done(flagged.fab("-H", "prod:frontend", "flag.undo", "PHASE_1"))
    assert [instances(machine) for machine in webs] == [{"undefined"}, {"undefined"}], "as it was: unset"


def instances(machine: Machine) -> set[str]:
    """The value that each instance of PM2 was started with."""
    ask = """
        su deploy -c 'pm2 jlist' | grep '^\\[{' | node -e 'let t = ""; process.stdin.on("data", (d) => t += d)
            .on("end", () => JSON.parse(t).forEach((p) => console.log(p.pm2_env.PHASE_1_PERCENT)))'"""
    return set(machine.check(ask).split())
