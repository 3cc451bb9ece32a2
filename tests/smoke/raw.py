"""A server that answers with given bytes, and does with the connection what it likes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket, bytes], None]


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Talk:
    """Answer with these bytes, and close."""
    said = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]

    def talk(connection: socket.socket, asked: bytes) -> None:
        connection.sendall("\r\n".join(said).encode() + body)

    return talk


class RawServer:
    """A server; `asked` holds what each connection has sent."""

    def __init__(self, talk: Talk) -> None:
        self.talk, self.asked = talk, list[bytes]()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            asked = b""
            while b"\r\n\r\n" not in asked and (piece := connection.recv(65536)):
                asked += piece
            self.asked.append(asked)
            self.talk(connection, asked)
            connection.shutdown(socket.SHUT_WR)
            # What was not read would reset the connection, and take the answer with it.
            while connection.recv(65536):
                pass

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextmanager
def raw(talk: Talk) -> Iterator[RawServer]:
    """Serve within this."""
    server = RawServer(talk)
    try:
        yield server
    finally:
        server.close()
