"""The images of hosts, built once and found again by a hash of everything that went into them."""

from __future__ import annotations

import hashlib
import io
import os
import ssl
import subprocess
import sys
import tarfile
from pathlib import Path

import docker
from docker.errors import BuildError

from tests.containers import base
from tests.containers.local import exclusive

REPOSITORY, PHP_REPOSITORY = "lockstitch-test-host", "lockstitch-test-php"
HERE = Path(__file__).parent
CONTEXT, PHP_CONTEXT = HERE / "images" / "host", HERE / "images" / "php"
NEXT = HERE / "apps" / "next"
PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]


class ImageError(RuntimeError):
    """An image cannot be built: the message holds the last lines of the build."""


def ensure(client: docker.DockerClient) -> str:
    """Build the images that are missing; the tag of the host image."""
    with exclusive("images"):
        return _host(client)


def ensure_php(client: docker.DockerClient) -> str:
    """The same for the image of the hosts for PHP, which is a layer over the host image. That one is of use meanwhile."""
    host, files = ensure(client), _files(PHP_CONTEXT)
    name = f"{PHP_REPOSITORY}:{_digest(host, files)}"
    with exclusive("php-image"):
        if not client.images.list(name=name):
            _build(client, name, files, host)
    return name


def _host(client: docker.DockerClient) -> str:
    files = context_files()
    name = f"{REPOSITORY}:{_digest(base.tag(), files)}"
    if not client.images.list(name=name):
        _build(client, name, files, base.ensure(client))
    return name


def context_files() -> dict[str, bytes]:
    """Every file of the host image's context by its path, the controller's certificate authorities among them."""
    files = _files(CONTEXT)
    for name in ("package.json", "package-lock.json"):
        files[f"next/{name}"] = (NEXT / name).read_bytes()
    files["ca-certificates.crt"] = _authorities()
    return files


def _files(context: Path) -> dict[str, bytes]:
    return {str(path.relative_to(context)): path.read_bytes() for path in context.rglob("*") if path.is_file()}


def _authorities() -> bytes:
    path = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    for candidate in (path, "/etc/ssl/certs/ca-certificates.crt"):
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    raise ImageError("this machine has no bundle of certificate authorities; install ca-certificates")


def _digest(below: str, files: dict[str, bytes]) -> str:
    digest = hashlib.sha256(below.encode())
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()[:12]


def _build(client: docker.DockerClient, name: str, files: dict[str, bytes], base_tag: str) -> None:
    try:
        client.images.build(
            fileobj=_archive(files),
            custom_context=True,
            tag=name,
            rm=True,
            forcerm=True,
            buildargs={"BASE": base_tag, **_registries()},
        )
    except BuildError as error:
        said = "".join(str(line.get("stream", "")) for line in error.build_log if isinstance(line, dict))
        raise ImageError(f"{name} cannot be built: {error}\n{said[-3000:]}") from error


def _archive(files: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            # Fixed modes and times: the image does not depend on how the repository was checked out.
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _registries() -> dict[str, str]:
    """Where this machine is told to fetch packages from, for the build alone."""
    found = {name: os.environ.get(name, "") or os.environ.get(name.lower(), "") for name in PROXIES}
    found["PIP_INDEX_URL"] = _answer([sys.executable, "-m", "pip", "config", "get", "global.index-url"])
    found["PIP_INDEX_URL"] = os.environ.get("PIP_INDEX_URL", found["PIP_INDEX_URL"])
    found["NPM_CONFIG_REGISTRY"] = _answer(["npm", "config", "get", "registry"])
    return {name: value for name, value in found.items() if value}


def _answer(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    print(ensure_php(docker.from_env(timeout=900)))
