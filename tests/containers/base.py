"""The base image: the distribution's own where it can be pulled, else the same made with mmdebstrap."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import docker
from docker.errors import DockerException

REPOSITORY = "lockstitch-test-base"
SUITE = "bookworm"
PULLED = "debian"
# What is lost when the power goes is built again.
DPKG = ["force-unsafe-io"]


class BaseImageError(RuntimeError):
    """The base image can neither be pulled nor made here: the message says why."""


def tag() -> str:
    """The name of the base image that this recipe makes."""
    recipe = repr((SUITE, "minbase", DPKG))
    return f"{REPOSITORY}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def ensure(client: docker.DockerClient) -> str:
    """Make the base image unless it is there already; its tag."""
    name = tag()
    if client.images.list(name=name):
        return name
    repository, _, version = name.partition(":")
    try:
        client.images.pull(PULLED, tag=f"{SUITE}-slim").tag(repository, version)
    except DockerException as reason:
        _bootstrap(client, repository, version, str(reason))
    return name


def _bootstrap(client: docker.DockerClient, repository: str, version: str, reason: str) -> None:
    if os.geteuid() != 0:
        raise BaseImageError(f"{PULLED}:{SUITE}-slim cannot be pulled ({reason}), and mmdebstrap needs root")
    if shutil.which("mmdebstrap") is None:
        _run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "mmdebstrap"])
    # Not in /tmp, which is often a small tmpfs: the tree has 200 MB and needs device nodes.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        options = [f"--dpkgopt={option}" for option in DPKG]
        command = ["mmdebstrap", "--variant=minbase", "--format=tar", *options, SUITE, "-", *_mirror()]
        said = Path(folder) / "said"
        with (
            said.open("wb") as errors,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, "TMPDIR": folder}
            ) as archive,
        ):
            client.api.import_image_from_stream(archive.stdout, repository=repository, tag=version)
        if archive.returncode:
            raise BaseImageError(f"mmdebstrap failed with {archive.returncode}: {said.read_text().strip()[-500:]}")


def _mirror() -> list[str]:
    """The mirror this machine's own apt uses for the suite, if any; else mmdebstrap's default is right."""
    wanted = ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"]
    lines = subprocess.run(wanted, capture_output=True, text=True, check=False).stdout.splitlines()
    return sorted({line.split()[2] for line in lines if line.startswith(f"{SUITE} main ")})[:1]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-500:]
        raise BaseImageError(f"{' '.join(command[:2])} failed with {done.returncode}: {said}")
