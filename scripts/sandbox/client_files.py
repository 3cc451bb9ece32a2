"""What a client needs to reach a sandbox: known hosts, an OpenSSH config, shell variables."""

import shlex
from collections.abc import Iterable

from .place import HostInfo, Place


def write_client_files(place: Place, hosts: Iterable[HostInfo]) -> None:
    """Write known_hosts and ssh_config for these hosts."""
    hosts = list(hosts)
    place.known_hosts.write_text("".join(f"{h.known_as} {_public_key(place, h)}\n" for h in hosts))
    sections = [f"Host {h.name}\n  HostName {h.address}\n  Port {h.port}\n" for h in hosts]
    common = (
        f"Host {' '.join(h.name for h in hosts)}\n"
        f'  IdentityFile "{place.key}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{place.known_hosts}"\n'
        "  StrictHostKeyChecking yes\n"
    )
    place.ssh_config.write_text("".join([*sections, common]))


def shell_variables(place: Place, hosts: Iterable[HostInfo]) -> str:
    """Lines for `eval`: where the client's files and the hosts are."""
    # Never the mark of a session: `stop` would take the reader's shell for one.
    values: dict[str, object] = {
        "SANDBOX_DIR": place.root,
        "SANDBOX_KEY": place.key,
        "SANDBOX_KNOWN_HOSTS": place.known_hosts,
        "SANDBOX_SSH_CONFIG": place.ssh_config,
    }
    for host in hosts:
        prefix = f"SANDBOX_{host.name.upper().replace('-', '_')}"
        values |= {f"{prefix}_PORT": host.port, f"{prefix}_HOME": host.home}
    return "".join(f"export {key}={shlex.quote(str(value))}\n" for key, value in values.items())


def _public_key(place: Place, host: HostInfo) -> str:
    algorithm, key = place.host_key(host.name).with_suffix(".pub").read_text().split()[:2]
    return f"{algorithm} {key}"
