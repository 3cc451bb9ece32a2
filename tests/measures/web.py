"""A web server whose answers take as long as a test says."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from lockstitch.engine.take_measures import MeasureJob, take_measures
from lockstitch.measures.base import Measure, MeasuredSite, MeasureResult
from lockstitch.model.command import Value
from lockstitch.model.host import Address, Host
from lockstitch.remote import Remote
from tests.local import LocalRemote


@dataclass
class Web:
    """A web server of a test: `serve` is called with the number of the request, and returns its status and its seconds."""

    serve: Callable[[int], tuple[int, float]] = lambda number: (200, 0.0)
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/healthz"


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    """Serve until the end of the block."""
    lock = threading.Lock()
    over = threading.Event()

    class Answer(http.server.BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None: ...

        def do_GET(self) -> None:
            with lock:
                number = len(web.asked)
                web.asked.append(dict(self.headers))
            status, seconds = web.serve(number)
            over.wait(seconds)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: object, address: object) -> None: ...

    server = Server(("127.0.0.1", 0), Answer)
    web.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def talking(say: Callable[[socket.socket], None]) -> Iterator[int]:
    """Have `say` answer each connection with its own bytes, until the end of the block; the port."""

    class Talk(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.recv(4096)
                say(self.request)

    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Talk) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def wrapped(remote: LocalRemote, name: str, text: str) -> None:
    """Give every host of a remote a program that is this script; `$real` is the one it takes the place of."""
    programs = remote.root / "programs"
    programs.mkdir(exist_ok=True)
    (programs / name).write_text(f"#!/bin/sh\nreal={shutil.which(name)}\n{text}\n")
    (programs / name).chmod(0o755)
    remote.env["PATH"] = f"{programs}:{os.environ['PATH']}"


def taken(
    remote: Remote, measure: Measure, known: dict[str, Value] | None = None, before: dict[str, float] | None = None
) -> MeasureResult:
    """Take a measure on one host."""
    site = MeasuredSite("app", "m", "a", directory="app/current", known=known or {})
    (result,) = take_measures(
        remote, [MeasureJob(measure, site, Host("a", Address("a")), before=before)], measure.looks(few=False)
    )
    return result


def elapsed(do: Callable[[], object]) -> float:
    """Return how many seconds something took."""
    began = time.monotonic()
    do()
    return time.monotonic() - began
