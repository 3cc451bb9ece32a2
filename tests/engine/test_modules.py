"""Submodules and Git LFS in both layouts: what a repository refers to is there, at the commit it pins, and goes back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lockstitch.errors import CheckError
from lockstitch.report.plan import plan_text
from tests.engine import lfs
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, commit, git, make_repository

HERE = ("a", "api")
ALLOW = ("-c", "protocol.file.allow=always")


@pytest.fixture
def nested(world: World) -> World:
    """A world whose v5 has the submodule `vendor/my lib`, which has `deep`; both by addresses relative to the repository."""
    make_repository(world.root / "deep", ("d1", "d2"))
    make_repository(world.root / "lib", ("l1", "l2"))
    git(world.root / "lib", *ALLOW, "submodule", "add", "-q", "../deep", "deep")
    commit(world.root / "lib", "l3", **{".gitattributes": "secret export-ignore\n", "secret": "x\n"})
    world.git(*ALLOW, "submodule", "add", "-q", "--name", "my lib", "../lib", "vendor/my lib")
    world.commit("v5")
    return world


def pin(world: World, lib: str, version: str) -> None:
    """Commit a version of the repository that pins its submodule somewhere else."""
    at = world.repository / "vendor" / "my lib"
    git(at, "fetch", "-q", "--prune", "--tags", "origin")
    git(at, "checkout", "-q", "--detach", lib)
    world.commit(version)


def there(world: World) -> tuple[str, str]:
    """The versions of the submodule and of its own one that lie where the app is current."""
    path = world.path(*HERE) / ("." if world.layout == "in_place" else "current") / "vendor" / "my lib"
    files = (path / "VERSION", path / "deep" / "VERSION")
    return files[0].read_text().strip(), files[1].read_text().strip() if files[1].exists() else ""


def deploy(world: World, ref: str) -> str:
    """Deploy to the one site; what the plan said."""
    plan = world.plan_deploy(ref, "box:a")
    ended = world.run(plan)
    assert ended.code == 0, ended.outcome
    return plan_text(plan)


def test_submodules_are_there_at_the_commits_that_are_pinned_and_go_back_without_a_server(nested: World) -> None:
    world = nested
    deploy(world, "v4")
    path = world.path(*HERE)
    assert f"submodule vendor/my lib comes in at {git(world.root / 'lib', 'rev-parse', 'l3')[:8]}" in deploy(
        world, "v5"
    )
    assert there(world) == ("l3", "d2")
    pin(world, "l2", "v6")
    assert "submodule vendor/my lib goes from" in deploy(world, "v6")
    assert there(world) == ("l2", "")
    # Its address moves, and a branch there becomes a folder of itself.
    git(world.root / "lib", "branch", "-m", "main", "main-old")
    git(world.root / "lib", "branch", "main/x", "main-old")
    (world.root / "lib").rename(world.root / "moved")
    world.git("config", "-f", ".gitmodules", "submodule.my lib.url", "../moved")
    git(world.repository / "vendor" / "my lib", "remote", "set-url", "origin", str(world.root / "moved"))
    git(world.root / "moved", "checkout", "-q", "main/x")
    commit(world.root / "moved", "l4")
    pin(world, "l4", "v7")
    deploy(world, "v7")
    assert there(world) == ("l4", "d2")
    if world.layout == "releases":
        assert not list((path / "releases").rglob(".git"))
        assert not (path / "current" / "vendor" / "my lib" / "secret").exists(), "export-ignore"
        for old in (path / "releases").glob(f"*{world.rev('v5')[:12]}"):
            old.rename(world.root / "pruned")
    for name in ("origin", "deep", "moved"):
        (world.root / name).rename(world.root / f"{name}.away")
    for version, versions in (("v6", ("l2", "")), ("v5", ("l3", "d2"))):
        assert world.rollback(f"refs/tags/{version}", "box:a").code == 0
        assert there(world) == versions
    assert world.layout == "releases" or world.git("status", "--porcelain", at=path) == ""


def test_a_submodule_that_becomes_a_folder_and_a_folder_that_becomes_a_submodule(nested: World) -> None:
    world = nested
    deploy(world, "v5")
    world.git("rm", "-q", "vendor/my lib", ".gitmodules")
    (world.repository / "vendor" / "my lib").mkdir(parents=True)
    world.commit("v6", **{"vendor/my lib/VERSION": "ours\n"})
    assert "submodule vendor/my lib goes" in deploy(world, "v6")
    assert there(world) == ("ours", "")
    deploy(world, "v5")
    assert there(world) == ("l3", "d2")


def test_a_submodule_that_cannot_be_had_goes_back_before_anything_is_seen(nested: World) -> None:
    world = nested
    deploy(world, "v5")
    pin(world, "l2", "v6")
    git(world.repository / "vendor" / "my lib", "commit", "-q", "--allow-empty", "-m", "never pushed")
    world.commit("v7")
    ended = world.deploy("v7", "box:a")
    assert ended.code == 5, ended.outcome
    (failure,) = ended.outcome.failures
    assert failure.what == "fetch"
    assert any("the submodule vendor/my lib at" in line for line in failure.output)
    assert there(world) == ("l3", "d2")


@pytest.mark.parametrize("entry", ['[submodule "../../x"]', '[submodule "x"]'], ids=["name", "protocol"])
def test_what_git_refuses_of_gitmodules_is_refused(make_world: MakeWorld, entry: str, tmp_path: Path) -> None:
    world = make_world("releases")
    pinned = world.rev("v1")
    world.git("update-index", "--add", "--cacheinfo", f"160000,{pinned},sub")
    (world.repository / "sub").mkdir()
    url = f"ext::sh -c touch% {tmp_path}/ran"
    (world.repository / ".gitmodules").write_text(f'{entry}\n\tpath = sub\n\turl = "{url}"\n')
    world.git("add", ".gitmodules")
    world.git("commit", "-qm", "bad")
    ended = world.deploy("main", "box:a")
    assert ended.code == 5
    assert not (tmp_path / "ran").exists() and not (world.path(*HERE) / "x").exists()


FILTER = ("-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.clean=git-lfs clean -- %f")


def large(world: World, *versions: str) -> None:
    """Commit versions of the repository with a file that is kept in Git LFS."""
    for version in versions:
        (world.repository / ".gitattributes").write_text(
            "# nothing but this:\n*.bin filter=lfs diff=lfs merge=lfs -text\n"
        )
        (world.repository / "large.bin").write_text(f"large {version}\n")
        world.git(*FILTER, "add", "large.bin", ".gitattributes")
        world.git(*FILTER, "commit", "-qm", version)
        (world.repository / "VERSION").write_text(version)
        world.git(*FILTER, "commit", "-qam", f"release {version}")
        world.git("tag", version)


def test_files_in_git_lfs_are_there_and_go_back_without_a_server(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    program = lfs.folder()
    if program is None:
        pytest.skip("no git-lfs can be had")
    monkeypatch.setenv("PATH", f"{program}:{os.environ['PATH']}")
    large(world, "v5", "v6")
    world.url = f"file://{world.repository}"
    path = world.path(*HERE)
    file = path / ("." if world.layout == "in_place" else "current") / "large.bin"
    for version in ("v5", "v6"):
        deploy(world, version)
        assert file.read_text() == f"large {version}\n"
    world.repository.rename(world.root / "away")
    for old in (path / "releases").glob("*"):
        if world.layout == "releases" and old != (path / "current").resolve():
            old.rename(world.root / "pruned")
    assert world.rollback("refs/tags/v5", "box:a").code == 0
    assert file.read_text() == "large v5\n"
    assert world.layout == "releases" or world.git(*FILTER, "status", "--porcelain", at=path) == ""


@pytest.mark.skipif(shutil.which("git-lfs") is not None, reason="git-lfs is installed here")
def test_a_host_without_git_lfs_is_refused_before_the_first_deploy_and_before_the_next(world: World) -> None:
    (world.repository / "assets").mkdir()
    world.commit("v5", **{"assets/.gitattributes": "*.bin -text filter=lfs\n"})
    with pytest.raises(CheckError, match="a: api: `git-lfs` is not found on this host") as refused:
        world.plan_deploy("v5", "box:a")
    assert refused.value.exit_code == 7 and not world.path(*HERE).exists()
    deploy(world, "v4")
    with pytest.raises(CheckError, match="`git-lfs` is not found"):
        world.plan_deploy("main", "box:a")
    # Where the survey cannot know it, in a submodule, nothing that serves has changed yet.
    make_repository(world.root / "lib", ("l1",))
    commit(world.root / "lib", "l2", **{".gitattributes": "*.bin filter=lfs\n"})
    world.git("checkout", "-q", "v4")
    world.git(*ALLOW, "submodule", "add", "-q", "../lib", "lib")
    world.commit("v6")
    ended = world.deploy("v6", "box:a")
    assert ended.code == 5 and world.revision(*HERE) == world.rev("v4")
    (failure,) = ended.outcome.failures
    assert failure.what == "fetch" and "git-lfs is not found on this host" in failure.output[-1]
