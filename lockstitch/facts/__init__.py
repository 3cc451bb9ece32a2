"""Probes of hosts and sites, and the parsers of their output. Pure."""
