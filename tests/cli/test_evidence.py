"""The facts of this machine about a repository's host."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fabric import Config

from lockstitch.cli.evidence import _ssh_host
from lockstitch.evidence import UnknownEvidenceError


def test_an_alias_is_what_openssh_takes_it_for(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host work\n  HostName github.com\nHost *.corp\n  HostName %h.example.com\n")
    session: Any = SimpleNamespace(c=SimpleNamespace(config=Config(runtime_ssh_path=str(file))))
    names = ("work", "git.corp", "github.com")
    assert [_ssh_host(session, name) for name in names] == ["github.com", "git.corp.example.com", "github.com"]
    file.write_text("Host work\n  HostNam github.com\n")
    with pytest.raises(UnknownEvidenceError, match="work of a repository: ssh cannot read its configuration"):
        _ssh_host(session, "work")
