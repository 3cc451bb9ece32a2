"""The containers and networks of the project on the engine: how they are made, labelled, and cleared away."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from tests.containers.local import start_ticks

LABEL = "lockstitch-test-owner"
# Addresses are given out by us, so that a machine that is cut off comes back where it was.
SUBNETS = [f"10.213.{number}.0/24" for number in range(1, 60)]


@dataclass(frozen=True)
class Spec:
    """One machine that is wanted: its name, the port its app listens on, and further ports to reach from here; folders
    that are small disks, and folders that are the deploy user's alone."""

    name: str
    http: int | None = None
    small_disks: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    folders: tuple[str, ...] = ()


def owner() -> str:
    """This process, told so that another one can see whether it is still alive."""
    return f"{socket.gethostname()}:{os.getpid()}:{start_ticks(os.getpid())}"


def remove_stale(client: docker.DockerClient) -> int:
    """Remove what earlier runs on this machine left behind, and nothing else; how many containers that were."""
    # Another worker may be removing them just now.
    found = client.containers.list(all=True, ignore_removed=True, filters={"label": LABEL})
    stale = [each for each in found if _abandoned(each.labels)]
    for container in stale:
        remove(container)
    for network in client.networks.list(filters={"label": LABEL}):
        if _abandoned((network.attrs or {}).get("Labels") or {}):
            remove_network(network)
    return len(stale)


def _abandoned(labels: dict[str, str]) -> bool:
    machine, pid, ticks = labels.get(LABEL, "::").split(":")
    return machine == socket.gethostname() and str(start_ticks(int(pid))) != ticks


def containers_of(client: docker.DockerClient, network: Network) -> list[Container]:
    """The containers made for a network, also those that never started or are cut off from it."""
    return client.containers.list(
        all=True, ignore_removed=True, filters={"name": f"^/?{network.name}-", "label": LABEL}
    )


def remove(container: Container) -> None:
    """Remove a container whatever state it is in; one that is gone already is fine."""
    _unless_gone(lambda: container.remove(force=True, v=True))


def remove_network(network: Network) -> None:
    """Remove a network; one that is gone already is fine."""
    _unless_gone(network.remove)


def _unless_gone(action: Callable[[], object]) -> None:
    try:
        action()
    except NotFound:
        pass
    except APIError as error:
        if "already in progress" not in str(error):
            raise


def make_network(client: docker.DockerClient) -> tuple[Network, str]:
    """A bridge network on the first free subnet of ours; the network and the first three numbers of its addresses."""
    for subnet in SUBNETS:
        prefix = subnet.removesuffix(".0/24")
        pools = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet, gateway=f"{prefix}.1")])
        try:
            name = f"lockstitch-test-{prefix}"
            network = client.networks.create(
                name, driver="bridge", ipam=pools, labels={LABEL: owner()}, check_duplicate=True
            )
        except APIError as error:
            if "overlap" in str(error) or "already exists" in str(error):
                continue
            raise
        return network, prefix
    raise RuntimeError(f"every test network from {SUBNETS[0]} to {SUBNETS[-1]} is taken")


def run_container(
    client: docker.DockerClient, image: str, spec: Spec, network: Network, address: str, ports: dict[int, int]
) -> Container:
    """Start a container with systemd as its first process and its ports on 127.0.0.1."""
    info = client.info()
    endpoint = client.api.create_endpoint_config(aliases=[spec.name], ipv4_address=address)
    return client.containers.run(
        image,
        _command(info),
        detach=True,
        name=f"{network.name}-{spec.name}",
        hostname=spec.name,
        labels={LABEL: owner()},
        environment={"container": "docker"},
        cap_add=["SYS_ADMIN", "SYS_PTRACE"],
        security_opt=_security(info),
        cgroupns="private" if _unified(info) else "host",
        volumes=[] if _unified(info) else ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
        tmpfs={"/run": "exec", "/run/lock": "", "/tmp": "exec", **_disks(spec)},
        network=str(network.name),
        networking_config={str(network.name): endpoint},
        ports={f"{inside}/tcp": ("127.0.0.1", outside) for inside, outside in ports.items()},
    )


def _disks(spec: Spec) -> dict[str, str]:
    return {path: f"exec,size={size},uid=1000,gid=1000,mode=2775" for path, size in spec.small_disks.items()}


def _unified(info: dict[str, object]) -> bool:
    return info.get("CgroupVersion") == "2"


def _command(info: dict[str, object]) -> list[str]:
    """On cgroup v2 the engine mounts the container's own hierarchy read-only, and systemd has to write there."""
    if _unified(info):
        return ["/bin/sh", "-c", "mount -o remount,rw /sys/fs/cgroup && exec /sbin/init"]
    return ["/sbin/init"]


def _security(info: dict[str, object]) -> list[str]:
    confined = "apparmor" in str(info.get("SecurityOptions"))
    return ["seccomp=unconfined", *(["apparmor=unconfined"] if confined else [])]
