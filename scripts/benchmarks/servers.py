"""OpenSSH servers on 127.0.0.1, one a host, each with a home and, for root, processes of its own.

The machine's own `sshd` is used. Where there is none, Debian's packages are unpacked into the cache of this person;
nothing is installed; for root, the system user `sshd` is made. Clients log in as the user who runs the benchmark, and
all with the same key exchange: that which OpenSSH prefers (sntrup761) takes a tenth of a second to compute, and
Paramiko does not have it.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam

from scripts.benchmarks.measure import whole
from scripts.sandbox import HostInfo, Place, processes
from scripts.sandbox.client_files import write_client_files

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("openssh-server", "openssh-sftp-server", "libwrap0")
SFTP = "usr/lib/openssh/sftp-server"
RUN = Path("/run/sshd")
PATIENCE = 15.0
TICKS = os.sysconf("SC_CLK_TCK")
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {key}
AuthorizedKeysFile {authorized}
Subsystem sftp {sftp}
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
SetEnv HOME={home} PATH={path}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
PidFile none
LogLevel ERROR
MaxSessions 100
"""


class Servers:
    """The running servers: what clients need to reach them, and the CPU time that they have used."""

    user = getpass.getuser()

    def __init__(self, place: Place, hosts: dict[str, HostInfo], supervisor: int) -> None:
        self.place, self.hosts, self._supervisor = place, hosts, supervisor
        self._idle = len(processes.descendants([supervisor]))

    def cpu(self) -> float:
        """The CPU seconds of the servers and of all that their sessions started, once no session is left.

        It is read from /proc, which counts in ticks of 10 ms.
        """
        until = time.monotonic() + PATIENCE
        while len(found := processes.descendants([self._supervisor])) > self._idle:
            if time.monotonic() > until:
                print(f"  {len(found) - self._idle} processes of the hosts did not end: their CPU is not whole")
                break
            time.sleep(0.02)
        ticks = sum(sum(_times(pid)) for pid in found) + sum(_times(self._supervisor)[2:])
        return ticks / TICKS


def _times(pid: int) -> tuple[int, ...]:
    """The user and system ticks of a process, then those of its children that ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return (0,)
    return tuple(int(word) for word in text.rpartition(")")[2].split()[11:15])


@contextmanager
def servers(folder: Path, count: int) -> Iterator[Servers]:
    """So many servers with their files below `folder`, until the end of the block."""
    program, sftp, environment = _sshd()
    place = Place(folder)
    place.make(names := [f"host{number}" for number in range(1, count + 1)])
    _make_key(place.key)
    ports, apart = _free_ports(count), _apart()
    commands = []
    for name, port in zip(names, ports, strict=True):
        _make_key(place.host_key(name))
        config = place.private / f"{name}.conf"
        config.write_text(
            CONFIG.format(
                port=port,
                key=place.host_key(name),
                authorized=place.key.with_suffix(".pub"),
                sftp=sftp,
                home=place.home(name),
                path=os.environ["PATH"],
            )
        )
        commands.append([*apart, str(program), "-D", "-e", "-f", str(config)])
    words = [sys.executable, "-m", "scripts.benchmarks.supervisor", json.dumps(commands)]
    with place.log.open("ab") as log:
        supervisor = subprocess.Popen(
            words,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    hosts = {name: HostInfo(name, port, place.home(name), 0) for name, port in zip(names, ports, strict=True)}
    write_client_files(place, hosts.values())
    try:
        for host in hosts.values():
            _wait_until_it_answers(place, host)
        yield Servers(place, hosts, supervisor.pid)
    finally:
        assert supervisor.stdin
        with whole():
            supervisor.stdin.close()
            supervisor.wait()


def _apart() -> list[str]:
    """The words before a server's that let it see its own processes only, as on a machine of its own."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print("  the hosts see each other's processes: only root can part them")
        return []
    return words


def _wait_until_it_answers(place: Place, host: HostInfo) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection((host.address, host.port), timeout=PATIENCE) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        if time.monotonic() > until:
            raise SystemExit(f"sshd does not answer on port {host.port}:\n{place.log.read_text()}")
        time.sleep(0.02)


def _sshd() -> tuple[Path, Path | str, dict[str, str]]:
    """The server, its SFTP server, and the environment to start it in."""
    if os.geteuid() == 0:
        RUN.mkdir(mode=0o755, exist_ok=True)  # sshd wants it when root starts it
        _make_unprivileged_user()
    if found := shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin"):
        return Path(found), "internal-sftp", dict(os.environ)
    home = _cache() / "openssh"
    if not (home / "usr/sbin/sshd").exists():
        _unpack(home)
    libraries = ":".join(str(folder) for folder in (home / "usr/lib").glob("*-linux-*"))
    return home / "usr/sbin/sshd", home / SFTP, {**os.environ, "LD_LIBRARY_PATH": libraries}


def _make_unprivileged_user() -> None:
    """Make the user that a server of root's runs its unprivileged half as, where no package has made it."""
    try:
        getpwnam("sshd")
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--home-dir", str(RUN), "--shell", "/usr/sbin/nologin", "sshd"], check=True
        )


def _unpack(home: Path) -> None:
    hint = "this benchmark needs sshd: install openssh-server"
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise SystemExit(hint)
    home.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(["apt-get", "-q", "download", *PACKAGES], cwd=home, capture_output=True, text=True)
    if fetched.returncode:
        raise SystemExit(f"{hint}\n{fetched.stderr.strip()}")
    for package in home.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(home)], check=True)
        package.unlink()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lockstitch-bench"


def _make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", str(path)], check=True)
    Path(f"{path}.pub").rename(path.with_suffix(".pub"))


def _free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, each held until all are found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
