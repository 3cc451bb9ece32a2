"""PgBouncer: installed, or fetched from Debian's packages into a cache, so that nothing is installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.postgres import LocalPostgres, as_nobody, own
from tests.unpacked import apt_get

CACHE = Path("~/.cache/lockstitch-tests/pgbouncer").expanduser()
PACKAGES = ("pgbouncer", "libevent-2.1-7", "libc-ares2")
STATS = "stats"


def program() -> str | None:
    """The path of the program, or None where none can be had (no PgBouncer and no apt-get)."""
    if found := shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"):
        return found
    fetched = CACHE / "usr/sbin/pgbouncer"
    if not fetched.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(apt_get("download", *PACKAGES), cwd=CACHE, capture_output=True, check=False)
        for package in CACHE.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(CACHE)], check=True, capture_output=True)
    return str(fetched) if fetched.exists() else None


@contextmanager
def pooling(server: LocalPostgres, database: str, size: int = 1) -> Iterator[int]:
    """A PgBouncer before a database of a server, with so many connections to it; its port."""
    folder = server.root / "pooler"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    port, users = free_port(), folder / "users"
    # Whoever it runs as may not look into the home of who tests.
    for file in (Path(program() or ""), *CACHE.rglob("libevent-2.1.so*"), *CACHE.rglob("libcares.so*")):
        shutil.copy(file, folder)
    users.write_text("".join(f'"{name}" "{word}"\n' for name, word in (("app", "pw"), (STATS, "st'ats"))))
    login = f"user=app password='{server.passwords['app'].replace(chr(39), chr(39) * 2)}'"
    (folder / "config").write_text(f"""[databases]
{database} = host=127.0.0.1 port={server.port} {login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
stats_users = {STATS}
pool_mode = transaction
default_pool_size = {size}
""")
    for path in (folder, users, folder / "config"):
        own(path)
    with (folder / "log").open("w") as log:
        command = [*as_nobody(signal.SIGTERM), str(folder / "pgbouncer"), str(folder / "config")]
        process = subprocess.Popen(command, stderr=log, stdout=log, env={**os.environ, "LD_LIBRARY_PATH": str(folder)})
    try:
        until = time.monotonic() + 15
        while True:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < until and process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)
