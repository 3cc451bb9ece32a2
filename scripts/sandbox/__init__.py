"""Real SSH hosts on loopback, without root, sshd or containers: for demo, tests and benchmarks."""

from .apps import Repository, make_api_repository
from .errors import SandboxError
from .fleet import Sandbox
from .place import HostInfo, Place

__all__ = [
    "HostInfo",
    "Place",
    "Repository",
    "Sandbox",
    "SandboxError",
    "make_api_repository",
]
