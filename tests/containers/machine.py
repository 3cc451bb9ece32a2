"""One host of the fleet: reach into it, look at it, and do to it what happens to real hosts."""

from __future__ import annotations

import socket
import time

import docker
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.networks import Network

from tests.containers import inside, processes
from tests.containers.commands import Commands
from tests.containers.processes import Process
from tests.containers.resources import Spec

BOOT_SECONDS, FREEZE_SECONDS = 90, 30
FILLER = ".filler"


class MachineError(RuntimeError):
    """A command on a machine failed, or the machine is not what was asked for."""


class Machine:
    """A running container that is a host: systemd, sshd, an address on the test network, ports on 127.0.0.1."""

    def __init__(
        self,
        client: docker.DockerClient,
        container: Container,
        network: Network,
        spec: Spec,
        address: str,
        ports: dict[int, int],
    ) -> None:
        self.name, self.address, self.container = spec.name, address, container
        self.ssh_port = ports[22]
        self._http_port = ports[spec.http] if spec.http else None
        self._ports = ports
        self._client, self._network = client, network
        self._commands = Commands(client, container)

    @property
    def http_port(self) -> int:
        """The port of 127.0.0.1 where this machine's app answers."""
        if self._http_port is None:
            raise MachineError(f"{self.name} publishes no http port")
        return self._http_port

    def published(self, port: int) -> int:
        """The port of 127.0.0.1 where a port of this machine is reached (`Spec.ports`)."""
        if port not in self._ports:
            raise MachineError(f"{self.name} does not publish its port {port}")
        return self._ports[port]

    def exec(self, command: str, user: str = "root") -> tuple[int, str]:
        """Run a shell command inside, not over SSH; its exit code and what it said on both streams."""
        code, output = self._exec(["/bin/bash", "-c", command], user)
        return code, output.decode(errors="replace")

    def check(self, command: str, user: str = "root") -> str:
        """Run a shell command inside that has to succeed; what it said."""
        code, text = self.exec(command, user)
        if code:
            raise MachineError(f"{self.name}: exit {code} from {command!r}: {text.strip()[-1500:]}")
        return text

    def put(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root") -> None:
        """Write a file, complete or not at all; missing parent folders are made as root's."""
        self.put_all([inside.File(path, content, mode, owner)])

    def put_all(self, files: list[inside.File]) -> None:
        """Write several files at the price of one."""
        code, said = inside.feed(self._client, self.container, ["tar", "-xp", "-C", "/"], inside.archive(files))
        if code:
            raise MachineError(f"{self.name}: cannot write {[file.path for file in files]}: {said.decode()}")

    def read(self, path: str) -> bytes:
        """The content of a file."""
        code, output = self._exec(["cat", "--", path], "root")
        if code:
            raise MachineError(f"{self.name}: {output.decode(errors='replace').strip()}")
        return output

    def processes(self, containing: str = "") -> list[Process]:
        """The processes whose command line contains the text, in the order of their pids."""
        return [each for each in processes.parse(self.check(processes.COMMAND)) if containing in each.cmdline]

    def kill_ssh_sessions(self) -> int:
        """End every SSH session at once, as a crash of their daemons would; how many daemons were killed."""
        pids = [str(each.pid) for each in self.processes() if each.is_ssh_session]
        if pids:
            # One session has two daemons: the second can be gone before its turn.
            self.exec(f"kill -KILL {' '.join(pids)}")
        return len(pids)

    def pause(self) -> None:
        """Freeze every process: connections stay open and nothing answers."""
        until = time.monotonic() + FREEZE_SECONDS
        while True:
            try:
                self.container.pause()
            except APIError as error:
                # The engine gives up after a moment, and lets all go on, where a busy machine has not stopped them by then.
                if "unable to freeze" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def unpause(self) -> None:
        """Let the frozen processes go on."""
        self.container.unpause()

    def cut(self) -> None:
        """Take the machine off the network: open connections through the published ports end at once."""
        self._network.disconnect(self.container, force=True)

    def reconnect(self) -> None:
        """Put the machine back on the network with the address, name and ports it had."""
        self._network.connect(self.container, aliases=[self.name], ipv4_address=self.address)

    def stop(self) -> None:
        """Shut the machine down."""
        self.close()
        self.container.stop(timeout=10)

    def start(self) -> None:
        """Boot the machine after `stop`; its files, address, host keys and ports are as before."""
        self.container.start()
        self.wait_ready()

    def close(self) -> None:
        """Close the connections to the machine, which stays as it is."""
        self._commands.close()

    def fill_disk(self, path: str) -> None:
        """Leave no byte free at a path that is a small disk of its own (`Spec.small_disks`), never elsewhere."""
        if self.check(f"stat -f -c %T {path}").strip() != "tmpfs":
            raise MachineError(f"{self.name}: {path} is no small disk; filling it would fill the engine's")
        self.exec(f"cat /dev/zero > {path}/{FILLER}")

    def free_disk(self, path: str) -> None:
        """Undo `fill_disk`."""
        self.check(f"rm -f {path}/{FILLER}")

    def wait_ready(self) -> None:
        """Wait until systemd says that it has booted and sshd answers; a MachineError when it does not in time."""
        begun = "until [ -S /run/systemd/private ]; do sleep 0.02; done"
        booted = "systemctl is-system-running --wait"
        _, state = self.exec(f"timeout {BOOT_SECONDS} sh -c '{begun}; {booted}'")
        if state.strip() not in ("running", "degraded"):
            raise MachineError(f"{self.name} did not boot: {state.strip()}\n{self.container.logs(tail=30).decode()}")
        self._wait_banner(time.monotonic() + 10)

    def _exec(self, words: list[str], user: str) -> tuple[int, bytes]:
        return self._commands.run(words, user)

    def _wait_banner(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.ssh_port), timeout=5) as connection:
                    if connection.recv(64).startswith(b"SSH-2.0-"):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise MachineError(f"{self.name}: sshd does not answer on 127.0.0.1:{self.ssh_port}")
