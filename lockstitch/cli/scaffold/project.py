"""EFFECT: reads what is there already: a project that gets another environment, and where this package came from."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import yaml

import lockstitch
from lockstitch.errors import InventoryError
from lockstitch.inventory.load import COMMON, environments, load
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Project:
    """A project in a folder. `defaults` are answers by flag, and `service` a service's mapping, from its environment
    `like`; empty where it has none that can be read. `common` are the apps of `hosts/_all.yml`, and `others` those of
    `like` beside the one that the defaults are of."""

    folder: Path
    environments: tuple[str, ...]
    like: str
    defaults: dict[str, str]
    service: dict[str, Any]
    common: frozenset[str]
    others: tuple[str, ...] = ()


def project(folder: Path) -> Project | None:
    """Return the project in a folder; None where there is none."""
    hosts = folder / "hosts"
    if not ((folder / "fabfile.py").is_file() and hosts.is_dir()):
        return None
    names = tuple(environments(hosts))
    for like in names:
        try:
            defaults, service, others = _settings(hosts, like)
        except InventoryError:
            continue
        return Project(folder, names, like, defaults, service, _common(hosts), others)
    return Project(folder, names, "", {}, {}, _common(hosts))


def _settings(hosts: Path, name: str) -> tuple[dict[str, str], dict[str, Any], tuple[str, ...]]:
    """Return the answers that an environment's first app would have been made from, its service's mapping, and the
    names of the other apps there."""
    inventory = load(hosts, name)
    group = next((group for group in inventory.groups if group.apps), None)
    if group is None:
        return {}, {}, ()
    host = group.hosts[0]
    app = inventory.app(group.apps[0], host.name)
    defaults = {"app": app.name, "repository": app.repository, "ref": app.ref, "path": app.path, "layout": app.layout}
    service = app.service.model_dump(mode="json", exclude_unset=True, by_alias=True)
    defaults |= {"service": service["kind"], "health": app.health.url if app.health else ""}
    others = dict.fromkeys(name for each in inventory.groups for name in each.apps if name != app.name)
    return {**defaults, "user": host.address.user or ""}, service, tuple(others)


def _common(hosts: Path) -> frozenset[str]:
    try:
        tree = yaml.safe_load((hosts / COMMON).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError):
        return frozenset()
    apps = tree.get("apps") if isinstance(tree, dict) else None
    return frozenset(map(str, apps)) if isinstance(apps, dict) else frozenset()


def requirement() -> str:
    """Return the line of a requirements.txt that installs what is installed here, from where that came (PEP 610)."""
    try:
        text = distribution("lockstitch").read_text("direct_url.json")
    except PackageNotFoundError:
        text = None
    if text is None:
        checkout = Path(lockstitch.__file__).resolve().parents[1]
        is_checkout = (checkout / "pyproject.toml").is_file()
        return f"lockstitch @ {checkout.as_uri()}" if is_checkout else f"lockstitch=={lockstitch.__version__}"
    origin = json.loads(text)
    if vcs := origin.get("vcs_info"):
        return f"lockstitch @ {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
    return f"lockstitch @ {origin['url']}"
