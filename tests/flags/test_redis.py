"""A flag in Redis, by the protocol: a stand-in that keeps keys. The real one is asked in tests/containers."""

from __future__ import annotations

import socketserver
import subprocess
import threading
from collections.abc import Iterator

import pytest

from lockstitch.flags import FlagPlace, FlagReading, parse_reading
from lockstitch.flags.redis import RedisFlag
from lockstitch.model.command import Command, Secret

PASSWORD = "s3cret/@:x"


class Keys(socketserver.ThreadingTCPServer):
    """A server that knows what a flag needs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.keys: dict[str, object] = {}
        self.asked: list[list[str]] = []

    def answer(self, words: list[str]) -> str:
        self.asked.append(words)
        match words:
            case ["EXISTS", key]:
                return f":{int(key in self.keys)}"
            case ["TYPE", key]:
                return "+hash" if isinstance(self.keys[key], dict) else "+string"
            case ["GET", key]:
                return bulk(str(self.keys[key]))
            case ["SET", key, value]:
                self.keys[key] = value
                return "+OK"
            case ["DEL", key]:
                return f":{int(self.keys.pop(key, None) is not None)}"
            case ["HEXISTS", key, field]:
                return f":{int(field in self.hash(key))}"
            case ["HGET", key, field]:
                return bulk(self.hash(key)[field])
            case ["HSET", key, field, value]:
                new = field not in self.hash(key)
                self.hash(key)[field] = value
                return f":{int(new)}"
            case ["HDEL", key, field]:
                return f":{int(self.hash(key).pop(field, None) is not None)}"
        return f"-ERR unknown command {words[0]}"

    def hash(self, key: str) -> dict[str, str]:
        made = self.keys.setdefault(key, {})
        assert isinstance(made, dict)
        return made


class Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Keys)
        known = False
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2].decode())
            if words[0] == "AUTH":
                known = words[-1] == PASSWORD
                said = "+OK" if known else "-WRONGPASS invalid username-password pair"
            else:
                said = server.answer(words) if known else "-NOAUTH Authentication required."
            self.wfile.write(f"{said}\r\n".encode())


def bulk(text: str) -> str:
    return f"${len(text.encode())}\r\n{text}"


@pytest.fixture
def keys() -> Iterator[Keys]:
    with Keys() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def place(keys: Keys, password: str = PASSWORD) -> FlagPlace:
    from urllib.parse import quote

    url = f"redis://:{quote(password, safe='')}@127.0.0.1:{keys.server_address[1]}"
    return FlagPlace("PHASE_1", "api", "current", "prod", {"env:URL": Secret(url, "env:URL")})


def run(command: Command) -> tuple[str, int]:
    done = subprocess.run(["sh"], input=command.render().encode(), capture_output=True)
    return (done.stdout + done.stderr).decode(), done.returncode


@pytest.mark.parametrize("field", [None, "PHASE_1"])
def test_it_is_set_taken_away_and_read_back(keys: Keys, field: str | None) -> None:
    flag = RedisFlag.model_validate({"kind": "redis", "url": "env:URL", "key": "flags", "field": field})
    at = place(keys)
    assert parse_reading(*run(flag.probe(at).command)) == FlagReading()
    for value, expected in (("10", "unset"), ("", "value 10"), ("two words", "value "), (None, "value two words")):
        said, code = run(flag.change(at, value, expected))
        assert code == 0, said
        assert parse_reading(*run(flag.probe(at).command)) == FlagReading(value)
    said, code = run(flag.change(at, "50", "value 10"))
    assert code == 1 and "it was 'value 10' and is 'unset'" in said


def test_a_refusal_is_no_value_and_the_password_is_in_no_argument(keys: Keys) -> None:
    flag = RedisFlag.model_validate({"kind": "redis", "url": "env:URL", "key": "flags"})
    reading = parse_reading(*run(flag.probe(place(keys, "wrong")).command))
    assert "WRONGPASS" in reading.problem
    keys.shutdown()
    keys.server_close()
    assert "refused" in parse_reading(*run(flag.probe(place(keys)).command)).problem
    assert keys.asked == []


def test_a_key_of_another_kind_is_told(keys: Keys) -> None:
    keys.keys["flags"] = {"PHASE_1": "5"}
    flag = RedisFlag.model_validate({"kind": "redis", "url": "env:URL", "key": "flags"})
    assert parse_reading(*run(flag.probe(place(keys)).command)).problem == "flags is a hash: give its field"
