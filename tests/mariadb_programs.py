"""Where the programs of a MariaDB come from: what is installed, or else Debian's packages, unpacked and not installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.containers.local import STATE, exclusive
from tests.unpacked import apt_get

CLIENTS = ("mariadb", "mariadb-dump", "mariadb-admin", "mariadb-check")
HELPERS = ("my_print_defaults", "resolveip")
SERVER = "mariadbd"
WANTED = ("mariadb-server-core", "mariadb-client-core")
# Its own dependencies, Perl among them, are for programs that are not used here.
ALONE = "mariadb-client"
UNPACKED = STATE / "mariadb"
KEPT = ("bin", "sbin", "lib", "share/mysql")
# A program that finds the libraries beside it.
WRAPPER = """#!/bin/sh
export LD_LIBRARY_PATH='{libraries}'
exec '{program}' "$@"
"""


class NoMariaDB(RuntimeError):
    """There is none to be had on this machine: the message says why."""


@dataclass(frozen=True)
class Programs:
    """The folder that `--basedir` means, the clients' folder, and what begins the server."""

    base: Path
    clients: Path
    server: Path


def programs(root: Path) -> Programs:
    """Programs that the server's user can run; unpacked ones are copied into `root`."""
    found = shutil.which(SERVER) or shutil.which(SERVER, path="/usr/sbin:/usr/local/sbin")
    client = shutil.which(CLIENTS[0])
    if found and client and all((Path(client).parent / name).exists() for name in CLIENTS):
        server = Path(found).resolve()
        return Programs(server.parents[1], Path(client).parent, server)
    with exclusive("mariadb"):
        if not UNPACKED.exists():
            _unpack()
        base = Path(shutil.copytree(UNPACKED, root / "usr", symlinks=True))
    for program in (base / "sbin" / SERVER, *(base / "bin" / name for name in (*CLIENTS, *HELPERS))):
        _wrap(base, program)
    return Programs(base, base / "bin", base / "sbin" / SERVER)


def _wrap(base: Path, program: Path) -> None:
    libraries = ":".join(str(path) for path in sorted((base / "lib").glob("*-linux-*")))
    (base / "real").mkdir(exist_ok=True)
    real = program.rename(base / "real" / program.name)
    program.write_text(WRAPPER.format(libraries=libraries, program=real))
    program.chmod(0o755)


def _unpack() -> None:
    """Download the packages with the machine's own apt, and keep what is needed of them."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NoMariaDB("no MariaDB is installed, and this machine has no apt to download one with")
    planned = _run(*apt_get("install", "-s", "--no-install-recommends", *WANTED)).splitlines()
    needed = {line.split()[1] for line in planned if line.startswith("Inst ")} | {*WANTED, ALONE}
    with tempfile.TemporaryDirectory(dir=UNPACKED.parent) as name:
        folder = Path(name)
        _run(*apt_get("download", "-o", "Acquire::http::Timeout=20", *sorted(needed)), cwd=folder)
        for package in folder.glob("*.deb"):
            _run("dpkg", "-x", str(package), str(folder / "all"))
        for kept in filter(lambda kept: (folder / "all/usr" / kept).exists(), KEPT):
            shutil.copytree(folder / "all/usr" / kept, folder / "kept" / kept, symlinks=True)
        (folder / "kept").rename(UNPACKED)


def _run(*words: str, cwd: Path | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=300)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NoMariaDB(f"no MariaDB is installed, and {words[0]} failed: {' '.join(said)}")
    return done.stdout
