"""The measures of an app beside what they name: its health URL, its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from lockstitch.inventory.merge import placements
from lockstitch.inventory.model import App
from lockstitch.inventory.validation import did_you_mean
from lockstitch.inventory.yaml_tree import Problem, YamlNode
from lockstitch.model.written import is_loopback


def _is_shared(url: str) -> bool:
    """Tell whether a URL is one that a balancer may answer: its server has a name of a domain."""
    return not is_loopback(url) and bool(re.search(r"[a-z]", urlsplit(url).hostname or ""))


def misfits(tree: YamlNode, placed: Mapping[tuple[str, str], App]) -> Iterator[Problem]:
    """Yield a problem for each measure that names what its app does not have."""
    for placement in placements(tree):
        app = placed.get((placement.app, placement.host))
        for name, measure in app.measure.items() if app else ():
            assert app is not None
            node = placement.tree.get("measure", name)
            health = app.health.url if app.health else ""
            if measure.needs_health() and not health:
                says = f"it is a path on the server of the app's health URL, and {app.name} has none: write a whole URL"
                yield node.get("url").problem(says)
            elif measure.needs_health() and measure.is_gate() and _is_shared(health):
                says = f"a gate asks each host itself, and the health URL of {app.name} is one of localhost then"
                yield node.get("url").problem(says)
            elif measure.needs_health() and measure.measured_on() == "here" and is_loopback(health):
                says = f"{app.name} has its health URL on each host: write from: hosts, or a whole URL"
                yield node.get("from").problem(says)
            known = list(app.secrets)
            for number, secret in enumerate(measure.secret_names()):
                if secret not in known:
                    listed = node.get("never").items
                    at = listed[number] if number < len(listed) else node
                    yield at.problem(f"{app.name} has no secret {secret}{did_you_mean(secret, known)}")
