"""`fab database.shell` at a terminal: on this machine, over SSH, and what is left of it however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

from scripts.sandbox import Sandbox
from tests.databases.dialects import speaks
from tests.databases.engines import one_engine
from tests.remote import openssh
from tests.remote.sshd import Sshd
from tests.servers import LocalServer

ROOT = Path(__file__).resolve().parents[2]
FAB = Path(sys.executable).with_name("fab")
PATIENCE = 30.0
pytestmark = one_engine


class Project:
    """A project whose databases are on `run_on`, and its `fab`, whose hosts keep their temporary files in `tmp`."""

    def __init__(self, root: Path, server: LocalServer, run_on: str, host: dict[str, Any], ssh: dict[str, Any]) -> None:
        self.server, self.root, self.tmp = server, root / "project", root / "tmp"
        (self.root / "hosts").mkdir(parents=True)
        self.tmp.mkdir()
        self.settings: dict[str, Any] = {"ssh": ssh, "groups": {"backend": {"hosts": [host], "apps": []}}}
        shop = {"engine": server.kind, "url": "env:SHOP", "run_on": run_on, "directory": "bk", "min_free": "1M"}
        self.settings["databases"] = {"main": shop}
        for file in ("fabfile.py", "fabric.yaml"):
            (self.root / file).write_text((ROOT / file).read_text())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "SSH"))}
        here = {
            "PYTHONPATH": str(ROOT),
            "HOME": str(root),
            "PATH": server.path,
            "TMPDIR": str(self.tmp),
            "TERM": "xterm",
        }
        self.env = {**kept, **here, "SHOP": server.url("shop"), "PSQLRC": "/dev/null", "NO_COLOR": "1"}
        self.write()

    def write(self) -> None:
        (self.root / "hosts/prod.yml").write_text(json.dumps(self.settings))

    def words(self, *words: str) -> list[str]:
        return [str(FAB), "-H", "prod", *words]

    def fab(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(*words), cwd=self.root, env=self.env, capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


class Terminal:
    """A `fab` at a terminal of its own."""

    def __init__(self, project: Project, *words: str, hangups: signal.Handlers = signal.SIG_DFL) -> None:
        self.said, self._seen = "", 0
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGHUP, hangups)
            os.chdir(project.root)
            os.execve(FAB, project.words(*words), project.env)
        self.resize(40, 132)

    def resize(self, rows: int, columns: int) -> None:
        ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def until(self, pattern: str) -> str:
        """Wait for what was not there at the last call; what was said up to it."""
        deadline = time.monotonic() + PATIENCE
        while (match := re.compile(pattern).search(self.said, self._seen)) is None:
            assert time.monotonic() < deadline, self.said[-2000:]
            assert self._read(), f"it ended: {self.said[-2000:]}"
        begin, self._seen = self._seen, match.end()
        return self.said[begin : self._seen]

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.said[-2000:]
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def hang_up(self) -> int:
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        if not select.select([self.terminal], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.said += data.decode(errors="replace")
        return bool(data)


# What a command that is typed into the session sees of a password, and where the file is.
WHERE = {
    "postgres": '\\! echo "it has ${PGPASSWORD-no} password but in $PGPASSFILE."\n',
    "mysql": '\\! echo "it has ${MYSQL_PWD-no} password but in '
    "$(tr '\\0' '=' </proc/$PPID/cmdline | cut -d = -f 3).\"\n",
}
# What is typed into MariaDB's client before it asks may be lost.
PROMPT = {"postgres": "", "mysql": "shop> "}
Place = tuple[Project, Callable[[], None] | None]


@pytest.fixture(params=["local", "sandbox", "openssh"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """A project with a shop, and what cuts the connection to its host where there is one."""
    server.create("shop", "CREATE TABLE orders (id int)", "INSERT INTO orders VALUES (41), (1)")
    if request.param == "local":
        yield Project(tmp_path, server, "local", {"name": "away", "address": "192.0.2.1"}, {}), None
    elif request.param == "sandbox":
        monkeypatch.setenv("PATH", server.path)
        with Sandbox(tmp_path / "sandbox", 1) as sandbox:
            (host,) = sandbox.hosts.values()
            where = {"name": "real", "address": "127.0.0.1", "port": host.port}
            login = {"user": "deploy", "known_hosts": [str(sandbox.place.known_hosts)]}
            login |= {"identity_files": [str(sandbox.place.key)]}
            yield Project(tmp_path, server, "backend", where, login), lambda: sandbox.do(host.name, "drop")
    else:
        if openssh.server() is None:
            pytest.skip("OpenSSH's server is not installed")
        given = f"HOME={tmp_path} PSQLRC=/dev/null PATH={server.path}"
        sshd = Sshd(tmp_path / "sshd", {"SetEnv": given})
        where = {"name": "real", "address": "127.0.0.1", "port": sshd.port}
        login = {"user": sshd.user, "known_hosts": [str(sshd.known_hosts)], "identity_files": [str(sshd.key)]}
        try:
            yield Project(tmp_path, server, "backend", where, login), lambda: cut_off(sshd)
        finally:
            sshd.stop()


def cut_off(sshd: Sshd) -> None:
    """End the connections, and nothing else: as when the network between is gone."""
    for pid in sshd.sessions():
        # One may end by itself when the other end of its connection does.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                os.kill(pid, signal.SIGKILL)


def command_lines() -> str:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def opened(project: Project, *words: str, hangups: signal.Handlers = signal.SIG_DFL) -> tuple[Terminal, Path]:
    """A session that has answered once, and the folder with its files."""
    terminal = Terminal(project, "database.shell", *words, hangups=hangups)
    kind = project.settings["databases"]["main"]["engine"]
    terminal.until(f"the {kind} shell of main")
    terminal.type("SELECT concat('answer ', sum(id)) FROM orders;\n")
    terminal.until("answer 42")
    terminal.until(PROMPT[kind])
    terminal.type(WHERE[kind])
    said = terminal.until(r"it has no password but in \S+\.")
    terminal.until(PROMPT[kind])
    return terminal, Path(said.rpartition(" in ")[2]).parent


def passes_from_its_beginning_to_its_end(project: Project, name: str, sessions: str) -> None:
    """Look at the files, the command lines and the server's own list of a session, and that all of it goes."""
    server = project.server
    terminal, folder = opened(project)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    seen = command_lines()
    assert f"{folder}/start" in seen and server.passwords["app"] not in seen
    assert server.sql(sessions) == [(name,)]
    terminal.type("\\q\n")
    assert terminal.ended() == 0
    assert not folder.exists() and server.passwords["app"] not in terminal.said


def test_a_session_from_its_beginning_to_its_end(place: Place) -> None:
    sessions = "SELECT application_name FROM pg_stat_activity WHERE datname = 'shop'"
    passes_from_its_beginning_to_its_end(place[0], "lockstitch shell", sessions)


@pytest.mark.parametrize("place", ["local", "openssh"], indirect=True)
def test_keys_and_the_size_of_the_terminal_arrive(place: Place) -> None:
    project, _ = place
    terminal, folder = opened(project)
    for rows, columns in ((40, 132), (30, 90)):
        terminal.resize(rows, columns)
        until_told(terminal, "\\! stty size\n", f"{rows} {columns}")
    terminal.type("SELECT pg_sleep(60);\n")
    project.server.until(speaks(project.server).sleeping)
    terminal.type("\x03")
    terminal.until("canceling statement due to user request")
    terminal.type("SELECT 6 * 7 AS still;\n")
    terminal.until("42")
    terminal.type("\x04")
    assert terminal.ended() == 0 and not folder.exists()


@pytest.mark.parametrize("hangups", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_closed_terminal_leaves_nothing(place: Place, hangups: signal.Handlers) -> None:
    project, _ = place
    terminal, folder = opened(project, hangups=hangups)
    assert terminal.hang_up() == 130
    gone(folder)
    project.server.until("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'lockstitch shell'")


@pytest.mark.parametrize("place", ["sandbox", "openssh"], indirect=True)
def test_a_lost_connection_leaves_nothing_and_is_told(place: Place) -> None:
    project, cut = place
    assert cut is not None
    terminal, folder = opened(project)
    cut()
    assert terminal.ended() == 3 and "real: the connection" in terminal.said
    gone(folder)


def until_told(terminal: Terminal, asked: str, wanted: str) -> None:
    """Ask again until it is so: a size takes its time over the network."""
    for _ in range(100):
        terminal.type(asked)
        if wanted in terminal.until(r"\d+ \d+\r"):
            return
    raise AssertionError(terminal.said[-2000:])


def gone(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def project(tmp_path: Path, server: LocalServer) -> Project:
    server.create("shop", "CREATE TABLE orders (id int)", "INSERT INTO orders VALUES (41), (1)")
    return Project(tmp_path, server, "local", {"name": "away", "address": "192.0.2.1"}, {})


def test_it_needs_a_terminal_and_one_database(project: Project) -> None:
    ended = project.fab("database.shell")
    assert ended.returncode == 2 and "needs a terminal" in ended.stderr and "HINT" in ended.stderr
    project.settings["databases"]["other"] = project.settings["databases"]["main"]
    project.write()
    ended = project.fab("database.shell")
    assert ended.returncode == 2 and "not main, other" in ended.stderr and "--database NAME" in ended.stderr
    terminal, _ = opened(project, "--database", "main")
    terminal.type("\\q\n")
    assert terminal.ended() == 0


def test_a_protected_environment_asks_for_its_name_first(project: Project) -> None:
    project.settings["protect"] = True
    project.write()
    terminal = Terminal(project, "database.shell")
    terminal.until("prod is protected: type its name to go on")
    terminal.type("no\n")
    assert terminal.ended() == 2 and "not confirmed" in terminal.said
    terminal = Terminal(project, "database.shell")
    terminal.until("type its name to go on")
    terminal.type("prod\n")
    terminal.until("=> ")
    terminal.type("\\q\n")
    assert terminal.ended() == 0 and list(project.tmp.iterdir()) == []


def test_one_that_is_not_let_in_is_told(project: Project) -> None:
    project.env["SHOP"] = project.env["SHOP"].replace("/shop", "/gone")
    terminal = Terminal(project, "database.shell")
    assert terminal.ended() == 7 and 'database "gone" does not exist' in terminal.said
    assert "the shell of main ended with exit code 2" in terminal.said and list(project.tmp.iterdir()) == []


def test_without_psql_it_says_so(project: Project, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("sh", "mktemp", "rm", "cat", "kill", "sleep", "date", "sed"):
        (bare / tool).symlink_to(Path("/bin") / tool)
    project.env["PATH"] = str(bare)
    terminal = Terminal(project, "database.shell")
    assert terminal.ended() == 7 and "psql is not found on this host" in terminal.said
    assert list(project.tmp.iterdir()) == []


def test_check_and_analyze_end_with_their_codes(project: Project) -> None:
    done = project.fab("database.check")
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("main: all within its thresholds"), done
    done = project.fab("database.analyze")
    assert done.returncode == 0 and "shop is analyzed" in done.stdout, done
    project.settings["databases"]["main"]["check"] = {"backup_age": "1h", "connections": 1}
    project.write()
    done = project.fab("database.check", "--json")
    assert done.returncode == 7
    told = json.loads(done.stdout)["databases"]["main"]
    assert {f["check"] for f in told["findings"] if f["level"] == "fail"} == {"connections", "backup"}
    assert told["tables"][0]["name"] == "public.orders" and told["passed"] is False


def test_a_host_that_is_away_ends_with_3(project: Project) -> None:
    project.settings["databases"]["main"]["run_on"] = "backend"
    project.settings["groups"]["backend"]["hosts"] = [{"name": "away", "address": "127.0.0.1", "port": 1}]
    project.write()
    done = project.fab("database.check")
    assert done.returncode == 3 and "away" in done.stderr, done
