"""Values of an app that other parts than the host tell: a real Redis, queues as a service tells them, and what is not there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockstitch.checks.app_values import AppValues, value_queries
from lockstitch.checks.metric_queries import gate_queries, source_queries
from lockstitch.engine.read_sources import read_sources
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.metrics.measurement import Measurement, Window
from tests.local import LocalRemote
from tests.ports import free_port
from tests.servers import folder
from tests.unpacked import program

ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
SECRET = "s3cret/@:x"
LARAVEL = {"kind": "laravel", "fpm": {"unit": "php-fpm"}}


def fleet(root: Path, service: dict[str, Any] | None = None, **app: Any) -> Fleet:
    names = ("jobs_waiting", "jobs_failed", "redis_memory", "redis_clients", "connections")
    limits = {name: "80%" if name.startswith(("redis", "conn")) else 100 for name in names}
    gates = {name: {"source": "host", "value": name, "max": limit} for name, limit in limits.items()}
    settings = {
        "repository": "git@example.com:acme/api.git",
        "path": "/app/api",
        "layout": "releases",
        "service": service or {"kind": "systemd", "unit": "api"},
        "gates": gates,
        **app,
    }
    inventory = {"groups": {"backend": {"hosts": ["web1"], "apps": ["api"]}}, "apps": {"api": settings}}
    (root / "hosts").mkdir(exist_ok=True)
    import yaml

    (root / "hosts" / "prod.yml").write_text(yaml.safe_dump(inventory))
    return select(InventoryFolder(root / "hosts"), "prod").fleets[0]


class RedisServer:
    """A real Redis on loopback, with a password."""

    def __init__(self, path: Path, root: Path) -> None:
        self.port = free_port()
        words = [str(path), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(root)]
        with (root / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*ENDS_WITH_US, *words, "--requirepass", SECRET, "--maxclients", "200"], stdout=log, stderr=log
            )
        self.until("PONG", "PING")

    def ask(self, *words: str) -> str:
        cli = program("redis-cli", "redis-tools")
        return subprocess.run(
            [str(cli), "-p", str(self.port), "--no-auth-warning", "-a", SECRET, *words], capture_output=True, text=True
        ).stdout.strip()

    def until(self, says: str, *words: str) -> None:
        until = time.monotonic() + 20
        while self.ask(*words) != says:
            assert self.process.poll() is None and time.monotonic() < until
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    path = program("redis-server", "redis-server", "redis-tools")
    if path is None or program("redis-cli", "redis-tools") is None:
        pytest.skip("Redis cannot be had: there is no apt-get")
    with folder() as root:
        running = RedisServer(path, root)
        yield running
        running.process.terminate()
        running.process.wait(10)


def read(fleet: Fleet, root: Path, only: str = "", path: str = "") -> Measurement:
    queries = gate_queries(fleet, lambda query: (Window(-60),))
    remote = LocalRemote(root, env={"PATH": path} if path else {})
    (answer,) = read_sources(remote, queries).values()
    return answer


REDIS = {"checks": {"redis": {"url": "env:CACHE_URL"}}}


@pytest.mark.parametrize("by", ["redis-cli", "python3"])
def test_a_real_redis(server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setenv("CACHE_URL", f"redis://:s3cret%2F%40%3Ax@127.0.0.1:{server.port}/0")
    path = ""
    if by == "redis-cli":
        cli = program("redis-cli", "redis-tools")
        assert cli
        path = f"{cli.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    server.ask("CONFIG", "SET", "maxmemory", "0")
    answer = read(fleet(tmp_path, **REDIS), tmp_path, path=path)
    assert "redis_memory" not in answer.values
    assert answer.unread["redis_memory"] == "env:CACHE_URL: it has no maxmemory"
    assert answer.values["redis_clients"] == pytest.approx(1 / 200, abs=1 / 200)
    assert answer.values["redis_clients"] > 0
    server.ask("CONFIG", "SET", "maxmemory", "100mb")
    used = next(line for line in server.ask("INFO", "memory").splitlines() if line.startswith("used_memory:"))
    answer = read(fleet(tmp_path, **REDIS), tmp_path, path=path)
    assert answer.values["redis_memory"] == pytest.approx(int(used.split(":")[1]) / (100 << 20), rel=0.2)

    monkeypatch.setenv("CACHE_URL", f"redis://:wrong-one@127.0.0.1:{server.port}/0")
    answer = read(fleet(tmp_path, **REDIS), tmp_path, path=path)
    assert not {"redis_memory", "redis_clients"} & set(answer.values)
    assert "wrong-one" not in str(answer)
    assert answer.unread["redis_clients"].startswith("env:CACHE_URL: ")


def test_what_is_not_there_is_blind_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHE_URL", raising=False)
    bare = read(fleet(tmp_path), tmp_path)
    assert bare.values["memory"] > 0
    assert bare.unread == {
        "connections": "the app has no `database` in the inventory",
        "redis_memory": "no `checks: {redis: …}` says which Redis",
        "redis_clients": "no `checks: {redis: …}` says which Redis",
        "jobs_waiting": "its service knows no queues",
        "jobs_failed": "its service knows no queues",
    }
    answer = read(fleet(tmp_path, **REDIS), tmp_path)
    assert "CACHE_URL cannot be had: it is not set" in answer.unread["redis_memory"]
    nobody = {"checks": {"redis": {"url": "redis://127.0.0.1:1"}}}
    assert "redis://127.0.0.1:1: " in read(fleet(tmp_path, **nobody), tmp_path).unread["redis_memory"]


QUEUES = """\
worker 12 100 new queue:work redis
monitor default [redis] default ..................... [7] OK
monitor mails [redis] mails ......................... [2] OK
failed  2026-11-29 08:00:00 5b8 .................... redis@default App\\Jobs\\Sync
"""


def jobs(root: Path, text: str, code: int = 0) -> AppValues:
    from lockstitch.services import service_types

    kind = next(kind for kind, model in service_types().items() if "queue" in vars(model))
    (example, *_) = service_types()[kind].examples
    shop = fleet(root, {"kind": kind, **example})
    ((host, app),) = shop.sites()
    (part,) = value_queries(shop, host, app, frozenset({"jobs_waiting", "jobs_failed"}))
    return part.probe({}).parse(text, code)


def test_queues(tmp_path: Path) -> None:
    assert jobs(tmp_path, QUEUES).values == {"jobs_waiting": 9.0, "jobs_failed": 1.0}
    none = QUEUES.replace("failed  2026", "failed INFO  No failed jobs found. 2026").replace("redis@default", "")
    assert jobs(tmp_path, none).values["jobs_failed"] == 0.0


@pytest.mark.parametrize(
    ("text", "code", "unread"),
    [
        ("", 1, {"jobs_waiting", "jobs_failed"}),
        ("php: not found\n", 127, {"jobs_waiting", "jobs_failed"}),
        (QUEUES.replace("[2] OK", "no connection"), 0, {"jobs_waiting"}),
        (
            QUEUES.replace("failed  2026", "failed Connection refused 2026").replace("redis@default", ""),
            0,
            {"jobs_failed"},
        ),
    ],
)
def test_queues_that_cannot_be_asked_are_never_empty(tmp_path: Path, text: str, code: int, unread: set[str]) -> None:
    answer = jobs(tmp_path, text, code)
    assert set(answer.unread) == unread
    assert not unread & set(answer.values)


def test_a_source_without_such_gates_asks_nothing_more(tmp_path: Path) -> None:
    plain = fleet(tmp_path, gates={"memory": {"source": "host", "value": "memory", "max": "90%"}})
    assert [query.values for query in gate_queries(plain, lambda query: (Window(-60),))] == [()]
    (query,) = source_queries(fleet(tmp_path), (Window(-60),))
    assert query.app == "api" and len(query.values) == 3
