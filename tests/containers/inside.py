"""What is sent into a container: files as one archive through a command's standard input."""

from __future__ import annotations

import io
import socket
import tarfile
import time
from dataclasses import dataclass
from typing import Any, cast

import docker
from docker.models.containers import Container
from docker.utils.socket import frames_iter


@dataclass(frozen=True)
class File:
    """A file to be written in a container; the owner is `user` or `user:group`."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root"


def archive(files: list[File]) -> bytes:
    """The files as a tar archive to be unpacked at the root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            user, _, group = file.owner.partition(":")
            entry.size, entry.mode, entry.mtime = len(file.content), file.mode, int(time.time())
            entry.uname, entry.gname = user, group or user
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


def feed(
    client: docker.DockerClient, container: Container, command: list[str], data: bytes, user: str = "root"
) -> tuple[int, bytes]:
    """Run a command with data on its standard input; its exit code and output. The engine's own copying of files
    would write beneath a tmpfs instead of into it."""
    run: str = client.api.exec_create(container.id, command, stdin=True, user=user)["Id"]
    stream = client.api.exec_start(run, socket=True)
    raw: socket.socket = cast(Any, stream)._sock
    try:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        said = b"".join(chunk for _, chunk in frames_iter(stream, tty=False))  # type: ignore[no-untyped-call]
    finally:
        stream.close()
        raw.close()
    return int(client.api.exec_inspect(run)["ExitCode"]), said
