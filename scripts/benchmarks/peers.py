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
XARGS, FABRIC = "xargs -P ssh", "fabric ThreadingGroup"
_FABRIC = """
import sys
from fabric import Config, ThreadingGroup
config, command, *names = sys.argv[1:]
with ThreadingGroup(*names, config=Config(runtime_ssh_path=config)) as group:
    for result in group.run(command, hide=True, in_stream=False).values():
        print(result.stdout, end="")
"""
_PSSH = """
import sys
from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig
user, key, command, *ports = sys.argv[1:]
hosts = [HostConfig(user=user, port=int(port), private_key=key) for port in ports]
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


def peers(world: World, command: str, *, few: bool = False) -> Iterator[Peer]:
    """Each tool that is there, with as many hosts at the same time as there are; `few` leaves out what is installed."""
    hosts, place = list(world.sandbox.hosts.values()), world.sandbox.place
    (world.root / "ssh").mkdir(exist_ok=True)
    config = str(world.root / "ssh_config")
    count = str(len(hosts))
    env = {"ANSIBLE_CONFIG": str(world.root / "ansible.cfg")}
    if shutil.which("ssh"):
        listed = world.root / "names"
        listed.write_text("".join(f"{host.name}\n" for host in hosts))
        xargs = ("xargs", "-a", str(listed), "-P", count, "-I{}")
        yield Peer(XARGS, (*xargs, "ssh", "-F", config, "-o", "BatchMode=yes", "{}", command), {})
    (world.root / "with_fabric.py").write_text(_FABRIC)
    names = tuple(host.name for host in hosts)
    yield Peer(FABRIC, (sys.executable, str(world.root / "with_fabric.py"), config, command, *names), {})
    if few:
        return
    tools = installed()
    if "pyinfra" in tools:
        # A list of this many names on the command line is too long for it.
        (world.root / "pyinfra_hosts.py").write_text(f"everyone = {[host.name for host in hosts]!r}\n")
        options = ("--ssh-user", world.user, "--ssh-key", str(place.key), "--parallel", count)
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
        yield Peer(
            "parallel-ssh", (str(tools["parallel-ssh"]), str(script), world.user, str(place.key), command, *ports), {}
        )
