"""The open connection to one host and the shells on it: those that work, and for each user two that wait."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from time import monotonic

from paramiko import SFTPError

from lockstitch.concurrency import in_background
from lockstitch.errors import ConnectError, HostLostError
from lockstitch.remote.ssh.connection import StrictConnection
from lockstitch.remote.ssh.sftp import SftpSession
from lockstitch.remote.ssh.shell import BROKEN, NotSentError, NotStartedError, RefusedError, Shell, session

REFUSALS_PAUSE = 0.2
# Opening one takes a round trip, as a short script does: with two, the next is there when it is asked for.
SPARES = 2


class ChannelPool:
    """The shells of one open connection, and how many of them wait for what comes next."""

    def __init__(self, connection: StrictConnection, spares: int = SPARES) -> None:
        self.connection, self._wanted = connection, spares
        self._spares: dict[str | None, list[Future[Shell]]] = {}
        self._starting: set[Future[Shell]] = set()
        self._working: set[Shell] = set()
        self._parked: list[SftpSession] = []
        self._heard = ""
        self._changed = threading.Condition()

    @property
    def alive(self) -> bool:
        return bool(self.connection.is_connected)

    @property
    def frozen(self) -> bool:
        """It did not end, it stopped answering: then there is little hope in connecting again at once."""
        return getattr(self.connection.transport, "frozen", None) is not None

    def wait_until_known_dead(self) -> None:
        """Paramiko ends the shells of a connection that dropped a moment before the connection itself."""
        if self.connection.transport is not None:
            self.connection.transport.join(1)

    @property
    def died_of(self) -> str:
        return self.connection.died_of

    def warm(self, user: str | None, most: int = SPARES) -> None:
        """Begin to open the shells that will be asked for next, until so many wait."""
        with self._changed:
            spares = self._spares.setdefault(user, [])
            while len(spares) < min(most, self._wanted) and self.alive:
                spares.append(self._start(user))

    def take(self, user: str | None, text: str | None = None, *, more: bool = True) -> Shell:
        """A waiting shell; the next one is opened behind the caller's back, if `more` are to come. Where none waits
        yet, `text` is a script that may be given to a shell as it is started, which spares a round trip."""
        with self._changed:
            spares = self._spares.get(user)
            early = text is not None and not (spares and spares[0].done())
            spare = spares.pop(0) if spares and not early else None
        shell = self._ready(spare) or self._open(user, text if early else None)
        with self._changed:
            self._working.add(shell)
        # One: a script that takes long follows sooner or later, and the last one leaves no more than that unused.
        if more:
            self.warm(user, 1)
        return shell

    def give_back(self, shell: Shell) -> None:
        """Its work is done: it is closed."""
        shell.close()
        with self._changed:
            self._working.discard(shell)
            self._changed.notify_all()

    def park(self, session: SftpSession) -> None:
        """Keep an SFTP session for the next file: a new one takes three round trips, and a process on the host."""
        with self._changed:
            self._parked.append(session)
            too_many = self._parked[:-1]
            del self._parked[:-1]
        for surplus in too_many:
            surplus.close()

    def parked(self) -> SftpSession | None:
        """An SFTP session that waits for a file."""
        with self._changed:
            return self._parked.pop() if self._parked else None

    def close(self) -> None:
        """Close the shells and the connection."""
        with self._changed:
            shells, self._working = list(self._working), set()
            self._spares.clear()
            self._parked.clear()
        for shell in shells:
            shell.close()
        self.connection.close()

    def _ready(self, spare: Future[Shell] | None) -> Shell | None:
        if spare is None:
            return None
        try:
            shell = spare.result(self.patience)
        except TimeoutError as error:
            raise self.too_slow() from error
        except (*BROKEN, RefusedError, NotStartedError):
            return None
        if not shell.ended:
            return shell
        shell.close()
        return None

    def _start(self, user: str | None, text: str | None = None) -> Future[Shell]:
        """Begin to open a shell; what it says is heard, whoever waits for it."""
        starting = in_background(lambda: self._listen(user, text))
        with self._changed:
            self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        return starting

    def _listen(self, user: str | None, text: str | None) -> Shell:
        try:
            return Shell(self.connection, user, text)
        except NotStartedError as error:
            self._heard = self._heard or error.said
            raise

    def _open(self, user: str | None, text: str | None) -> Shell:
        until = monotonic() + self.patience
        while True:
            try:
                return self._start(user, text).result(self.patience)
            except RefusedError as error:
                self.make_room(until, error)
            except TimeoutError as error:
                raise self.too_slow() from error
            except NotStartedError as error:
                raise self.not_started(user, error) from error

    def make_room(self, until: float, error: RefusedError) -> None:
        """Wait for a session to end, for one more that was refused: a host allows ten at once, some fewer."""
        with self._changed:
            spares = [spare for some in self._spares.values() for spare in some]
            self._spares = {}
            for spare in spares:
                spare.add_done_callback(_closed)
            while self._parked:
                self._parked.pop().close()
            if not self._working and monotonic() > until:
                said = f"the host refuses to start a shell ({error})"
                raise ConnectError(self._name, said, hint="check MaxSessions in its sshd_config") from error
            self._changed.wait(REFUSALS_PAUSE)

    def too_slow(self) -> ConnectError:
        """The error of a shell that never got ready."""
        said = f"the host did not start a shell within {self.patience:g} s"
        return ConnectError(self._name, said, hint="does ~/.bashrc wait for something there?")

    def not_started(self, user: str | None, error: NotStartedError, *, ready: bool = False) -> ConnectError:
        """The error of a shell that ended before it got ready, or before its first step."""
        # A host says some things once a connection, to whichever shell was the first.
        said = error.said or self._last_words() or str(error)
        if ready or said.startswith("the home of"):
            hint = f"see there: getent passwd {user or self.connection.hop.user}"
            return ConnectError(self._name, f"no step could begin: {said}", hint=hint)
        if user is None:
            return ConnectError(self._name, f"the host does not start a shell: {said}", hint=self._by_hand(said))
        hint = f"a file in /etc/sudoers.d there must let {self.connection.hop.user}: ALL=({user}) NOPASSWD: ALL"
        return ConnectError(self._name, f"cannot become {user} with sudo: {said}", hint=hint)

    def _last_words(self) -> str:
        """Return what was said to another shell, also to one that has not ended yet."""
        if not self._heard:
            wait(list(self._starting), self.patience)
        return self._heard

    def _by_hand(self, said: str) -> str:
        hop = self.connection.hop
        login = f"ssh {'' if hop.port == 22 else f'-p {hop.port} '}{hop.user}@{hop.hostname}"
        if "expired" in said:
            return f"set a new one: {login}; a password that never expires: sudo chage -M -1 {hop.user}"
        return f"see what comes before a command there: its login shell, ~/.bashrc, a forced command; {login} true"

    @property
    def patience(self) -> float:
        """For how many seconds a shell is waited for until it is ready."""
        return self.connection.hop.limits.channel_timeout

    @property
    def _name(self) -> str:
        return self.connection.hop.name


def _closed(spare: Future[Shell]) -> None:
    if spare.exception() is None:
        spare.result().close()


def sftp_session(line: ChannelPool) -> SftpSession:
    """An SFTP session on a line: one that waits, or a new one. Raises NotSentError where the line is dead."""
    while (parked := line.parked()) is not None:
        if not parked.ended:
            return parked
        parked.close()
    patience = line.connection.hop.limits.channel_timeout
    name, until = line.connection.hop.name, monotonic() + patience
    while True:
        try:
            return in_background(lambda: _new_sftp_session(line, patience)).result(patience)
        except RefusedError as error:
            line.make_room(until, error)
        except TimeoutError as error:
            raise ConnectError(name, f"the host did not start SFTP within {patience:g} s") from error
        except SFTPError as error:
            said = "what it says is not SFTP"
            raise ConnectError(name, said, hint="does ~/.bashrc print something there without a terminal?") from error
        except BROKEN as error:
            line.wait_until_known_dead()
            if line.frozen:
                raise HostLostError(name, line.died_of) from error
            if not line.alive:
                raise NotSentError(str(error) or "the connection dropped") from error
            hint = "its sshd_config needs a line such as: Subsystem sftp internal-sftp"
            raise ConnectError(name, "the host starts no SFTP, which files are carried by", hint=hint) from error


def _new_sftp_session(line: ChannelPool, patience: float) -> SftpSession:
    transport = line.connection.transport
    if transport is None:
        raise EOFError("the connection is not open")
    channel = session(transport, patience)
    try:
        channel.invoke_subsystem("sftp")
        return SftpSession(channel)
    except BaseException:
        channel.close()
        raise
