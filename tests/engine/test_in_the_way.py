"""Changes that people left in a checkout: listed before anything is changed, kept when it goes, and back when a run fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstitch.errors import CheckError, HostLostError
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.report.outcome import outcome_text
from lockstitch.report.plan import plan_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, commit, git

Put = Callable[[Path], object]


def write(name: str, text: str = "precious") -> Put:
    def put(at: Path) -> None:
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(text)

    return put


def state(at: Path) -> dict[str, str]:
    """Everything in a checkout but git's own folder and what is built, links as what they say."""
    return {
        str(p.relative_to(at)): f"-> {os.readlink(p)}" if p.is_symlink() else f"{p.stat().st_mode:o} {p.read_text()}"
        for p in sorted(at.rglob("*"))
        if not {".git", "built"} & {*p.relative_to(at).parts} and (p.is_symlink() or p.is_file())
    }


def target(world: World, version: str) -> None:
    """A commit that has something at each of these paths."""
    for folder in ("conf", "dir", "deep/er"):
        (world.repository / folder).mkdir(parents=True, exist_ok=True)
    files = ["new.cfg", ".env", "-x", "conf/a b", "dir/file", "deep/er/é\nx", "place", "linked", "tracked"]
    for name in files:
        (world.repository / name).write_text("from the commit\n")
    (world.repository / "storage").symlink_to("dir")
    commit(world.repository, version)


STANDING: dict[str, tuple[Put, list[str]]] = {
    "untracked": (write("new.cfg"), ["new.cfg"]),
    "ignored": (lambda at: (write(".env")(at), write(".git/info/exclude", ".env\n")(at)), [".env"]),
    "like an option": (write("-x"), ["-x"]),
    "of an odd name": (lambda at: (write("deep/er/é\nx")(at), write("conf/a b")(at)), ["conf/a b", "deep/er/é?x"]),
    "a file where a folder comes": (write("dir"), ["dir"]),
    "a folder where a file comes": (write("place/upload"), ["place/"]),
    "a folder where a link comes": (write("storage/deep/upload"), ["storage/"]),
    "a link where a folder comes": (lambda at: (at / "conf").symlink_to("/etc"), ["conf"]),
    "a link where a file comes": (lambda at: (at / "linked").symlink_to("/nowhere"), ["linked"]),
    "a repository": (lambda at: git(at, "init", "-q", "place"), ["place/"]),
    "taken for unchanged": (
        lambda at: (git(at, "update-index", "--assume-unchanged", "VERSION"), write("VERSION", "by hand")(at)),
        ["VERSION"],
    ),
    "skipped": (
        lambda at: (git(at, "update-index", "--skip-worktree", "VERSION"), write("VERSION", "by hand")(at)),
        ["VERSION"],
    ),
    "changed, staged, removed": (
        lambda at: (
            write("VERSION", "by hand")(at),
            write("staged")(at),
            git(at, "add", "staged"),
            git(at, "rm", "-q", "--cached", ".gitignore"),
        ),
        ["VERSION", "staged", ".gitignore"],
    ),
    "nothing that is in the way": (lambda at: (write("other")(at), write("conf/other")(at)), []),
}


@pytest.mark.parametrize("kind", STANDING)
def test_what_stands_in_the_way_is_listed_kept_and_put_back(make_world: MakeWorld, kind: str) -> None:
    world = make_world("in_place").given("v1")
    at = world.path("a", "api")
    put, names = STANDING[kind]
    put(at)
    before, index = state(at), git(at, "ls-files", "-s")
    flags = git(at, "ls-files", "-v")
    target(world, "wanted")
    (world.repository / "broken").write_text("")
    world.commit("broken")
    if not names:
        assert world.deploy("wanted", "box:a").code == 0
        assert state(at).items() > {k: v for k, v in before.items() if "other" in k}.items()
        return
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("wanted", "box:a")
    lines = [line.strip() for line in refused.value.message.split("\n")]
    assert all(any(line.endswith(name) for line in lines) for name in names)
    assert refused.value.exit_code == 7
    assert state(at) == before

    plan = world.plan_deploy("broken", "box:a", discard=True)
    assert all(name in plan_text(plan) for name in names)
    assert world.run(plan).code == 5
    assert state(at) == before
    assert (git(at, "ls-files", "-s"), git(at, "ls-files", "-v")) == (index, flags)
    assert git(at, "rev-parse", "HEAD") == world.rev("v1")

    ended = world.deploy("wanted", "box:a", discard=True)
    assert ended.code == 0, ended.outcome
    (kept,) = (world.state("a", "api") / "aside").iterdir()
    assert kept.name == ended.outcome.plan.run
    told = outcome_text(ended.outcome)
    assert f"aside/{ended.outcome.plan.run}: " in told
    assert all(name in told for name in names)
    mine = {
        name: text for name, text in before.items() if f"{name}/".startswith(tuple(f"{n.rstrip('/')}/" for n in names))
    }
    assert {name: text for name, text in state(kept / "files").items() if name in mine} == mine
    assert (at / "new.cfg").read_text() == "from the commit\n"


def test_a_rollback_keeps_what_stands_in_its_way(make_world: MakeWorld) -> None:
    world = make_world("in_place")
    target(world, "old")
    git(world.repository, "rm", "-rq", "new.cfg", "dir")
    world.commit("new")
    for version in ("old", "new"):
        assert world.deploy(version, "box:a").code == 0
    at = world.path("a", "api")
    write("new.cfg")(at)
    write("dir")(at)
    for to in ("", "old"):
        with pytest.raises(CheckError, match="does not track, and that this would write over"):
            world.plan_rollback(to, "box:a")
    ended = world.rollback("", "box:a", discard=True)
    assert ended.code == 0, ended.outcome
    kept = world.state("a", "api") / "aside" / ended.outcome.plan.run / "files"
    assert [(kept / name).read_text() for name in ("new.cfg", "dir")] == ["precious", "precious"]


def test_every_host_is_asked_what_stands_in_its_way(make_world: MakeWorld) -> None:
    world = make_world("in_place").given("v1")
    target(world, "wanted")
    write("new.cfg")(world.path("b", "api"))
    write(".env")(world.path("c", "web"))
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("wanted")
    text = refused.value.message
    assert [name in text for name in ("b: api", "c: web", "a: api", "b: web")] == [True, True, False, False]


def test_changes_are_kept_as_a_patch_as_well(make_world: MakeWorld) -> None:
    world = make_world("in_place").given("v1")
    at = world.path("a", "api")
    write("VERSION", "by hand\n")(at)
    ended = world.deploy("v2", "box:a", discard=True)
    assert ended.code == 0
    patch = world.state("a", "api") / "aside" / ended.outcome.plan.run / "changes.patch"
    git(at, "checkout", "-q", world.rev("v1"))
    git(at, "apply", str(patch))
    assert (at / "VERSION").read_text() == "by hand\n"


def test_what_came_into_the_way_after_the_survey_is_not_written_over(make_world: MakeWorld) -> None:
    world = make_world("in_place").given("v1")
    at = world.path("a", "api")
    target(world, "wanted")
    plan = world.plan_deploy("wanted", "box:a", discard=True)
    STANDING["ignored"][0](at)
    before = state(at)
    assert world.run(plan).code != 0
    assert state(at)[".env"] == before[".env"]


def test_a_folder_of_git_that_becomes_a_file_keeps_what_else_lies_in_it(make_world: MakeWorld) -> None:
    world = make_world("in_place")
    target(world, "old")
    git(world.repository, "rm", "-rq", "dir")
    world.commit("new", dir="a file now\n")
    assert world.deploy("old", "box:a").code == 0
    at = world.path("a", "api")
    write("dir/local")(at)
    with pytest.raises(CheckError, match="    dir/local\n"):
        world.plan_deploy("new", "box:a")
    ended = world.deploy("new", "box:a", discard=True)
    assert ended.code == 0, ended.outcome
    assert (at / "dir").read_text() == "a file now\n"
    assert (world.state("a", "api") / "aside" / ended.outcome.plan.run / "files/dir/local").read_text() == "precious"


def test_a_host_lost_before_anything_was_set_aside_keeps_its_changes(make_world: MakeWorld) -> None:
    """Every step counts as begun then: the way back must not check out over what was never kept."""
    world = make_world("in_place").given("v1")
    at = world.path("a", "api")
    write("VERSION", "by hand\n")(at)
    plan = world.plan_deploy("v2", "box:a", discard=True)
    lost = [HostLostError("a", "the connection dropped")]

    def fault(host: Host, script: Script) -> None:
        if lost and any(step.name == "set aside" for step in script.steps):
            raise lost.pop()

    world.remote.faults.append(fault)
    assert world.run(plan).code in (5, 6)
    assert not lost
    assert (at / "VERSION").read_text() == "by hand\n"
