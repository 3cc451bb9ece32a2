"""A server on loopback that stands in for Slack, Teams, Discord, PagerDuty, Grafana, Sentry and a webhook, well or broken.

It answers as their documentation has it, and refuses what they refuse. It is no proof that they take what it takes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BROKEN = ("refuses", "hangs", "drips", "lies", "is away", "resets")
# What each of them answers with 200 (or 2xx) where it has not taken a message.
_LIES = {
    "/slack": "invalid_payload",
    "/api/chat.postMessage": '{"ok": false, "error": "channel_not_found"}',
    "/teams": "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
    "/discord": "<html>blocked</html>",
    "/v2/enqueue": '{"status": "invalid event", "message": "Event object is invalid"}',
    "/api/annotations": "<html>login</html>",
}
_NO_MESSAGE = {"ok": False, "error": "message_not_found"}


@dataclass
class Taken:
    """A request that was taken."""

    method: str
    path: str
    document: Any
    headers: Mapping[str, str]


@dataclass
class StandIn:
    """The server. `mode` is empty while it is well, or one of BROKEN."""

    mode: str = ""
    taken: list[Taken] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)
    # Called with each request before it is answered.
    seen: Callable[[], None] = lambda: None

    def __enter__(self) -> StandIn:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.free.set()
        self.server.shutdown()
        self.server.server_close()

    def texts(self) -> str:
        return json.dumps([each.document for each in self.taken], ensure_ascii=False)


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            document = json.loads(body) if body else None
            path = self.path.partition("?")[0]
            stand_in.seen()
            stand_in.asked.set()
            match stand_in.mode:
                case "refuses":
                    return self.say(503, "no_service for a secret: token-1234")
                case "hangs":
                    stand_in.free.wait()
                    return None
                case "drips":
                    self.send_response(200)
                    self.end_headers()
                    while not stand_in.free.wait(0.05):
                        self.wfile.write(b".")
                        self.wfile.flush()
                    return None
                case "lies":
                    return self.say(200, _LIES.get(path, "<html>"))
                case "resets":
                    self.connection.close()
                    return None
            stand_in.taken.append(Taken(self.command, self.path, document, dict(self.headers)))
            return self.say(*answer(self.command, path, document))

        do_PATCH = do_GET = do_POST

        def say(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                return

    return Handler


def answer(method: str, path: str, document: Any) -> tuple[int, str]:
    """Return what the service of a path answers to a request that it takes."""
    match path.split("/")[1:]:
        case ["slack"]:
            return (200, "ok") if document.get("text") else (400, "no_text")
        case ["api", "chat.postMessage" | "chat.update"]:
            known = document["channel"].startswith(("#", "C")) and document.get("ts", "1.2") == "1.2"
            return 200, json.dumps({"ok": known, "channel": "C1", "ts": "1.2"} if known else _NO_MESSAGE)
        case ["teams"]:
            card = document["attachments"][0]["content"]
            return (202, "") if card["type"] == "AdaptiveCard" and card["body"] else (400, "")
        case ["discord", *rest]:
            taken = len(document["content"]) <= 2000 and (method == "POST" or rest == ["messages", "77"])
            return (200, '{"id": "77"}') if taken else (404, "{}")
        case ["v2", "enqueue"]:
            severe = document.get("payload", {}).get("severity", "info") in ("critical", "error", "warning", "info")
            return (202, '{"status": "success"}') if severe and document["routing_key"] else (400, "{}")
        case ["api", "annotations", *rest]:
            if rest not in ([], ["5"]):
                return 404, '{"message": "Could not find annotation to update"}'
            return 200, '{"id": 5, "message": "Annotation added"}'
        case ["api", "0", "organizations", "acme", "releases", *_]:
            return 201, "{}"
        case ["hook"]:
            return 204, ""
    return 404, "not found"
