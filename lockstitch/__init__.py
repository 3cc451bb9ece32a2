"""Lockstitch: SSH deployment a person can trust, as tasks for stock `fab`."""

__version__ = "0.1.0"
