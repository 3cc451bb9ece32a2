"""The inventory: what `hosts/*.yml` say, resolved, and which part of it is meant.

inventory = load("hosts", "prod")
selection = select(Folder("hosts"), "prod:backend,!api2.example.com")
for fleet in selection.fleets:
    for host, app in fleet.sites(): ...
"""

from __future__ import annotations

from lockstitch.inventory.app import Health
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder, environments, load
from lockstitch.inventory.model import App, Database, Group, Inventory
from lockstitch.inventory.schema import Rollout
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.inventory.selection import Inventories, Selection, select

__all__ = [
    "App",
    "Database",
    "Fleet",
    "Group",
    "Health",
    "Inventories",
    "Inventory",
    "InventoryFolder",
    "Rollout",
    "Selection",
    "environments",
    "load",
    "resolve_secret",
    "select",
]
