"""Clients that write while something is done to their database, and what each of them was told is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers import APP, LocalServer

TABLE = "CREATE TABLE written (client int, n int, PRIMARY KEY (client, n))"
Rows = set[tuple[int, int]]


class Clients:
    """Each writes a row a transaction, and connects anew when its session is ended. They write at most so much; `also`
    are errors after which a client tries again as well."""

    def __init__(
        self,
        server: LocalServer,
        database: str,
        count: int = 3,
        most: int = 3000,
        also: tuple[type[Exception], ...] = (),
    ) -> None:
        self.told: list[Rows] = [set() for _ in range(count)]
        self.lost = 0
        self._again = (*server.lost, *also)
        self._server, self._database, self._most = server, database, most
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads)
        assert not self._errors, self._errors

    @property
    def acknowledged(self) -> Rows:
        """Every row that somebody was told is committed."""
        return set().union(*(set(each) for each in map(list, self.told)))

    def until_each_wrote(self, more: int = 5, seconds: float = 20.0) -> None:
        """Wait until every client has written so many more rows."""
        wanted = [len(each) + more for each in self.told]
        until = time.monotonic() + seconds
        while any(len(each) < want for each, want in zip(self.told, wanted, strict=True)):
            assert time.monotonic() < until and not self._errors, (wanted, self._errors)
            time.sleep(0.005)

    def _run(self, number: int) -> None:
        try:
            self._write(number)
        except BaseException as error:
            self._errors.append(error)

    def _write(self, number: int) -> None:
        n = 0
        while not self._stop.is_set() and n < self._most:
            try:
                with self._server.connect(self._database, APP, f"client {number}") as connection:
                    while not self._stop.is_set() and n < self._most:
                        n += 1
                        connection.execute("INSERT INTO written VALUES (%s, %s)", (number, n))
                        self.told[number].add((number, n))
                        time.sleep(0.002)
            except self._again:
                # What was under way is neither known to be written nor known not to be: its number is not used again.
                self.lost += 1
                time.sleep(0.01)


def rows(server: LocalServer, database: str) -> Rows:
    return set(server.sql("SELECT client, n FROM written", database))


@contextmanager
def session(server: LocalServer, database: str, user: str = APP, *first: str) -> Iterator[Any]:
    """Somebody who is connected and has said so much; that the session is ended meanwhile is no error."""
    connection = server.connect(database, user, "somebody")
    try:
        for line in first:
            connection.execute(line)
        yield connection
    finally:
        connection.close()
