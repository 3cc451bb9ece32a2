"""A stand-in for the API of Sentry on loopback."""

from __future__ import annotations

import http.server
import json
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "sntrys-of-tests"


class SentryStandIn(http.server.ThreadingHTTPServer):
    """A stand-in for the API of Sentry: events of releases at times, and issues by their first release."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[tuple[float, str]] = []
        self.issues: list[tuple[str, str]] = []
        self.known: set[str] = set()
        self.page = 100
        self.fault: dict[str, Any] = {}
        self.asked: list[str] = []
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, fields: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        if not path.startswith("/api/0/organizations/acme/"):
            return 404, {"detail": "The requested resource does not exist"}, {}
        what, _, name = path.removeprefix("/api/0/organizations/acme/").strip("/").partition("/")
        if what == "releases":
            known = unquote(name) in self.known
            return (200, {"version": unquote(name)}, {}) if known else (404, {"detail": "not here"}, {})
        search = fields["query"]
        release = search.partition('elease:"')[2].rstrip('"')
        if what == "issues":
            found = [{"id": number} for number, first in self.issues if first == release]
            at = int(fields.get("cursor", "0:0:0").split(":")[1])
            more = str(at + self.page < len(found)).lower()
            links = f'<{self.url}/elsewhere?&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
            links += f'<http://elsewhere/>; rel="next"; results="{more}"; cursor="0:{at + self.page}:0"'
            return 200, found[at : at + self.page], {"Link": links}
        begin, end = (datetime.fromisoformat(fields[k]).replace(tzinfo=UTC).timestamp() for k in ("start", "end"))
        meant = [at for at, of in self.events if (of != release) == ("!release" in search) and begin <= at < end]
        buckets = [begin - begin % 60 + 60 * n for n in range(int((end - begin) / 60) + 1)]
        rows = [[int(b), [{"count": sum(b <= at < b + 60 for at in meant)}]] for b in buckets]
        return 200, {"data": rows, "start": int(begin), "end": int(end)}, {}


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words: object) -> None: ...

    def do_GET(self) -> None:
        stand_in = self.server
        assert isinstance(stand_in, SentryStandIn)
        parts = urlsplit(self.path)
        stand_in.asked.append(self.path)
        fault = next((fault for word, fault in stand_in.fault.items() if word in parts.path), None)
        if fault == "hang":
            stand_in.ended.wait(20)
            return
        headers: dict[str, str] = {}
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            status, body = 401, {"detail": "Invalid token"}
        elif isinstance(fault, tuple):
            status, body = fault
        else:
            fields = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, body, headers = stand_in.answer(parts.path, fields)
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
