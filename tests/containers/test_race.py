"""Two deploys at the same moment: exactly one runs, the other is told whose run is in its way, and no lock is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.containers.fleet import Fleet
from tests.containers.project import Project, Ran, Running
from tests.containers.tiny import GO, WAIT, Tiny, journal, make_repository, wait_until
from tests.containers.units import Layout

# More of them, without hosts: tests/engine/test_locks.py.
TIMES = 5


@pytest.fixture(scope="module")
def tiny(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    make_repository(fleet, tmp_path_factory.mktemp("repository"))
    layout: Layout = "releases"
    app = Tiny(fleet, tmp_path_factory.mktemp("race") / "project", layout)
    app.begin_on("v1")
    yield app
    app.clear()


def first_to_end(both: list[Running]) -> tuple[Running, Running]:
    """The one that ended, and the other."""
    wait_until(lambda: any(fab.process.poll() is not None for fab in both), "one of the two ends", 60)
    ended = next(fab for fab in both if fab.process.poll() is not None)
    return ended, next(fab for fab in both if fab is not ended)


def run_of(ran: Ran) -> str:
    """The id of a run, from its plan."""
    return ran.out.partition("run ")[2].split(":")[0].split()[0]


def test_of_two_deploys_exactly_one_runs(tiny: Tiny) -> None:
    # The winner's build goes on until the loser has ended, so neither can come too late.
    tiny.app["build"] = [WAIT]
    winners = set()
    for number in range(TIMES):
        tiny.everywhere(lambda machine: machine.check(f"rm -f {GO}"))
        ref = ("v2", "v3")[number % 2]
        both = [tiny.start(ref, "--force", "--message", f"{who} {number}") for who in ("ada", "bob")]
        with both[0], both[1]:
            loser, winner = first_to_end(both)
            lost = loser.finish()
            tiny.go_on()
            won = winner.finish()
        assert (won.code, lost.code) == (0, 4), f"{won.said}\n{lost.said}"
        name = ("ada", "bob")[both.index(winner)]
        winners.add(name)
        owner = "api1: tiny is locked by ada@"
        assert owner in lost.err and f"run {run_of(won)} ({name} {number})" in lost.err, lost.said
        assert "nothing was changed" in lost.err and "Traceback" not in lost.said
        assert tiny.stands() == tiny.all_on(ref), won.said
        for machine in tiny.machines():
            last = [entry for entry in journal(machine) if entry["event"] == "release"][-1]
            assert (last["run"], last["verdict"]) == (run_of(won), "good")
            assert run_of(lost) not in {entry["run"] for entry in journal(machine)}


def test_a_deploy_planned_before_another_one_changed_the_hosts_is_refused(tiny: Tiny, fleet: Fleet) -> None:
    tiny.begin_on("v1")
    # Its secret is fetched between its survey and its lock, and does not come before the other has ended.
    go = tiny.project.folder / "go"
    slow = Project(tiny.project.folder.parent / "slow", fleet, tiny.layout)
    wait = f"for i in $(seq 90); do [ ! -e {go} ] || break; sleep 0.1; done; echo hush"
    slow.inventory = {
        **tiny.inventory,
        "apps": {"tiny": {**tiny.app, "secrets": {"S": f"cmd:touch {go}.asked; {wait}"}}},
    }
    with slow.start_fab("-H", "prod", "deploy", "--ref", "v3") as late:
        wait_until(lambda: go.with_name("go.asked").exists(), "its secret is asked for")
        other = tiny.deploy("v2", "--message", "meanwhile")
        go.touch()
        ran = late.finish()
    assert other.code == 0, other.said
    assert ran.code == 4, ran.said
    assert "tiny was changed by ada@" in ran.err and run_of(other) in ran.err, ran.said
    assert tiny.stands() == tiny.all_on("v2")
