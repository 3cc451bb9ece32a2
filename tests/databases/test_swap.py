"""What is lost in the middle of a restore: the connection at any script, or the host at any call of the engine's client."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lockstitch.errors import HostLostError
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from tests.databases.conftest import MakeStore
from tests.databases.dialects import acting_rows, assert_acts, speaks
from tests.databases.store import SHOP, Ended, Store
from tests.servers import LocalServer


@pytest.fixture
def store(server: LocalServer, make_store: MakeStore) -> Store:
    """A shop in which something acts by itself, backed up with 300 orders."""
    server.create("shop", *SHOP, *speaks(server).acts)
    store = make_store(drain="0s")
    assert store.backup().code == 0
    return store


def one_order_later(server: LocalServer) -> None:
    """The shop as it is when it is to be restored, and nothing beside it."""
    for name in server.databases():
        server.drop(name)
    server.create("shop", *SHOP, *speaks(server).acts, "INSERT INTO orders (what) VALUES ('after')")


def kept(server: LocalServer) -> list[str]:
    return [name for name in server.databases() if name.startswith("shop__before_")]


def assert_whole(store: Store, ended: Ended, case: object) -> None:
    """Wholly the old or the restored one, and it is said which; where a run could not go back, the next one completes
    and tidies up."""
    server = store.server
    old, new = acting_rows(server, 301), acting_rows(server)
    assert "shop" in server.databases(), (case, ended)
    found = server.counts("shop")
    assert found in (old, new), (case, found, ended)
    assert [server.counts(name) for name in kept(server)] == ([old] if found == new else []), (case, ended)
    for name in ("shop", *kept(server)):
        assert_acts(server, name, case)
    assert ended.code in (3, 5, 6, 7) or (ended.code == 0 and found == new), (case, ended)
    assert ended.code in (0, 6) or found == old, (case, ended)
    if ended.code != 6:
        undone = [name for name in server.databases() if name not in ("shop", *kept(server))]
        assert all(name.startswith("shop__undone_") and server.counts(name) == new for name in undone), (case, ended)
        assert store.leftovers() == [], (case, ended)
        return
    (store.state() / "lock.json").unlink(missing_ok=True)
    again = store.restore()
    assert again.code == 0, (case, again)
    assert server.counts("shop") == new, case
    assert_acts(server, "shop", case)
    assert [name for name in server.databases() if "restoring" in name] == [], case


class Lost:
    """The connection is lost for good at one script: before it is carried out, or when its answer is on the way."""

    def __init__(self, at: int, after: bool) -> None:
        self._at, self._after, self._asked = at, after, 0

    def fault(self, host: Host, script: Script) -> None:
        self._asked += 1
        if not self._after and self._asked == self._at:
            raise HostLostError(host.name, "the connection dropped")

    def loss(self, host: Host, script: Script) -> HostLostError | None:
        return HostLostError(host.name, "the connection dropped") if self._after and self._asked == self._at else None


def lost_at(store: Store, at: int, *, after: bool, do: Callable[[], Ended]) -> Ended:
    lost = Lost(at, after)
    store.remote.faults, store.remote.losses = [lost.fault], [lost.loss]
    try:
        return do()
    finally:
        store.remote.faults, store.remote.losses = [], []


def test_the_connection_at_any_script(store: Store, server: LocalServer) -> None:
    one_order_later(server)
    store.remote.scripts.clear()
    assert store.restore().code == 0
    scripts = [steps for _, steps in store.remote.scripts]
    assert len(scripts) >= 4
    for at in range(1, len(scripts) + 1):
        for after in (False, True):
            one_order_later(server)
            ended = lost_at(store, at, after=after, do=store.restore)
            assert_whole(store, ended, (at, after, scripts[at - 1]))


DIES = r"""#!/bin/sh
if [ -e "{folder}/armed" ]; then
    echo . >>"{folder}/calls"
    [ "$(grep -c . "{folder}/calls")" -ne {at} ] || {{ rm "{folder}/armed"; kill -9 0; }}
fi
exec "{real}" "$@"
"""


class Dying:
    """A host that dies when the engine's client is called for the nth time in a swap; what was called before is done."""

    def __init__(self, store: Store) -> None:
        self._store, self._folder = store, store.root / "dying"
        self._folder.mkdir()
        self._program = self._folder / speaks(store.server).audited[0]
        store.remote.env["PATH"] = f"{self._folder}:{store.remote.env['PATH']}"

    def restore(self, at: int) -> tuple[Ended, int]:
        """How a restore ended, and how often the client was called."""
        calls = self._folder / "calls"
        calls.write_text("")
        real = self._store.server.bin / self._program.name
        self._program.write_text(DIES.format(folder=self._folder, at=at, real=real))
        self._program.chmod(0o755)
        self._store.remote.faults = [self._arm]
        try:
            return self._store.restore(), len(calls.read_text().splitlines())
        finally:
            self._store.remote.faults = []
            (self._folder / "armed").unlink(missing_ok=True)

    def _arm(self, host: Host, script: Script) -> None:
        if any(step.name == "swap" for step in script.steps):
            (self._folder / "armed").touch()


def test_the_host_at_any_call_of_the_client_in_a_swap(store: Store, server: LocalServer) -> None:
    dying = Dying(store)
    one_order_later(server)
    ended, count = dying.restore(0)
    assert ended.code == 0 and count >= 3, (ended, count)
    died = set()
    for at in range(1, count + 1):
        one_order_later(server)
        ended, _ = dying.restore(at)
        died.add(ended.code)
        assert_whole(store, ended, at)
    assert died & {5, 6}, "it never died"
