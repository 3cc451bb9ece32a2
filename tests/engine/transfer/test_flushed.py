"""A file that could not be flushed to disk is not put in place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockstitch.errors import ExitCode
from tests.engine.transfer.carried import Place, parts


@pytest.mark.parametrize("size", [5, 10_000_000], ids=["small", "flushed beside its checksum"])
def test_a_disk_that_does_not_take_it(place: Place, tmp_path: Path, size: int) -> None:
    (tmp_path / "new").write_bytes(bytes(size))
    (place.home / "there").write_bytes(b"old")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sync").write_text("#!/bin/sh\necho 'input/output error'; exit 1\n")
    (programs / "sync").chmod(0o755)
    place.local.env["PATH"] = f"{programs}:{os.environ['PATH']}"
    done, _ = place.put(tmp_path / "new", "there")
    assert done.code is ExitCode.CHECK_SAID_NO and done.words.startswith("api1: ./there could not be put in place")
    assert "input/output error" in done.words
    assert (place.home / "there").read_bytes() == b"old" and not parts(place.home)
    del place.local.env["PATH"]
    done, _ = place.put(tmp_path / "new", "there")
    assert done.code is ExitCode.DONE, done.words
    assert (place.home / "there").stat().st_size == size
