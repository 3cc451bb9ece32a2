"""Ways in which the files of a backup are not what they were, each with what is said of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

Damage = Callable[[Path], None]


def largest(folder: Path) -> Path:
    """The file with most of the dump in it."""
    return max((path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"), key=_size)


def _size(path: Path) -> tuple[int, str]:
    return path.stat().st_size, path.name


def flipped(share: float) -> Damage:
    """One bit is another, so far into the file."""

    def damage(folder: Path) -> None:
        file = largest(folder)
        data = bytearray(file.read_bytes())
        data[min(int(len(data) * share), len(data) - 1)] ^= 1
        file.write_bytes(data)

    return damage


def cut(left: float) -> Damage:
    """The file ends early; bytes rather than a share with a negative number."""

    def damage(folder: Path) -> None:
        file = largest(folder)
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * left) if left >= 0 else int(left)])

    return damage


def longer(folder: Path) -> None:
    with largest(folder).open("ab") as file:
        file.write(b"\0")


def without_file(folder: Path) -> None:
    largest(folder).unlink()


def extra_file(folder: Path) -> None:
    file = largest(folder)
    shutil.copy(file, file.with_name(f"database{file.suffix}.old" if file.parent == folder else "9999.dat.gz"))


def swapped_files(folder: Path) -> None:
    """Each whole, and one in the place of another."""
    first, second = sorted((folder / "database").glob("*.dat*"))[:2]
    first_data, second_data = first.read_bytes(), second.read_bytes()
    first.write_bytes(second_data)
    second.write_bytes(first_data)


def without_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("")


def cut_manifest(lines: int) -> Damage:
    """Only so many of its last lines are missing."""

    def damage(folder: Path) -> None:
        file = folder / "manifest.json"
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:-lines]))

    return damage


def half_manifest(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(file.read_text()[:-20])


def edited(pattern: str, new: str) -> Damage:
    """The manifest's first match of a pattern is something else."""

    def damage(folder: Path) -> None:
        file = folder / "manifest.json"
        text, found = re.subn(pattern, new, file.read_text(), count=1)
        assert found and text != file.read_text()
        file.write_text(text)

    return damage


def no_json(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\x00\x1e{}\n" * 5)


def unreadable_line(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(file.read_text().replace('"sha256":"', '"sha256":"zz', 1))


def resealed(folder: Path) -> None:
    """Make a manifest that was edited look as if it were whole, as somebody would who means it."""
    file = folder / "manifest.json"
    *lines, _ = file.read_text().splitlines(keepends=True)
    sealed = "".join(line for line in lines if not line.startswith('"proven":{'))
    file.write_text("".join(lines) + f'],"seal":"{sha256(sealed.encode()).hexdigest()}"}}\n')
    json.loads(file.read_text())
