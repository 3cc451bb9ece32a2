"""`runbook.import`, as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lockstitch.cli.runbook_import import import_runbook
from lockstitch.errors import UsageError
from tasks import namespace

MARKDOWN = Path(__file__).parents[1] / "runbooks" / "markdown"
Import = Callable[..., str]


@pytest.fixture
def imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    """Imports a file into a project, and returns what was printed."""

    def imported(file: object, name: str = "", *, dry: bool = False) -> str:
        import_runbook(SimpleNamespace(root=tmp_path, collection=namespace, dry=dry), str(file), name)  # type: ignore[arg-type]
        return capsys.readouterr().out

    return imported


def test_a_draft_is_written_and_what_harms_is_named(imported: Import, tmp_path: Path) -> None:
    said = imported(MARKDOWN / "hosts.md", "release")
    assert (tmp_path / "runbooks" / "release.yml").read_text().startswith("# A draft")
    assert "runbooks/release.yml: 7 stages: 3 run, 0 tell, 4 sign" in said
    assert "git reset --hard HEAD~1" in said and "fab --dry -H ENV runbook release" in said


def test_nothing_is_written_over_or_by_a_dry_run(imported: Import, tmp_path: Path) -> None:
    assert imported(MARKDOWN / "hosts.md", dry=True).startswith("# A draft")
    assert not (tmp_path / "runbooks").exists()
    imported(MARKDOWN / "hosts.md")
    with pytest.raises(UsageError, match="runbooks/hosts.yml is there already"):
        imported(MARKDOWN / "hosts.md")


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (None, "", "cannot be read"),
        (b"\xff\xfe\x00", "", "is not UTF-8 text"),
        (b"only words", "", "has no steps"),
        (b"- [ ] x", "../release", "is no name"),
        (b"x" * (1024 * 1024 + 1), "", "is longer than 1 MiB"),
    ],
)
def test_what_cannot_be_imported(imported: Import, tmp_path: Path, content: bytes | None, name: str, says: str) -> None:
    file = tmp_path / "notes.md"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=says):
        imported(file, name)
    assert not (tmp_path / "runbooks").exists()
