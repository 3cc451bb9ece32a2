"""Record the state of hosts as the version of this checkout writes it: `python -m tests.engine.states.record FILE`.

Run it in a checkout of the version that is meant, with this file copied there. The hosts have had two good deploys and
one that failed; a run that was cut off still holds the lock of one site. `test_earlier_version.py` reads the result.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

from tests.engine.world import World, commit, copied, make_repository

# Paths in links and in git's configuration begin with this; the test puts its own folder there.
ROOT = Path("/tmp/lockstitch-state")


def record(file: Path) -> None:
    """Write the state of both layouts into a compressed archive."""
    ROOT.mkdir()
    try:
        make_repository(ROOT / "template" / "origin", ("v1", "v2"))
        commit(ROOT / "template" / "origin", "broken-v3")
        for layout in ("in_place", "releases"):
            world = copied(ROOT / "template" / "origin", ROOT / layout, layout)
            codes = [world.deploy(version).code for version in ("v1", "v2", "broken-v3")]
            assert codes == [0, 0, 5], codes
            hold(world)
        shutil.rmtree(ROOT / "template")
        _drop_hooks(ROOT)
        with tarfile.open(file, "w:xz") as archive:
            archive.add(ROOT, ".")
    finally:
        shutil.rmtree(ROOT)


def hold(world: World) -> None:
    """Leave the lock of one site held, as a run does that is cut off."""
    info = {"run": "20260101T000009Z-0009", "by": "grace@desk", "message": "deploy", "at": "2026-01-01T00:00:09Z"}
    (world.state("c", "web") / "lock.json").write_text(json.dumps(info, separators=(",", ":")) + "\n")


def _drop_hooks(root: Path) -> None:
    """Remove the samples that git puts into each repository."""
    for folder, _, _ in os.walk(root):
        if Path(folder).name == "hooks" and (Path(folder).parent / "HEAD").exists():
            shutil.rmtree(folder)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
