"""Commands inside a container over a process that stays there: 4 ms each, where an exec of the engine takes 70 ms."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import docker
from docker.models.containers import Container
from docker.utils.socket import frames_iter

PROGRAM = Path(__file__).with_name("serve_commands.py")
# In the command line of each such process, which no test is about.
MARK = "lockstitch-tests-commands"
# Of a command whose machine went down, as an engine has it.
KILLED = 137


class Commands:
    """Carries out commands in a container, one at a time for each process of PROGRAM; more are started when needed."""

    def __init__(self, client: docker.DockerClient, container: Container) -> None:
        self._client, self._container = client, container
        self._free: list[_Server] = []

    def run(self, words: list[str], user: str) -> tuple[int, bytes]:
        """Run a command as a user; its exit code and what it said on both streams."""
        server = self._server()
        try:
            answer = server.run(words, user)
        except EOFError:
            server.close()
            return KILLED, b""
        self._free.append(server)
        return answer

    def close(self) -> None:
        """Close the connections; the processes end."""
        while self._free:
            self._free.pop().close()

    def _server(self) -> _Server:
        while self._free:
            server = self._free.pop()
            if not server.is_over():
                return server
            server.close()
        return _Server(self._client, self._container)


class _Server:
    def __init__(self, client: docker.DockerClient, container: Container) -> None:
        words = ["python3", "-I", "-c", PROGRAM.read_text(), MARK]
        run: str = client.api.exec_create(container.id, words, stdin=True, stderr=False)["Id"]
        self._stream = client.api.exec_start(run, socket=True)
        self._raw: socket.socket = cast(Any, self._stream)._sock
        self._frames: Iterator[tuple[int, bytes]] = frames_iter(self._stream, tty=False)  # type: ignore[no-untyped-call]
        self._read = b""

    def run(self, words: list[str], user: str) -> tuple[int, bytes]:
        """Run a command. Raises EOFError where the machine goes down meanwhile."""
        try:
            self._raw.sendall(json.dumps({"words": words, "user": user}).encode() + b"\n")
        except OSError as error:
            raise EOFError from error
        while b"\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\n")
        answer = json.loads(head)
        while len(self._read) < answer["size"]:
            self._more()
        said, self._read = self._read[: answer["size"]], self._read[answer["size"] :]
        return int(answer["code"]), said

    def is_over(self) -> bool:
        """Tell whether it has ended: one that waits says nothing."""
        return bool(select.select([self._raw], [], [], 0)[0])

    def close(self) -> None:
        self._stream.close()
        self._raw.close()

    def _more(self) -> None:
        try:
            _, chunk = next(self._frames)
        except (StopIteration, OSError) as error:
            raise EOFError from error
        self._read += chunk
