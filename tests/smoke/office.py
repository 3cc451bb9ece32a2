"""The sample application of smoke tests, a WSGI app for a real gunicorn: login, files, workspaces of two accounts.

Its folder (`OFFICE`) holds what it has: `files/`, `calls` with a line for each request, and `faults` with what goes wrong
on purpose: JSON of paths, methods or both to {status, sleep, held, times, drop, headers, body, revision}. What is `held`
is answered when the file `held` is gone.
"""

from __future__ import annotations

import email.parser
import email.policy
import hashlib
import hmac
import json
import os
import signal
import time
import uuid
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

HOME = Path(os.environ["OFFICE"])
ACCOUNTS = {"ada@example.com": "correct-horse", "bob@example.com": "battery-staple"}
WORKSPACES = {"w-ada": "ada@example.com", "w-bob": "bob@example.com"}
SIGNING, HOOK_KEY = b"the office's own key", b"hook-key"


def revision() -> str:
    file = HOME / "REVISION"
    return file.read_text().strip() if file.exists() else ""


def token_of(user: str) -> str:
    return f"{user}.{hmac.new(SIGNING, user.encode(), 'sha256').hexdigest()}"


class Call:
    """One request, and what answers it."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.method, self.path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.query = parse_qs(environ.get("QUERY_STRING", ""))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.body = environ["wsgi.input"].read(length)
        self.headers: list[tuple[str, str]] = [("X-Revision", revision())] if revision() else []

    @property
    def user(self) -> str:
        kind, _, token = self.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        user = str(token).rpartition(".")[0]
        if kind == "Bearer" and user in ACCOUNTS and hmac.compare_digest(token, token_of(user)):
            return user
        cookie = SimpleCookie(self.environ.get("HTTP_COOKIE", "")).get("session")
        given = str(cookie.value) if cookie else ""
        user = given.rpartition(".")[0]
        return user if user in ACCOUNTS and given == token_of(user) else ""

    def answer(self) -> tuple[int, Any]:
        fault = self.fault()
        if fault:
            if fault.get("after"):
                self.routed()
            time.sleep(fault.get("sleep", 0))
            while fault.get("held") and (HOME / "held").exists():
                time.sleep(0.02)
            self.headers += list(fault.get("headers", {}).items())
            if fault.get("drop"):
                os.kill(os.getpid(), signal.SIGKILL)
            if "status" in fault:
                return fault["status"], fault.get("body", {"error": "on purpose"})
        return self.routed()

    def fault(self) -> dict[str, Any] | None:
        file = HOME / "faults"
        faults = json.loads(file.read_text()) if file.exists() else {}
        names = (f"{self.method} {self.path}", self.path, self.method)
        fault: dict[str, Any] | None = next((faults[name] for name in names if name in faults), None)
        if fault and fault.get("revision", revision()) != revision():
            return None
        if fault and "times" in fault:
            if fault["times"] <= 0:
                return None
            fault["times"] -= 1
            # In one step: a test reads it meanwhile.
            (HOME / "faults.new").write_text(json.dumps(faults))
            (HOME / "faults.new").replace(file)
        return fault

    def routed(self) -> tuple[int, Any]:
        parts = self.path.strip("/").split("/")
        match self.method, *parts:
            case "GET", "healthz":
                return 200, {"status": "healthy", "revision": revision()}
            case "GET", "":
                return 200, b"<html><title>Office</title><script>process.env.X</script></html>"
            case "POST", "auth", "login":
                given = self.given()
                if ACCOUNTS.get(given.get("email", "")) != given.get("password"):
                    return 401, {"error": "no such account"}
                token = token_of(given["email"])
                self.headers.append(("Set-Cookie", f"session={token}; HttpOnly; Path=/"))
                return 200, {"access_token": token, "user": {"email": given["email"], "roles": ["user"]}}
            case "POST", "hooks":
                sign = hmac.new(HOOK_KEY, self.body, "sha256").hexdigest()
                good = hmac.compare_digest(self.environ.get("HTTP_X_SIGNATURE", ""), f"sha256={sign}")
                return (200, {"ok": True}) if good else (400, {"error": "signature"})
            case "POST", "limited":
                with (HOME / "limited").open("a") as file:
                    file.write(".")
                    return (200, {"ok": True}) if file.tell() <= 5 else (429, {"error": "slow down"})
            case "OPTIONS", *_:
                return 204, b""
        if not self.user:
            return 401, {"error": "log in"}
        return self.inside(parts)

    def inside(self, parts: list[str]) -> tuple[int, Any]:
        folder = HOME / "files"
        folder.mkdir(exist_ok=True)
        match self.method, *parts:
            case "GET", "me":
                return 200, {"email": self.user}
            case "GET", "workspaces", name:
                mine = WORKSPACES.get(name) == self.user
                return (200, {"name": name}) if mine else (403, {"error": "not yours"})
            case "POST", "files":
                name, content = self.sent()
                made = uuid.uuid4().hex
                (folder / made).write_bytes(content)
                return 201, {"id": made, "name": name, "size": len(content)}
            case (("GET" | "DELETE"), "files", name) if (folder / name).is_file():
                if self.method == "DELETE":
                    (folder / name).unlink()
                    return 204, b""
                return 200, (folder / name).read_bytes()
        return 404, {"error": "nothing there"}

    def given(self) -> Any:
        if "json" in self.environ.get("CONTENT_TYPE", ""):
            return json.loads(self.body)
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}

    def sent(self) -> tuple[str, bytes]:
        kind = self.environ.get("CONTENT_TYPE", "")
        if not kind.startswith("multipart/"):
            return "body", self.body
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        part = next(part for part in parts.iter_parts() if part.get_filename())
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return str(part.get_filename()), content


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    call = Call(environ)
    status, body = call.answer()
    with (HOME / "calls").open("a") as file:
        file.write(json.dumps([call.method, call.path, status, environ.get("HTTP_HOST", "")]) + "\n")
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        call.headers.append(("Content-Type", "application/json"))
    digest = hashlib.sha256(body).hexdigest()[:16]
    start_response(f"{status} X", [*call.headers, ("Content-Length", str(len(body))), ("ETag", digest)])
    return [body]
