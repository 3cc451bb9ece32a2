"""A file of a host, opened over SFTP; and whatever goes wrong with it, in words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from paramiko import SFTPError
from paramiko.sftp import SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED

from lockstitch.errors import HostError, HostLostError
from lockstitch.remote import FileError, FileMode, InterruptedRunError
from lockstitch.remote.ssh.cancellation import Round
from lockstitch.remote.ssh.channels import Line
from lockstitch.remote.ssh.sftp import PATIENCE, Requests, SaidNoError
from lockstitch.remote.ssh.shell import BROKEN, NotSentError
from lockstitch.remote.ssh.sockets import GivenUpError
from lockstitch.remote.ssh.streams import CHUNK, Reading, Writing

_DOING = {"rb": "read", "wb": "written"}


@contextmanager
def opened(
    requests: Requests, line: Line, round_: Round, path: str, mode: FileMode, start: int = 0
) -> Iterator[BinaryIO]:
    """A file on an SFTP session, which waits for the next one if all goes well. An interruption ends it.

    Raises NotSentError where a session that had waited has died meanwhile.
    """
    words = _Words(line, round_, path, mode)
    try:
        with round_.closing(requests):
            stream = _stream(requests, words, start)
            with stream:
                yield from _read(stream) if isinstance(stream, Reading) else _written(stream)
        requests.used = True
        line.park(requests)
    except GivenUpError as error:
        requests.close()
        raise words.interrupted() from error
    except BaseException:
        requests.close()
        raise


def _stream(requests: Requests, words: _Words, start: int) -> Reading | Writing:
    try:
        return (Reading if words.mode == "rb" else Writing)(requests, words.path, words.told, start)
    except HostLostError as error:
        if not requests.used or isinstance(error, InterruptedRunError) or words.frozen:
            raise
        raise NotSentError(str(error)) from error


def _read(reading: Reading) -> Iterator[BinaryIO]:
    with io.BufferedReader(reading, 8 * CHUNK) as file:
        yield file
        reading.let_go()


def _written(writing: Writing) -> Iterator[BinaryIO]:
    file = io.BufferedWriter(writing, CHUNK)
    yield file
    # Only where all went well: what is left of a file that was given up is not worth sending.
    if not file.closed:
        file.flush()
    writing.finish()


class _Words:
    """What went wrong with one file, in words for a person."""

    def __init__(self, line: Line, round_: Round, path: str, mode: FileMode) -> None:
        self.path, self.mode = path, mode
        self._line, self._round, self._hop = line, round_, line.connection.hop

    @property
    def frozen(self) -> bool:
        return self._line.frozen

    @contextmanager
    def told(self) -> Iterator[None]:
        """Whatever an SFTP request raises is told by a HostError."""
        try:
            yield
        except SaidNoError as error:
            raise self._refused(error) from error
        except (*BROKEN, SFTPError) as error:
            raise self._lost(error) from error

    def interrupted(self) -> InterruptedRunError:
        return InterruptedRunError(self._hop.name, f"interrupted while {self.path} was being {_DOING[self.mode]}")

    def _refused(self, error: SaidNoError) -> FileError:
        host, path, cannot = self._hop.name, self.path, f"{self.path} cannot be {_DOING[self.mode]}"
        if error.code == SFTP_NO_SUCH_FILE:
            said = f"there is no {path}" if self.mode == "rb" else f"{cannot}: its folder does not exist"
            return FileError(host, said, missing=True)
        if error.code == SFTP_PERMISSION_DENIED:
            return FileError(host, f"{cannot}: {self._hop.user} is denied it", hint="see there with: ls -ld")
        hint = "see there with: df -h" if self.mode == "wb" else ""
        return FileError(host, f"{cannot}: {str(error).lower() or 'failure'}", hint=hint)

    def _lost(self, error: Exception) -> HostError:
        host, while_ = self._hop.name, f"while {self.path} was being {_DOING[self.mode]}"
        if self._round.stopped.is_set():
            return self.interrupted()
        if isinstance(error, TimeoutError):
            hint = "is a disk or a mount of the host stuck?"
            return HostLostError(host, f"no answer for {PATIENCE:g} s {while_}", hint=hint)
        self._line.wait_until_known_dead()
        died = "its SFTP server ended" if self._line.alive else self._line.died_of
        return HostLostError(host, f"{died} {while_}")
