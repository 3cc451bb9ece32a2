"""The inventory: what `hosts/*.yml` say, resolved, and which part of it is selected.

inventory = load("hosts", "prod")
selection = select(InventoryFolder("hosts"), "prod:backend,!api2.example.com")
for fleet in selection.fleets:
    for host, app in fleet.sites(): ...
"""
