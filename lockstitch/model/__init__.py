"""Frozen values that everything speaks in: commands, hosts, releases, layouts, probes, gates, plans, outcomes."""
