"""Files that were signed: what is kept of them, and what is told where they are not what was signed any more."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch.engine.runbooks.attachments import (
    MOST_BYTES,
    Attachment,
    keep_attachment,
    read_attachment,
    signed_files,
)
from lockstitch.errors import CheckError, UsageError
from tests.runbooks.test_statement import SIGNED


def recorded(runs: Path, attachment: Attachment, text: str = "") -> None:
    """Write the record of a run in which a file was signed."""
    statement = replace(SIGNED, file=attachment.name, file_hash=attachment.digest)
    event = {"event": "signed", "stage": "qa", "signer": "ana@example.com", "text": text or statement.text()}
    (runs / "r1").mkdir(parents=True, exist_ok=True)
    (runs / "r1/events.jsonl").write_text('{"event": "runbook"}\n' + json.dumps(event) + "\n")


@pytest.mark.parametrize("name", ["qa.pdf", "../../etc/passwd", ".hidden", "é \x1b[2J\n.txt", "-", "x" * 250])
def test_a_file_is_kept_beside_its_record_whatever_its_name_is(tmp_path: Path, name: str) -> None:
    attachment = Attachment(name, b"\0report\xff")
    recorded(tmp_path, attachment)
    keep_attachment(tmp_path / "r1", attachment)
    keep_attachment(tmp_path / "r1", attachment)
    (kept,) = signed_files(tmp_path, "r1")
    assert (kept.name, kept.digest, kept.signer, kept.stage) == (name, attachment.digest, "ana@example.com", "qa")
    assert (kept.content, kept.problem) == (b"\0report\xff", "")
    (path,) = (tmp_path / "r1/attachments").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def cut(path: Path) -> None:
    path.write_bytes(b"repor")


def larger(path: Path) -> None:
    os.truncate(path, MOST_BYTES + 1)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut, "it is not what was signed any more"),
        (larger, "it is not what was signed any more"),
        (Path.unlink, "it was not kept here"),
        (folder, "it cannot be read: is a directory"),
        (fifo, "it cannot be read: it is not a regular file"),
    ],
)
def test_a_file_that_is_not_what_was_signed_is_told(tmp_path: Path, damage: Callable[[Path], None], says: str) -> None:
    attachment = Attachment("qa.pdf", b"report")
    recorded(tmp_path, attachment)
    keep_attachment(tmp_path / "r1", attachment)
    damage(next((tmp_path / "r1/attachments").iterdir()))
    (kept,) = signed_files(tmp_path, "r1")
    assert kept.content == b"" and says in kept.problem


def test_a_signed_text_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    recorded(tmp_path, Attachment("qa.pdf", b""), "{")
    (kept,) = signed_files(tmp_path, "r1")
    assert "what was signed cannot be read: it is not JSON" in kept.problem
    assert signed_files(tmp_path, "r2") == ()


def test_a_file_is_read_up_to_the_size_that_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.touch()
    os.truncate(path, MOST_BYTES)
    assert read_attachment(str(path)).digest == hashlib.sha256(bytes(MOST_BYTES)).hexdigest()
    os.truncate(path, MOST_BYTES + 1)
    with pytest.raises(UsageError, match=r"report.pdf is larger than 10.0 MiB, and would not be kept; nothing was si"):
        read_attachment(str(path))
    fifo(path)
    for place in (path, tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match="cannot be read: "):
            read_attachment(str(place))


def test_a_file_that_cannot_be_kept_is_not_signed(tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("")
    with pytest.raises(CheckError, match=r"qa.pdf cannot be kept, and was not signed: file exists: /.*/attachments/"):
        keep_attachment(tmp_path, Attachment("qa.pdf", b"report"))
