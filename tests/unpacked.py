"""Programs of Debian's packages, fetched into a cache, so that nothing is installed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

_BINS = (Path("usr/bin"), Path("usr/sbin"), Path("bin"))
_CACHE = Path("~/.cache/lockstitch-tests").expanduser()


def folder(name: str) -> Path:
    """The folder of the cache that is a program's."""
    return _CACHE / name


def unpacked(name: str, program: str, *packages: str) -> Path | None:
    """Return the path of a program of these packages, or None where it cannot be had (no apt-get)."""
    cache = folder(name)
    path = cache / program
    if not path.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        cache.mkdir(parents=True, exist_ok=True)
        if _apt(cache, "download", *packages).returncode and os.geteuid() == 0:
            _apt(cache, "update", "-q")
            _apt(cache, "download", *packages)
        for package in cache.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(cache)], check=True, capture_output=True)
            package.unlink()
    return path if path.exists() else None


def program(name: str, *packages: str) -> Path | None:
    """Return a program of this machine, or one of these packages, which finds the libraries that are unpacked beside it;
    None where it cannot be had."""
    if found := shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin"):
        return Path(found)
    cache = _CACHE / "programs" / name
    wrapper = cache / "run" / name
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wrapper.exists() and shutil.which("apt-get"):
            planned = _apt(cache, "install", "-s", "--no-install-recommends", *packages).stdout.decode().splitlines()
            needed = {line.split()[1] for line in planned if line.startswith("Inst ")}
            libraries = sorted(each for each in needed - set(packages) if each.startswith(("lib", "lua")))
            unpacked(f"programs/{name}", f"usr/bin/{name}", *packages, *libraries)
            if path := next((cache / at / name for at in _BINS if (cache / at / name).exists()), None):
                _wrap(wrapper, path, cache)
    return wrapper if wrapper.exists() else None


def _wrap(wrapper: Path, path: Path, cache: Path) -> None:
    folders = ":".join(str(each) for each in sorted({library.parent for library in cache.rglob("*.so*")}))
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text(f'#!/bin/sh\nexport LD_LIBRARY_PATH="{folders}"\nexec "{path}" "$@"\n')
    wrapper.chmod(0o755)


def apt_get(*words: str) -> list[str]:
    """The words of a call of apt-get that keeps what it has read: in an image for containers it reads all lists anew."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    kept = (f"Dir::Cache::{name}={_CACHE}/apt-{name}.bin" for name in ("pkgcache", "srcpkgcache"))
    return ["apt-get", *(word for option in kept for word in ("-o", option)), *words]


def _apt(cache: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(apt_get(*words), cwd=cache, capture_output=True, check=False)
