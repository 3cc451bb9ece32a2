"""One SSH session: a command, a plain shell, or SFTP."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.stream import SSHServerStreamSession

from .command import Command

if TYPE_CHECKING:
    from .host import Host


class HomeFiles(asyncssh.SFTPServer):
    """SFTP over the whole machine, where a relative path begins at the host's home."""

    host: "Host"

    def map_path(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self.host.home), path)


class Session(SSHServerStreamSession[bytes]):
    """Passes what happens on a channel to the command behind it; asyncssh itself serves SFTP."""

    def __init__(self, host: "Host", environment: Mapping[str, str], closed: Callable[[], None]) -> None:
        super().__init__(None, self._files, sftp_version=3)
        self._host, self._environment, self._closed = host, environment, closed
        self._words: list[str] = []
        self._command: Command | None = None

    def _files(self, channel: Any) -> HomeFiles:
        files = HomeFiles(channel)
        files.host = self._host
        return files

    def pty_requested(self, term_type: Any, term_size: Any, term_modes: Any) -> bool:
        return True

    def shell_requested(self) -> bool:
        self._words = ["/bin/sh"]
        return True

    def exec_requested(self, command: str) -> bool:
        self._words = ["/bin/sh", "-c", command]
        return True

    def session_started(self) -> None:
        if not self._words:
            self._host.counts.subsystems += 1
            super().session_started()
            return
        self._host.counts.commands += 1
        channel: Any = self._chan
        try:
            self._command = Command(self._words, self._host.home, self._environment, channel, self._host.reaper)
        except OSError as error:
            # What a real host says when, for example, the command is too long for its kernel.
            channel.write_stderr(f"{self._words[0]}: {error.strerror}\n".encode())
            channel.exit(1)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._command:
            self._command.stdin.write(data)
        elif not self._words:
            super().data_received(data, datatype)

    def eof_received(self) -> bool:
        if self._command:
            self._command.stdin.end()
        return bool(super().eof_received())

    def signal_received(self, signal: str) -> None:
        self._host.counts.signals += 1
        if self._command:
            self._command.signal(signal)

    def break_received(self, msec: int) -> bool:
        return False

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """There is no terminal."""

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._command:
            self._command.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._command:
            self._command.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._command:
            self._command.abandon()
        super().connection_lost(exc)
        self._closed()
