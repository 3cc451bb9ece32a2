"""A server on loopback that stands in for a forge: it has answers by path, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_tokentokentoken1234"


@dataclass
class Answer:
    """One answer: its status, its document, and its header Link."""

    document: Any
    status: int = 200
    link: str = ""


@dataclass
class StandInForge:
    """The server. `pages` has the pages of a list by path; a path that is not there is a 404."""

    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def __enter__(self) -> StandInForge:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Return the answer to a request. A list is one page; a tuple has several, as cursors or numbers name them."""
        known = self.pages.get(path)
        if known is None:
            return Answer({"message": "Not Found"}, 404)
        if isinstance(known, Answer):
            return known
        if not isinstance(known, tuple):
            return Answer(known if fields.get("page", "1") == "1" else _empty(known))
        at = int(fields.get("after", fields.get("page", "1")))
        if at > len(known):
            return Answer(_empty(known[0]))
        # Another host: only the fields of such a link are to be taken.
        link = f'<https://evil.example.com{path}?after={at + 1}&per_page=100>; rel="next"' if at < len(known) else ""
        return Answer(known[at - 1], link=link)


def _empty(document: Any) -> Any:
    return [] if isinstance(document, list) else {key: [] for key in document}


def _handler(forge: StandInForge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None: ...

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            fields = {name: values[0] for name, values in parse_qs(parts.query).items()}
            forge.asked.append((self.path, dict(self.headers)))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                answer = Answer({"message": f"Bad credentials: {self.headers.get('Authorization')}"}, 401)
            else:
                answer = forge.answer(parts.path, fields)
            body = answer.document if isinstance(answer.document, str) else json.dumps(answer.document)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body.encode())))
            if answer.link:
                self.send_header("Link", answer.link)
            self.end_headers()
            self.wfile.write(body.encode())

    return Handler
