"""Channels, against servers that stand in for the services."""
