"""Unleash on loopback: a real one with a PostgreSQL of the tests' own, and a stand-in that answers as that one did.

Both are asked through a door, which can fail in their place.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.ports import free_port
from tests.servers import LocalServer
from tests.unpacked import folder

ADMIN, CLIENT = "*:*.admin-of-tests", "default:development.client-of-tests"
READY_SECONDS = 90.0
FEATURES = "/api/admin/projects/default/features"
Answer = tuple[int, str]
Fault = Callable[[str, str], "Answer | str"]


class Unleash(ABC):
    """A server behind a door. `fault` is asked for each request with its method and path: it returns an answer in place
    of the server's, `hang`, `lost` (the server does it, and nobody hears of that), or nothing."""

    def __init__(self) -> None:
        self.fault: Fault = lambda method, path: ""
        self.asked: list[str] = []
        self.ended = threading.Event()
        self.door = _Door(self)
        threading.Thread(target=self.door.serve_forever, args=(0.01,), daemon=True).start()

    @abstractmethod
    def carry_out(self, method: str, path: str, body: str, token: str) -> Answer:
        """The status and the body of an answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.server_address[1]}"

    def ask(self, method: str, path: str, body: Any = None, token: str = ADMIN) -> Any:
        """Make a request past the door. Returns its answer, None for an answer without a body."""
        status, text = self.carry_out(method, path, "" if body is None else json.dumps(body), token)
        assert status < 300, (method, path, status, text)
        return json.loads(text) if text else None

    def create(self, name: str, *rollouts: str, environment: str = "development", **more: Any) -> list[str]:
        """Make a flag with gradual rollouts of these percentages. Returns their ids."""
        self.ask("POST", FEATURES, {"name": name, "type": "release"})
        made = []
        for rollout in rollouts:
            known = {"rollout": rollout, "stickiness": "default", "groupId": name}
            strategy = {"name": "flexibleRollout", "parameters": known, "constraints": [], **more}
            added = self.ask("POST", f"{FEATURES}/{name}/environments/{environment}/strategies", strategy)
            made.append(str(added["id"]))
        return made

    def state(self, name: str, environment: str = "development") -> dict[str, Any]:
        """Return the whole of a flag in an environment."""
        known = self.ask("GET", f"{FEATURES}/{name}")
        (place,) = (place for place in known["environments"] if place["name"] == environment)
        return {"enabled": place["enabled"], "strategies": place["strategies"]}

    def stop(self) -> None:
        self.ended.set()
        self.door.shutdown()
        self.door.server_close()


class _Door(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, unleash: Unleash) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.unleash = unleash


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words: object) -> None: ...

    def _answer(self) -> None:
        assert isinstance(self.server, _Door)
        unleash = self.server.unleash
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        unleash.asked.append(f"{self.command} {self.path}")
        fault = unleash.fault(self.command, self.path)
        if fault == "hang":
            unleash.ended.wait(20)
            return
        if not isinstance(fault, tuple):
            answer = unleash.carry_out(self.command, self.path, body, self.headers["Authorization"] or "")
            if fault == "lost":
                return
        status, text = fault if isinstance(fault, tuple) else answer
        self.send_response(status)
        if status in (301, 302):
            self.send_header("Location", f"{unleash.url}/login")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer


class StandIn(Unleash):
    """A stand-in for the admin API, by the answers of Unleash 7.5.1: the tests that run on both keep it so."""

    def __init__(self) -> None:
        super().__init__()
        self.features: dict[str, dict[str, Any]] = {}
        self.archived: set[str] = set()
        self.made = 0

    def carry_out(self, method: str, path: str, body: str, token: str) -> Answer:
        if token == CLIENT:
            return 403, '{"message":"invalid token: expected a different token type for this endpoint"}'
        if token != ADMIN:
            return _error(401, "UnauthorizedError", "You must log in to use Unleash.")
        given: Any = json.loads(body) if body else None
        match = re.fullmatch(
            r"/api/admin/projects/([^/]+)/features(?:/([^/]+))?(?:/environments/([^/]+))?(?:/(.+))?", path
        )
        if not match:
            return _error(404, "NotFoundError", f"The path you were looking for ({path}) is not available.")
        project, name, environment, more = (unquote(each) if each else "" for each in match.groups())
        if method == "POST" and not name:
            known = [{"name": at, "enabled": False, "strategies": list[Any]()} for at in ("development", "production")]
            self.features[given["name"]] = {"name": given["name"], "archived": False, "environments": known}
            return 201, json.dumps({"name": given["name"], "archived": False})
        if name in self.archived:
            if method == "GET":
                return _error(404, "NotFoundError", f"Could not find feature flag with name {name}")
            return _error(400, "ArchivedFeatureError", "Cannot perform this operation on archived features")
        if name not in self.features or project != "default":
            return _error(404, "NotFoundError", f'There\'s no feature named "{name}" in project "{project}".')
        feature = self.features[name]
        if method == "DELETE":
            self.archived.add(name)
            return 202, ""
        if method == "GET":
            return 200, json.dumps(feature)
        place = next(each for each in feature["environments"] if each["name"] == environment)
        return self._change(method, name, place, more, given)

    def _change(self, method: str, name: str, place: dict[str, Any], more: str, given: Any) -> Answer:
        strategies = place["strategies"]
        if more in ("on", "off"):
            place["enabled"] = more == "on"
            if more == "on" and all(each["disabled"] for each in strategies):
                everybody = {"rollout": "100", "stickiness": "default", "groupId": name}
                strategies.append(self._strategy({"name": "flexibleRollout", "parameters": everybody}, strategies))
            return 200, ""
        if method == "POST":
            strategies.append(self._strategy(given, strategies))
            return 200, json.dumps(strategies[-1])
        strategy = next((each for each in strategies if f"strategies/{each['id']}" == more), None)
        if strategy is None:
            return _error(404, "NotFoundError", f"Could not find strategy with id: {more.partition('/')[2]}")
        for operation in given:
            *parents, last = operation["path"].strip("/").split("/")
            assert operation["op"] == "replace" and len(parents) < 2
            (strategy[parents[0]] if parents else strategy)[last] = operation["value"]
        return 200, json.dumps(strategy)

    def _strategy(self, given: dict[str, Any], others: list[Any]) -> dict[str, Any]:
        self.made += 1
        known: dict[str, Any] = {"constraints": [], "variants": [], "segments": [], "title": None, "disabled": False}
        return {**known, **given, "sortOrder": len(others), "id": f"6a218f1f-9dc6-4fa4-8604-{self.made:012d}"}


def _error(status: int, name: str, message: str) -> Answer:
    return status, json.dumps({"name": name, "message": message, "details": [{"message": message}]})


_START = """
const given = JSON.parse(process.argv[1]);
require('unleash-server').start({
  db: given.db,
  server: {host: '127.0.0.1', port: given.port, gracefulShutdownEnable: false},
  versionCheck: {enable: false}, telemetry: false, logLevel: 'error',
  authentication: {initApiTokens: [
    {environment: '*', project: '*', secret: given.admin, type: 'admin', tokenName: 'admin'},
    {environment: 'development', projects: ['default'], secret: given.client, type: 'client', tokenName: 'client'},
  ]},
});
"""


def installed() -> Path | None:
    """The folder whose `node_modules` has the server, as LOCKSTITCH_UNLEASH names it; None where it names none."""
    named = os.environ.get("LOCKSTITCH_UNLEASH", "")
    return Path(named).resolve() if named else None


def install() -> Path:
    """Install the server into a cache, where it is not there yet: it needs node 20 or newer, and npm. Returns the
    folder."""
    place = folder("unleash-7.5.1")
    if not (place / "whole").exists():
        place.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--prefix", str(place), "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run([*words, "unleash-server@7.5.1"], check=True, stdout=sys.stderr)
        (place / "whole").touch()
    return place


class RealUnleash(Unleash):
    """The real server."""

    def __init__(self, place: Path, database: LocalServer, log: Path) -> None:
        super().__init__()
        self.port = free_port()
        database.drop("unleash")
        database.create("unleash")
        login = {"user": "app", "password": database.passwords["app"], "host": "127.0.0.1", "port": database.port}
        given = {"db": {**login, "database": "unleash", "ssl": False}, "port": self.port}
        words = ["node", "-e", _START, json.dumps({**given, "admin": ADMIN, "client": CLIENT})]
        env = {**os.environ, "NODE_PATH": str(place / "node_modules"), "TMPDIR": str(log.parent)}
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *words], cwd=log.parent, env=env, stdout=file, stderr=file
            )
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.ask("GET", "/api/admin/projects")
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
                time.sleep(0.1)

    def carry_out(self, method: str, path: str, body: str, token: str) -> Answer:
        headers = {"Authorization": token, "Content-Type": "application/json"}
        data = body.encode() if body else None
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def users_in(self, name: str, users: int = 200) -> set[str]:
        """The users for whom the flag is on, as the server's own playground says."""
        ids = ",".join(map(str, range(users)))
        asked = {
            "projects": ["default"],
            "environments": ["development"],
            "context": {"appName": "shop", "userId": ids},
        }
        answer = self.ask("POST", "/api/admin/playground/advanced", asked)
        (feature,) = (each for each in answer["features"] if each["name"] == name)
        return {each["context"]["userId"] for each in feature["environments"]["development"] if each["isEnabled"]}

    def stop(self) -> None:
        super().stop()
        self._process.kill()
        self._process.wait(10)


@pytest.fixture(scope="session")
def real_unleash(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealUnleash]:
    place = installed()
    if place is None:
        pytest.skip("the real Unleash is asked by: scripts/test --unleash")
    database = request.getfixturevalue("local_postgres")
    made = RealUnleash(place, database, tmp_path_factory.mktemp("unleash") / "log")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    made = StandIn()
    yield made
    made.stop()


@pytest.fixture(params=["stand_in", "real_unleash"])
def unleash(request: pytest.FixtureRequest) -> Iterator[Unleash]:
    made: Unleash = request.getfixturevalue(request.param)
    yield made
    made.fault = lambda method, path: ""
    made.asked.clear()


if __name__ == "__main__":
    # For scripts/test.
    print(install())
