"""Addresses of repositories: the host and the path of a URL, and whether two of them are one repository. Pure."""

from __future__ import annotations

import re
from urllib import parse

from lockstitch.model.lazy_dataclass import dataclass

# `host:path` of scp.
_SCP = re.compile(r"(?:[^/@:]+@)?([^/:]+):(?!//)(.+)", re.DOTALL)
# `Host github.com-work` of ~/.ssh/config: as no domain ends so, nobody else can have the name.
_ALIAS = re.compile(r"-[a-z0-9_-]+")
# Hosts that take SSH at the port of HTTPS: ssh.github.com, altssh.gitlab.com.
_SSH_HOSTS = ("ssh.", "altssh.")


@dataclass(frozen=True)
class RepositoryAddress:
    """The host of a repository, in small letters, and its path without `.git`; both are empty where it is no URL.
    `is_ssh`: the host may be an alias of `~/.ssh/config`."""

    host: str
    path: str
    is_ssh: bool


def repository_address(repository: str) -> RepositoryAddress:
    """Return the address in a URL of a repository, or in `host:path` of scp."""
    if "://" in repository:
        parts = parse.urlsplit(repository)
        host, path, is_ssh = parts.hostname or "", parts.path, parts.scheme in ("ssh", "git+ssh", "ssh+git")
    else:
        match = _SCP.fullmatch(repository)
        host, path, is_ssh = (match[1], match[2], True) if match else ("", "", False)
    return RepositoryAddress(host.lower().rstrip("."), path.strip("/").removesuffix(".git"), is_ssh)


def is_of_host(address: RepositoryAddress, host: str) -> bool:
    """Tell whether an address names a host: as it is, as `host-NAME` of SSH, or as `ssh.host`."""
    host, rest = host.lower().rstrip("."), address.host
    if not rest or not host:
        return False
    if address.is_ssh and rest.startswith(host) and _ALIAS.fullmatch(rest.removeprefix(host)):
        return True
    return rest in (host, *(f"{prefix}{host}" for prefix in _SSH_HOSTS))


def is_same_repository(first: str, second: str) -> bool:
    """Tell whether two URLs certainly name the same repository, whatever their protocol, user and alias of SSH."""
    here, there = repository_address(first), repository_address(second)
    same_path = bool(here.path) and here.path == there.path
    return first == second or (same_path and (is_of_host(here, there.host) or is_of_host(there, here.host)))
