"""The password of a database is in no command line, in no file, in nothing that is printed: only where psql looks."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote as percent

import pytest

from lockstitch.model.command import quote
from tests.containers.project import Ran
from tests.databases.conftest import MakeProject
from tests.databases.dialects import speaks
from tests.databases.project import Project, files
from tests.servers import APP, AWKWARD, LocalServer

WRONG = "wr'o\\ng% \"one$"


def forms(password: str) -> set[bytes]:
    """How it may be written."""
    encoded = percent(password, safe="")
    conninfo = password.replace("\\", "\\\\").replace("'", "\\'")
    written = {
        password,
        encoded,
        encoded.lower(),
        percent(password),
        quote(password),
        conninfo,
        password.replace("\\", "\\\\").replace('"', '\\"'),
        json.dumps(password)[1:-1],
    }
    return {form.encode() for form in written}


def children(pid: int) -> Iterator[int]:
    """Everything below a process, which is quicker to find than among all processes."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                yield child
                yield from children(child)


class Watch:
    """Looks at every process of a project's hosts, and at the command line of every `fab`, as often as it can."""

    def __init__(self, project: Project, *passwords: str) -> None:
        self.found: set[str] = set()
        self.seen: set[str] = set()
        self._forms = set().union(*map(forms, passwords))
        self._may = speaks(project.server).sees_password
        self._host = project.sandbox.host(project.host).pid
        self._fab: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def of(self, fab: int) -> None:
        self._fab = fab

    def _look(self) -> None:
        while not self._stop.is_set():
            for pid in children(self._host):
                name = self._judge(pid, "cmdline")
                if name not in self._may:
                    self._judge(pid, "environ")
            if self._fab:
                self._judge(self._fab, "cmdline")
            # The programs that are begun for an instant are in the audit.
            time.sleep(0.002)

    def _judge(self, pid: int, file: str) -> str:
        try:
            # Its name is read last: a shell becomes another program, and never the other way round.
            data = Path(f"/proc/{pid}/{file}").read_bytes()
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return ""
        self.seen.add(name)
        if any(form in data for form in self._forms) and not (file == "environ" and name in self._may):
            self.found.add(f"{name} {file}")
        return name


TOOLS = """awk basename cat chmod cut date df du find grep head ln mkdir mkfifo mktemp mv rm sed sha256sum sleep sort sync
tail tee tr wc gzip od"""
# Where the log is a pipe or a disk is full, the program is begun nevertheless.
AUDIT = r"""#!/bin/sh
{{ printf '%s\0' "{name}" "$@"; {environment} }} >>"{log}" 2>/dev/null
exec "{real}" "$@"
"""


def audit(project: Project) -> Path:
    """From now on every program that the hosts begin writes down its words, and its environment but where the password
    may be in it."""
    log, folder = project.folder / "audit", project.sandbox.place.root / "hook"
    folder.mkdir()
    programs, may = speaks(project.server).audited, speaks(project.server).sees_password
    for name in (*programs, *TOOLS.split()):
        real = str(project.server.bin / name) if name in programs else shutil.which(name)
        if real:
            environment = ":;" if name in may else "/usr/bin/env -0;"
            (folder / name).write_text(AUDIT.format(name=name, log=log, real=real, environment=environment))
            (folder / name).chmod(0o755)
    return log


@pytest.fixture
def project(make_project: MakeProject, server: LocalServer) -> Iterator[Project]:
    began = time.time()
    project = make_project(jobs=max(speaks(server).jobs))
    log = audit(project)
    yield project
    words = log.read_bytes().split(b"\0")
    dumped = {program.encode() for program in speaks(server).audited[:2]}
    assert {*dumped, b"sed", b"sha256sum", b"mkfifo"} <= set(words), "nothing was audited"
    assert any(word.startswith(b"PATH=") for word in words)
    assert not any(word.startswith((b"PGPASSWORD", b"MYSQL_PWD")) for word in words)
    passwords = set().union(forms(AWKWARD), forms(WRONG), forms(server.passwords[server.superuser]))
    # The sandbox lies beside its hosts' homes; what /tmp holds of this run was made by it.
    written = list(files(project.folder, project.sandbox.place.root))
    assert len(written) > 20
    looked = [
        *((path, held(path)) for path in written),
        *((path, held(path, began)) for path in Path("/tmp").glob("tmp.*")),
    ]
    assert [str(path) for path, data in looked if any(form in data for form in passwords)] == []


def held(path: Path, since: float = 0.0) -> bytes:
    """The content of a file that was written since then. In /tmp those of others come and go."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_mtime >= since else b""
    except FileNotFoundError:
        return b""


def watched(project: Project, *words: str) -> Ran:
    passwords = (AWKWARD, WRONG, project.server.passwords[project.server.superuser])
    with Watch(project, *passwords) as watch, project.start(*words, preloaded=False) as running:
        watch.of(running.process.pid)
        ran = running.finish()
    assert watch.found == set()
    for form in set().union(*map(forms, passwords)):
        assert form.decode() not in ran.said, ran.said
    assert {"fab", "sh"} <= watch.seen, watch.seen
    return ran


def test_no_password_is_seen_while_all_goes_well(project: Project) -> None:
    project.server.allow("look")
    for words in (("backup", "--commands"), ("backup.verify",), ("backup.prove", "--json", "--commands")):
        ran = watched(project, *words)
        assert ran.code == 0, ran.said
    (name,) = project.store.names()
    for more in (("--commands",), ("--into", "look", "--json")):
        ran = watched(project, "backup.restore", name, *more)
        assert ran.code == 0, ran.said
    for program in speaks(project.server).audited:
        assert f"\0{program}\0".encode() in (project.folder / "audit").read_bytes()


def test_no_password_is_seen_where_it_is_wrong(project: Project) -> None:
    right = dict(project.urls)
    name = project.backup()
    project.urls["MAIN"] = project.server.url("shop", APP, WRONG)
    project.urls["SCRATCH"] = project.server.url(project.server.first, project.server.superuser, WRONG)
    for words in (("backup",), ("backup.restore", name), ("backup.prove", name)):
        ran = watched(project, *words)
        assert ran.code == 7 and speaks(project.server).denied in ran.said, ran.said
    # One that is no URL at all, or of another engine, is not shown either.
    scheme, other = project.server.scheme, {"mysql": "postgresql", "postgresql": "mysql"}[project.server.scheme]
    for url in (
        f"{scheme}//{WRONG}",
        f"{other}://app:{percent(WRONG, safe='')}@127.0.0.1/shop",
        f"{scheme}://app:{WRONG}@h:x/",
    ):
        project.urls["MAIN"] = url
        ran = project.fab("backup")
        assert ran.code == 2, ran.said
        assert all(form.decode() not in ran.said for form in forms(WRONG)), ran.said
        assert "MAIN" in ran.said, ran.said
    project.urls = right
