"""Other tools that run one command on many hosts, each as its users would have it run, on the sandbox's hosts.

They are installed into a venv of their own beside the caches of this person; what cannot be installed is said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks.world import World

PACKAGES = {"pyinfra": "pyinfra", "ansible": "ansible-core", "parallel-ssh": "parallel-ssh"}
_PSSH = """
import sys
from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig
key, command, *ports = sys.argv[1:]
hosts = [HostConfig(user="deploy", port=int(port), private_key=key) for port in ports]
client = ParallelSSHClient(["127.0.0.1"] * len(ports), host_config=hosts, pool_size=len(ports))
output = client.run_command(command)
client.join(output)
said = ["\\n".join(one.stdout) for one in output]
print("\\n".join(said))
sys.exit(any(one.exit_code for one in output) or not all(said))
"""
_ANSIBLE = """
[defaults]
forks = {forks}
host_key_checking = True
gathering = explicit
"""


@dataclass(frozen=True)
class Peer:
    """A command line that runs `command` on every host of a world."""

    name: str
    words: tuple[str, ...]
    env: dict[str, str]


def home() -> Path:
    """The venv of the peers."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "lockstitch-bench" / "peers"


def installed() -> dict[str, Path]:
    """The programs of those that could be installed, by name; the rest is said."""
    python = home() / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home())], check=True)
    found = {}
    for name, package in PACKAGES.items():
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", package]
        if subprocess.run(pip, capture_output=True).returncode:
            print(f"{name} cannot be installed here: it is left out")
            continue
        found[name] = python if name == "parallel-ssh" else home() / "bin" / name
    return found


def peers(world: World, command: str) -> Iterator[Peer]:
    """Each tool that is there, with as many hosts at the same time as there are."""
    hosts, place = list(world.sandbox.hosts.values()), world.sandbox.place
    (world.root / "ssh").mkdir(exist_ok=True)
    config = str(place.ssh_config)
    count = str(len(hosts))
    env = {"ANSIBLE_CONFIG": str(world.root / "ansible.cfg")}
    if shutil.which("ssh"):
        names = world.root / "names"
        names.write_text("".join(f"{host.name}\n" for host in hosts))
        xargs = ("xargs", "-a", str(names), "-P", count, "-I{}")
        yield Peer("xargs -P ssh", (*xargs, "ssh", "-F", config, "-o", "BatchMode=yes", "{}", command), {})
    tools = installed()
    if "pyinfra" in tools:
        # A list of this many names on the command line is too long for it.
        (world.root / "pyinfra_hosts.py").write_text(f"everyone = {[host.name for host in hosts]!r}\n")
        options = ("--ssh-user", "deploy", "--ssh-key", str(place.key), "--parallel", count)
        data = ("--data", f"ssh_config_file={config}")
        yield Peer(
            "pyinfra",
            (str(tools["pyinfra"]), "-y", *options, *data, str(world.root / "pyinfra_hosts.py"), "exec", "--", command),
            {},
        )
    if "ansible" in tools:
        (world.root / "ansible.cfg").write_text(_ANSIBLE.format(forks=count))
        lines = [f"{h.name} ansible_ssh_common_args='-F {config}'\n" for h in hosts]
        (world.root / "ansible.ini").write_text("".join(lines))
        words = (str(tools["ansible"]), "-i", str(world.root / "ansible.ini"), "all", "-m", "raw", "-a", command)
        yield Peer("ansible -m raw", words, env)
    if "parallel-ssh" in tools:
        script = world.root / "with_parallel_ssh.py"
        script.write_text(_PSSH)
        ports = tuple(str(host.port) for host in hosts)
        yield Peer("parallel-ssh", (str(tools["parallel-ssh"]), str(script), str(place.key), command, *ports), {})
