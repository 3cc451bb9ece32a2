"""`env.rotate` of a key that a provider issues: proven by smoke steps that ask a provider on a socket."""

from __future__ import annotations

import http.client
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.sandbox import Sandbox
from tests.cli.env_app import serving_app
from tests.cli.operator import Operator
from tests.cli.test_env_rotate import OverSocket

OLD, NEW = "sk_the_former_one", "sk_the_new_one"
# It pays with the key that it was started with.
MAIN = """import os, urllib.error, urllib.request
def app(environ, start_response):
    request = urllib.request.Request(os.environ["BANK"] + "/balance", headers={"Authorization": "Bearer " + os.environ["KEY"]})
    try:
        status = urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        status = error.code
    start_response(f"{status} said", [])
    return [b"{}"]
"""
STEPS = {
    "pay": {"get": "/pay"},
    "old-key": {"get": "/balance", "bearer": "env:OLD_KEY", "expect": 401},
}


class Bank(ThreadingHTTPServer):
    """A provider that takes the `keys` it has issued at /balance, and before it the public address of the app at /pay, whose
    hosts take turns."""

    def __init__(self, sockets: list[Path]) -> None:
        super().__init__(("127.0.0.1", 0), BankHandler)
        self.keys, self.sockets, self.turn = {OLD, NEW}, sockets, 0
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class BankHandler(BaseHTTPRequestHandler):
    server: Bank

    def do_GET(self) -> None:
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status = 200 if key in self.server.keys else 401
        if self.path == "/pay":
            self.server.turn += 1
            app = OverSocket(self.server.sockets[self.server.turn % len(self.server.sockets)])
            try:
                app.request("GET", "/")
                status = app.getresponse().status
            except (OSError, http.client.HTTPException):
                status = 502
            app.close()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words: Any) -> None:
        """Print nothing."""


@pytest.fixture
def bank(lab: Sandbox) -> Iterator[Bank]:
    bank = Bank([lab.host(name).home / "paid.sock" for name in ("one", "two")])
    yield bank
    bank.shutdown()
    bank.server_close()


@pytest.fixture
def operator(tmp_path: Path, lab: Sandbox, bank: Bank) -> Iterator[Operator]:
    rotate = {"proof": "pay", "former": "env:OLD_KEY", "refused": "old-key"}
    settings = {"KEY": {"from": "env:LAB_KEY", "rotate": rotate}}
    text = f"KEY='{OLD}'\nBANK='{bank.url}'\n"
    smoke = {"url": bank.url, "steps": STEPS}
    with serving_app(tmp_path, lab, "paid", MAIN, OLD, settings, text, smoke=smoke) as operator:
        yield operator
    for host in operator.hosts:
        shutil.rmtree(operator.home(host) / "paid")


def keys(operator: Operator) -> set[str]:
    files = [(operator.home(host) / "paid/app/shared/.env").read_text() for host in operator.hosts]
    return {line.partition("=")[2].strip("'") for text in files for line in text.splitlines() if "KEY=" in line}


def test_the_new_key_is_proven_and_the_former_one_is_proven_refused(operator: Operator, bank: Bank) -> None:
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 2 and "env:OLD_KEY cannot be had" in ran.said, ran.said
    operator.env["OLD_KEY"] = OLD
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 0 and "no rotation of it goes on" in ran.out, ran.said
    ran = operator.fab("env.rotate", "KEY", "--at-once")
    assert ran.code == 2 and "no overlap is waited for" in ran.said, ran.said
    operator.env["LAB_KEY"], operator.env["OLD_KEY"] = NEW, "sk_some_other"
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 7 and "its KEY is another one than `former`" in ran.said and keys(operator) == {OLD}, ran.said
    operator.env["OLD_KEY"] = OLD
    # A key that the provider does not take is taken back everywhere.
    bank.keys = {OLD}
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 5 and "smoke pay: failed" in ran.said and keys(operator) == {OLD}, ran.said
    bank.keys = {OLD, NEW}
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 0 and "now revoke the former KEY where it was issued" in ran.said, ran.said
    assert keys(operator) == {NEW}
    assert operator.fab("env.undo").code == 0 and keys(operator) == {OLD}
    assert operator.fab("env.rotate", "KEY").code == 0 and keys(operator) == {NEW}
    # It is not revoked yet.
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 5 and "smoke old-key: failed: answered 200, expected 401" in ran.said, ran.said
    bank.keys = {NEW}
    operator.env["OLD_KEY"] = "sk_some_other"
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 7 and "that it is refused would prove nothing" in ran.said, ran.said
    operator.env["OLD_KEY"] = OLD
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 0 and keys(operator) == {NEW}, ran.said
    assert OLD not in ran.said and NEW not in ran.said
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 0 and "no rotation of it goes on" in ran.out, ran.said
    ran = operator.fab("env.undo")
    assert ran.code == 7, "what was revoked does not come back"
    # Between rotations nobody has the former key, and no other run asks for it.
    del operator.env["OLD_KEY"]
    ran = operator.fab("smoke")
    assert ran.code == 0 and "1 passed" in ran.out and "old-key" not in ran.out, ran.said
