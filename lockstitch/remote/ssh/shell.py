"""A `sh` on a host that waits for a script: it is there beforehand, so that a script costs one round trip."""

from __future__ import annotations

from time import monotonic

from paramiko import Channel, ChannelException, SSHException, Transport

from lockstitch.model.command import any_shell, words
from lockstitch.remote.ssh.agent import lend
from lockstitch.remote.ssh.connection import StrictConnection
from lockstitch.remote.ssh.error_messages import last_words
from lockstitch.remote.ssh.network import send_signal
from lockstitch.remote.ssh.streams import PiecesPipe

CHUNK = 32 * 1024
ALL = 64 * 1024
NOT_YET = None
BROKEN = (SSHException, OSError, EOFError)
READY = b"\036ready\n"
START = 'printf "\\036ready\\n"; exec sh'
KEPT = 2000


class NotSentError(Exception):
    """The shell ended before it was given anything: nothing was done, and another may be asked."""


class NotStartedError(Exception):
    """The shell ended before it was there: sudo refused, or the login user may run nothing. `said` are its last words,
    empty where it said nothing."""

    def __init__(self, said: str, code: int | None) -> None:
        self.said = last_words(said)
        how = "ended without an exit code" if code is None else f"ended with exit code {code}"
        super().__init__(self.said or f"it {how}")


class RefusedError(Exception):
    """The host does not allow one more session now."""


def command(user: str | None, text: str = START) -> str:
    """The line that starts it, in whatever login shell. It says when it is there: until then, `.bashrc` could swallow
    what it is sent."""
    return any_shell(text if user is None else f"exec {words('sudo', '-n', '-H', '-u', user, 'sh', '-c', text)}")


class Shell:
    """One waiting shell, and the channel to it; or, with `text`, one that was given its script as it was started."""

    def __init__(self, connection: StrictConnection, user: str | None, text: str | None = None) -> None:
        transport = connection.transport
        if transport is None:
            raise SSHException("the connection is not open")
        self.user = user
        self._channel = session(transport, connection.hop.limits.channel_timeout)
        self._channel.set_combine_stderr(True)
        self._patience = connection.hop.limits.channel_timeout
        if connection.hop.lent_agent:
            lend(self._channel, connection.hop.lent_agent)
        self.has_script = text is not None
        self._channel.exec_command(command(user) if text is None else command(user, text))
        if text is None:
            self._wait_until_ready()

    @property
    def ended(self) -> bool:
        """True where nothing more can be sent to it."""
        return bool(self._channel.closed or self._channel.eof_received or self._channel.exit_status_ready())

    @property
    def cut_off(self) -> bool:
        """It did not end: the connection under it did. A server that tells an exit code need not tell of the end."""
        return self._channel.closed and not self._channel.eof_received and self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None where it was killed or is not known to have ended."""
        code = self._channel.exit_status
        return code if code >= 0 else None

    def wait_for_exit_code(self) -> int | None:
        """Return its exit code, which may come a moment after its last word."""
        self._channel.status_event.wait(1)
        return self.exit_code

    def send(self, text: str) -> None:
        """Give it a script; raises NotSentError where it took nothing of it, OSError where it took only a part."""
        self._channel.settimeout(self._patience)
        data, sent = memoryview(text.encode("utf-8", "surrogateescape")), 0
        while sent < len(data):
            try:
                taken = self._channel.send(data[sent : sent + CHUNK].tobytes())
            except BROKEN as error:
                raise (error if sent else NotSentError("the shell takes no script")) from error
            if not taken:
                raise (OSError if sent else NotSentError)("the shell takes no script")
            sent += taken

    def read(self, timeout: float) -> bytes | None:
        """Return its next output: None where there is none yet, no bytes at the end."""
        self._channel.settimeout(timeout)
        try:
            return self._channel.recv(ALL)
        except TimeoutError:
            return NOT_YET

    def stop(self) -> None:
        """Have everything that it runs ended: by a signal, and by closing its stdin, which the script watches."""
        try:
            send_signal(self._channel, "TERM")
            self._channel.shutdown_write()
        except BROKEN:
            return

    def close(self) -> None:
        """Let go of it; closing its stdin ends what is left."""
        try:
            self._channel.close()
        except BROKEN:
            return

    def _wait_until_ready(self) -> None:
        said, until = b"", monotonic() + self._patience
        while READY not in said:
            data = self.read(max(0.0, until - monotonic()))
            if data is NOT_YET:
                self.close()
                raise TimeoutError
            if not data and self.cut_off:
                raise EOFError("the connection dropped")
            if not data:
                code = self.wait_for_exit_code()
                self.close()
                raise NotStartedError(said.decode(errors="replace"), code)
            said = (said + data)[-KEPT:]


def session(transport: Transport, timeout: float) -> Channel:
    """A new session on a connection; raises RefusedError where the host allows none more."""
    try:
        channel = transport.open_session(timeout=timeout)
    except SSHException as error:
        # Of several who are refused at once, paramiko tells the reason to one.
        refused = isinstance(error, ChannelException) or str(error) == "Unable to open channel."
        raise (RefusedError(str(error)) if refused and transport.is_active() else error) from error
    # Nothing comes before something is started on it, but its end may.
    with channel.lock:
        channel.in_buffer = PiecesPipe()
        if channel.closed or channel.eof_received:
            channel.in_buffer.close()
    return channel
