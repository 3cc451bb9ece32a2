"""Files that all releases share are never removed by a release: not by links, not by a changed inventory, not by pruning."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lockstitch.errors import InventoryError
from lockstitch.model.removal import REMOVE
from tests.engine.conftest import MakeWorld
from tests.engine.world import World


def shared(world: World) -> Path:
    return world.path("a", "api") / "shared"


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_overlapping_paths_are_refused_before_any_host_is_asked(make_world: MakeWorld) -> None:
    world = make_world("releases").given("v1")
    (shared(world) / "storage/logs").mkdir()
    (shared(world) / "storage/logs/app.log").write_text("precious")
    world.settings["more"] = "shared: [storage, storage/logs]"
    with pytest.raises(InventoryError, match="'storage' and 'storage/logs' overlap"):
        world.deploy("v1", force=True)
    assert contents(shared(world)) == {"storage/logs/app.log": "precious"}


def test_an_inventory_that_shares_more_or_less_than_before_loses_nothing(make_world: MakeWorld) -> None:
    world = make_world("releases").given("v1")
    (shared(world) / "storage/logs").mkdir()
    (shared(world) / "storage/logs/app.log").write_text("precious")
    (shared(world) / "storage/upload").write_text("precious")
    before = contents(shared(world))
    for more in ("shared: [storage/logs]", "shared: [./storage//logs/app.log, storage/upload]", "shared: [storage]"):
        world.settings["more"] = more
        assert world.deploy("v1", "box:a", force=True).code == 0
        assert contents(shared(world)) == before
    assert (world.path("a", "api") / "current/storage/logs/app.log").read_text() == "precious"


def link(world: World, name: str, target: str) -> str:
    """A commit that holds a link."""
    path = world.repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return world.commit("linked")


@pytest.mark.parametrize(
    ("paths", "name", "target"),
    [
        ("data/logs", "data", "../../shared/storage"),
        ("data/logs", "data", "../../../api/shared"),
        ("a/b/logs", "a/b", "../../../shared/storage"),
        ("lib", "lib", "../../shared/storage"),
        ("lib", "lib", "lib"),
        ("etc/hostname", "etc", "/etc"),
    ],
)
def test_a_link_in_the_repository_that_leads_out_is_refused(
    make_world: MakeWorld, paths: str, name: str, target: str
) -> None:
    world = make_world("releases").given("v1")
    (shared(world) / "storage/logs").mkdir()
    (shared(world) / "storage/logs/app.log").write_text("precious")
    world.settings["more"] = f"shared: [{paths}]"
    link(world, name, target)
    ended = world.deploy("main")
    assert ended.code == 5
    assert any("link" in line or "there" in line for failure in ended.outcome.failures for line in failure.output)
    assert contents(shared(world)) == {"storage/logs/app.log": "precious"}
    assert world.truth() == world.on("v1")


def test_a_link_to_another_file_of_the_release_is_shared_with_its_contents(make_world: MakeWorld) -> None:
    world = make_world("releases", more="shared: [settings]")
    (world.repository / "settings.example").write_text("usual\n")
    link(world, "settings", "settings.example")
    assert world.deploy("main", "box:a").code == 0
    assert contents(shared(world)) == {"settings": "usual\n"}
    assert (world.path("a", "api") / "current/settings").resolve() == (shared(world) / "settings").resolve()


def test_a_link_named_as_our_own_file_is_not_written_through(make_world: MakeWorld) -> None:
    world = make_world("releases").given("v1")
    (shared(world) / "storage/upload").write_text("precious")
    link(world, "REVISION", "../../shared/storage/upload")
    assert world.deploy("main").code == 0
    assert contents(shared(world)) == {"storage/upload": "precious"}
    assert world.revision("a", "api") == world.rev("main")


@pytest.mark.parametrize("what", ["shared path", "shared", "releases"])
def test_a_release_that_holds_what_is_shared_stays(make_world: MakeWorld, what: str) -> None:
    """Somebody has moved the shared files into the oldest release, or the releases among the shared files."""
    world = make_world("releases").given("v1", "v2", "v3")
    files, oldest = shared(world), world.path("a", "api") / "releases" / world.releases("a", "api")[0]
    (files / "storage/upload").write_text("precious")
    if what == "shared path":
        (oldest / "storage").unlink()
        os.rename(files / "storage", oldest / "storage")
        (files / "storage").symlink_to(oldest / "storage")
    elif what == "shared":
        os.rename(files, oldest / "files")
        files.symlink_to(oldest / "files")
    else:
        os.rename(oldest.parent, files / "releases")
        oldest.parent.symlink_to("shared/releases")
    ended = world.deploy("v4", "box:a")
    assert ended.code == (5 if what == "releases" else 0)
    assert oldest.exists()
    assert (files / "storage/upload").read_text() == "precious"


def test_only_half_made_releases_of_our_own_are_swept(make_world: MakeWorld) -> None:
    world = make_world("releases").given("v1")
    releases = world.path("a", "api") / "releases"
    half, link, theirs = (releases / n for n in ("20250101T000000Z-abcdef.part", "20250102T000000Z-ab.part", "x.part"))
    half.mkdir()
    theirs.mkdir()
    link.symlink_to("../shared/storage")
    (shared(world) / "storage/upload").write_text("precious")
    assert world.deploy("v2").code == 0
    assert (half.exists(), link.is_symlink(), theirs.exists()) == (False, False, True)
    assert contents(shared(world)) == {"storage/upload": "precious"}


@pytest.mark.skipif(os.geteuid() != 0, reason="who mounts is root")
@pytest.mark.parametrize("name", ["plain", "with blank", "back\\slash", "a\\040b"])
def test_what_is_mounted_in_a_release_stays_whatever_its_path_is_called(name: str, tmp_path: Path) -> None:
    release = tmp_path / name / "release"
    (release / "data").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    script = f"""
mount -t tmpfs none "$1/data" || exit 77
echo precious >"$1/data/file"; paths=; shared=$2
{REMOVE}
ls_remove "$1"; cat "$1/data/file"
umount "$1/data"; ls_remove "$1"
"""
    words = ["unshare", "-m", "sh", "-c", script, "sh", str(release), str(tmp_path / "shared")]
    told = subprocess.run(words, capture_output=True, text=True)
    if told.returncode == 77:
        pytest.skip(f"nothing can be mounted here: {told.stderr.strip()}")
    assert told.stdout.startswith("something is mounted in ")
    assert told.stdout.endswith(": it is kept\nprecious\n")
    assert not release.exists()
