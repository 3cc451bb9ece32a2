"""The private line to the server of one host: a request and its answer over a unix socket."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .errors import SandboxError
from .place import Place

Answer = dict[str, Any]
Handler = Callable[[str], Awaitable[Answer]]


@contextmanager
def _short_path(place: Place, name: str) -> Iterator[str]:
    # A unix socket's path may have 107 bytes, and temporary directories are often longer.
    directory = os.open(place.private, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{name}.sock"
    finally:
        os.close(directory)


async def listen(place: Place, name: str, handle: Handler) -> asyncio.Server:
    """Answer requests for this host until the server ends."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        action = (await reader.readline()).decode().strip()
        try:
            reply = await handle(action)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        writer.write(json.dumps(reply).encode() + b"\n")
        writer.close()

    with _short_path(place, name) as path:
        return await asyncio.start_unix_server(answer, path)


def ask(place: Place, name: str, action: str, timeout: float = 10.0) -> Answer:
    """Have the server of this host do something, and wait until it is done."""
    try:
        with _short_path(place, name) as path, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            line.connect(path)
            line.sendall(action.encode() + b"\n")
            answer: Answer = json.loads(b"".join(iter(lambda: line.recv(65536), b"")))
    except (OSError, ValueError) as error:
        raise SandboxError(f"{name} does not answer", "is it stopped or frozen? `status` tells") from error
    if "error" in answer:
        raise SandboxError(f"{name} cannot {action}: {answer['error']}")
    return answer
