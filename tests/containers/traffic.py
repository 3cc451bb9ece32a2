"""Clients who want an answer while a fleet changes: bounded in count and time, and over loopback only."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.containers.machine import Machine

MOST_REQUESTS, MOST_SECONDS = 10_000, 240.0
TIMEOUT = 15.0
# A quick page again and again, and a slow one, so that some request is always on its way.
LOOPS = {"/": 0.04, "/slow": 0.0}
# Whoever is sent away comes back after so long: an error is quick, and would be asked for hundreds of times a second.
SENT_AWAY = 0.2


@dataclass(frozen=True)
class Answer:
    """One request on a connection of its own: when it began and ended, what revision answered, or what went wrong and
    when to come back."""

    host: str
    path: str
    began: float
    ended: float
    revision: str
    error: str = ""
    retry_after: str = ""


class Traffic:
    """Asks every machine from the moment it is entered until it is left; the answers are read afterwards."""

    def __init__(self, machines: Iterable[Machine], loops: dict[str, float] | None = None) -> None:
        self.answers: list[Answer] = []
        self._stop = threading.Event()
        wanted = [(machine, path, pause) for machine in machines for path, pause in (loops or LOOPS).items()]
        self._threads = [threading.Thread(target=self._ask_often, args=each, daemon=True) for each in wanted]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUT)

    @property
    def failed(self) -> list[Answer]:
        """The requests that got no good answer."""
        return [each for each in self.answers if each.error]

    def of(self, host: str) -> Sequence[Answer]:
        """The answers of one host, by when they were asked for."""
        return sorted((each for each in self.answers if each.host == host), key=lambda each: each.began)

    def _ask_often(self, machine: Machine, path: str, pause: float) -> None:
        until = time.monotonic() + MOST_SECONDS
        for _ in range(MOST_REQUESTS):
            # The last request begins after the end: what serves then has answered, however slow the machine is.
            last = self._stop.is_set() or time.monotonic() > until
            self.answers.append(answer := ask(machine, path))
            if last:
                return
            self._stop.wait(max(pause, SENT_AWAY) if answer.error else pause)


def ask(machine: Machine, path: str) -> Answer:
    """One request on a new connection through the machine's published port."""
    began = time.time()
    connection = http.client.HTTPConnection("127.0.0.1", machine.http_port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            retry = answer.getheader("Retry-After", "")
            return Answer(machine.name, path, began, time.time(), "", f"status {answer.status}", retry)
        return Answer(machine.name, path, began, time.time(), str(json.loads(body)["revision"]))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(machine.name, path, began, time.time(), "", repr(error))
    finally:
        connection.close()
