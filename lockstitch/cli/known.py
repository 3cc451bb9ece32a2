"""The secrets that this machine knows without asking anybody: those in its environment that the inventory names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockstitch.model.command import Secret

if TYPE_CHECKING:
    from lockstitch.inventory import Selection


def known_secrets(selection: Selection) -> list[Secret]:
    """Secrets of the selected environments whose source is `env:NAME` and is set; nothing is fetched."""
    return list(dict.fromkeys(_values(selection)))


def _values(selection: Selection) -> Iterator[Secret]:
    for fleet in selection.fleets:
        sources = [source for _, app in fleet.sites() for source in app.secrets.values()]
        sources += [database.url for database in fleet.inventory.databases.values()]
        for source in map(str, sources):
            if value := os.environ.get(source.removeprefix("env:")) if source.startswith("env:") else None:
                yield Secret(value, source)
