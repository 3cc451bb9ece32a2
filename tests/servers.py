"""What the throw-away database servers of these tests have in common: a port of 127.0.0.1, a folder that is gone
afterwards, a process that ends with us, and the same roles."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from tests.ports import free_port

APP, LIMITED, READER = "app", "limited", "reader"
# What URLs, shells, ConfigParser, .pgpass, option files, connection strings and SQL each treat in a way of their own.
AWKWARD = "a'b:c@d%e f\\g\"h/?#$HOME%40"
READY_SECONDS = 30.0
PREFIX, ROOM = "lockstitch-server-", 2 << 30
Stop = Literal["fast", "immediate"]


class LocalServer(ABC):
    """A server. Role `app` may log in and make databases, `limited` and `reader` may log in only; none is a superuser.

    An engine says which programs it has, how they are begun and ended, and speaks SQL.
    """

    kind: ClassVar[str]
    # How a URL begins, the login that may do everything, and the database it logs in to where nothing else is said.
    scheme: ClassVar[str]
    superuser: ClassVar[str]
    first: ClassVar[str]
    signals: ClassVar[Mapping[Stop, signal.Signals]]
    # What a session raises when it cannot begin, or has ended.
    lost: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, programs: Path, root: Path) -> None:
        self.bin, self.root = programs, root
        self.port = free_port()
        self.passwords = {APP: AWKWARD, LIMITED: f"{AWKWARD[::-1]}1", READER: "reader's", self.superuser: "su\\per'"}
        self._process: subprocess.Popen[bytes] | None = None
        self._session: Any = None
        self._data, self._log = root / "data", root / "log"
        self.make()
        self.start()
        self.reset_roles()

    @abstractmethod
    def make(self) -> None:
        """Make its files."""

    @abstractmethod
    def words(self) -> list[str]:
        """The command line of the server."""

    @abstractmethod
    def connect(self, database: str = "", user: str = "", name: str = "tests") -> Any:
        """A session that commits by itself; close it, `with` does."""

    @abstractmethod
    def databases(self) -> list[str]:
        """The databases by name, without the engine's own."""

    @abstractmethod
    def create(self, name: str, *script: str, owner: str = APP) -> None:
        """Make a database, and do so much in it as its owner."""

    @abstractmethod
    def allow(self, *names: str) -> None:
        """Let `app` make databases of these names."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Drop a database with the sessions in it; one that is gone already is fine."""

    @abstractmethod
    def counts(self, database: str) -> dict[str, int]:
        """The rows of every table by its name as a manifest has it; all of one moment."""

    @abstractmethod
    def end_sessions(self, database: str | None = None) -> int:
        """End the sessions of a database, or every other one, and wait until they are gone; how many there were."""

    @abstractmethod
    def reset_roles(self) -> None:
        """Make the roles as they were."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The server's version, as it says it."""

    @property
    def path(self) -> str:
        """A PATH on which its programs come first."""
        return f"{self.bin}:{os.environ['PATH']}"

    # Up and down.

    def start(self) -> None:
        """Start it where it does not run, and wait until it lets a session in. It ends with the thread that does this."""
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*as_nobody(self.signals["immediate"]), *self.words()],
                    cwd=self.root,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except self.lost as error:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError(f"{self.kind} does not start: {error}\n{self.log()[-2000:]}") from error
            time.sleep(0.02)

    def stop(self, mode: Stop = "fast") -> None:
        """Stop it: `fast` ends every session, `immediate` is as if its process had crashed."""
        if self._process is not None:
            self._process.send_signal(self.signals[mode])
            self._process.wait(READY_SECONDS)
            self._process = None

    @contextlib.contextmanager
    def stopped(self, mode: Stop = "fast") -> Iterator[None]:
        """Stopped for a while."""
        self.stop(mode)
        try:
            yield
        finally:
            self.start()

    def log(self) -> str:
        """What it has written to its log."""
        return self._log.read_text(errors="replace")

    # What is in it.

    def url(self, database: str, user: str = APP, password: str | None = None, port: int | None = None) -> str:
        """A database's address, its password percent-encoded."""
        secret = quote(self.passwords[user] if password is None else password, safe="")
        return f"{self.scheme}://{user}:{secret}@127.0.0.1:{port or self.port}/{quote(database, safe='')}"

    def sql(self, query: Any, database: str = "", user: str = "") -> list[Any]:
        """The rows of a query, as tuples; an empty list where it has none."""
        kept = self._session if not database and not user else None
        with contextlib.nullcontext(kept) if kept else self.connect(database, user) as session:
            cursor = session.execute(query)
            return list(cursor.fetchall()) if cursor.description else []

    @contextlib.contextmanager
    def one_session(self) -> Iterator[None]:
        """Within this, the superuser asks in one session what is of no database."""
        with self.connect() as self._session:
            try:
                yield
            finally:
                self._session = None

    def until(self, query: str, seconds: float = 20.0) -> Any:
        """Ask until the answer is true; the answer."""
        end = time.monotonic() + seconds
        with self.connect() as session:
            while True:
                row = session.execute(query).fetchone()
                if row and row[0]:
                    return row[0]
                assert time.monotonic() < end, f"it never became true: {query}"
                time.sleep(0.01)

    def reset(self) -> None:
        """Back to where it has its roles and no database of anyone's."""
        self.start()
        self.end_sessions()
        with self.one_session():
            for name in self.databases():
                self.drop(name)
            self.drop_roles()
            self.reset_roles()

    @abstractmethod
    def drop_roles(self) -> None:
        """Drop the roles, where what they may do stays with them."""


def as_nobody(ends_with: signal.Signals = signal.SIGINT) -> list[str]:
    """The words that make what follows end with us; a database server does not run as root."""
    leave = ["setpriv", "--pdeathsig", ends_with.name.removeprefix("SIG")]
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        leave += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return [*leave, "--"]


def run_as_nobody(words: list[str]) -> str:
    """Run a program to its end; what it said."""
    done = subprocess.run([*as_nobody(), *words], cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def own(path: Path) -> None:
    """Give it to whoever the server runs as."""
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder for a server: short, because of the socket in it, and not under pytest's own, where nobody else can look.
    In memory where there is much of it, and programs may lie there: databases are made and dropped all the time."""
    memory = Path("/dev/shm")
    usable = os.access(memory, os.W_OK) and not os.statvfs(memory).f_flag & os.ST_NOEXEC
    base = memory if usable and shutil.disk_usage(memory).free > ROOM else Path(tempfile.gettempdir())
    for left in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove(left)
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    try:
        root.chmod(0o755)
        own(root)
        with (root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _remove(left: Path) -> None:
    """Remove what a dead run has left: one that runs holds its lock, or has just begun."""
    if time.time() - left.stat().st_mtime > READY_SECONDS:
        with (left / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
