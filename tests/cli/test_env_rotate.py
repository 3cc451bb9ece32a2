"""`env.rotate` as it is typed: two hosts whose apps verify what the other has signed, and a client that changes host at every
request. No request is refused in any phase."""

from __future__ import annotations

import http.client
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.sandbox import Sandbox
from tests.cli.env_app import serving_app
from tests.cli.operator import Operator

# A token is signed with KEY, and verified with KEY and OTHER_KEY.
MAIN = """import hashlib, hmac, os
keys = [os.environ.get("KEY", ""), os.environ.get("OTHER_KEY", "")]
def signed(key):
    return hmac.new(key.encode(), b"visitor", hashlib.sha256).hexdigest()
def app(environ, start_response):
    token = environ.get("HTTP_X_TOKEN", "")
    good = not token or token in [signed(key) for key in keys if key]
    start_response("200 OK" if good else "401 Unauthorized", [("X-Token", signed(keys[0]))])
    return [b""]
"""


class OverSocket(http.client.HTTPConnection):
    """A connection to the app of one host."""

    def __init__(self, path: Path) -> None:
        super().__init__("app", timeout=5)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(str(self.path))


# Seconds between requests. Without one they take a processor, and a phase takes seconds.
PAUSE = 0.01


class Visitor:
    """A client behind a balancer that takes the other host for each request, and one that answers where the other is down for
    the moment of a restart. It keeps the token that it was given last."""

    def __init__(self, operator: Operator) -> None:
        self.sockets = [operator.home(host) / "rotate.sock" for host in operator.hosts]
        self.token, self.refused, self.answered = "", 0, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        turn = 0
        while not self._ended.wait(PAUSE):
            turn += 1
            for path in (self.sockets[turn % 2], self.sockets[1 - turn % 2]):
                try:
                    status, token = asked(path, self.token)
                except (OSError, http.client.HTTPException):
                    continue
                self.answered += 1
                self.refused += status == 401
                self.token = token
                break


def asked(path: Path, token: str) -> tuple[int, str]:
    connection = OverSocket(path)
    try:
        connection.request("GET", "/", headers={"X-Token": token} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.headers["X-Token"]
    finally:
        connection.close()


@pytest.fixture
def operator(tmp_path: Path, lab: Sandbox) -> Iterator[Operator]:
    settings = {"KEY": {"from": "env:LAB_KEY", "rotate": {"accept": "OTHER_KEY", "overlap": "1h"}}}
    text = "KEY='the-former-key'\nLAST=1\n"
    with serving_app(tmp_path, lab, "rotate", MAIN, "the-former-key", settings, text) as operator:
        yield operator
    for host in operator.hosts:
        shutil.rmtree(operator.home(host) / "rotate")


def texts(operator: Operator) -> set[str]:
    return {(operator.home(host) / "rotate/app/shared/.env").read_text() for host in operator.hosts}


def test_no_request_is_refused_in_any_phase(operator: Operator) -> None:
    (before,) = texts(operator)
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 0 and "no other key is accepted" in ran.out, ran.said
    operator.env["LAB_KEY"] = "the new key"
    ran = operator.fab("env.push", "--only", "KEY")
    assert ran.code == 2 and "KEY is rotated" in ran.said, ran.said
    with Visitor(operator) as visitor:
        ran = operator.fab("env.rotate", "KEY")
        assert ran.code == 0 and "phase 1 of 3 of KEY: all hosts accept the new one" in ran.said, ran.said
        assert texts(operator) == {"KEY='the-former-key'\nLAST=1\nexport OTHER_KEY='the new key'\n"}
        ran = operator.fab("env.rotate", "KEY")
        assert ran.code == 0 and "phase 2 of 3" in ran.said, ran.said
        signing = texts(operator)
        assert signing == {"export KEY='the new key'\nLAST=1\nexport OTHER_KEY='the-former-key'\n"}
        # The second phase taken back, and done once more.
        assert operator.fab("env.undo").code == 0
        assert texts(operator) == {"KEY='the-former-key'\nLAST=1\nexport OTHER_KEY='the new key'\n"}
        assert operator.fab("env.rotate", "KEY").code == 0
        ran = operator.fab("env.rotate", "KEY")
        assert ran.code == 0 and "both keys are accepted for " in ran.out and texts(operator) == signing, ran.said
        assert operator.fab("lock.show").code == 0
    assert visitor.answered > 50 and visitor.refused == 0, (visitor.answered, visitor.refused)
    old = visitor.token
    with Visitor(operator) as visitor:
        ran = operator.fab("env.rotate", "KEY", "--at-once", "--json")
        assert (ran.code, ran.json["result"]) == (0, "done"), ran.said
    assert texts(operator) == {"export KEY='the new key'\nLAST=1\n"} and visitor.refused == 0
    assert asked(visitor.sockets[0], old)[0] == 200, "it was signed with the new key"
    ran = operator.fab("env.undo")
    assert ran.code == 7, "the former key is nowhere on the hosts any more"
    assert not any(
        "the-former-key" in path.read_text(errors="replace")
        for host in operator.hosts
        for path in (operator.home(host) / "rotate").rglob("*")
        if path.is_file() and not path.is_symlink()
    )
    assert before not in texts(operator)


def test_files_in_no_state_of_a_rotation_are_left_alone(operator: Operator) -> None:
    operator.env["LAB_KEY"] = "the new key"
    file = operator.home("two") / "rotate/app/shared/.env"
    file.write_text("KEY='the new key'\n")
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 7 and "they do not accept each other's" in ran.said, ran.said
    file.write_text("KEY='the-former-key'\nOTHER_KEY=third\n")
    ran = operator.fab("env.rotate", "KEY")
    assert ran.code == 7 and "that is no state of a rotation" in ran.said, ran.said
    ran = operator.fab("env.rotate", "KYE")
    assert ran.code == 2 and "there is no key KYE that is rotated: did you mean KEY?" in ran.said, ran.said
