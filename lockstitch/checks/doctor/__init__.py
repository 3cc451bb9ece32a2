"""Checks of `fab doctor`.

- hosts.py: what it asks of a host, and the judgement (pure)
- controller.py, ssh_files.py: this machine's versions, keys, agent, ssh files, inventories, secrets, journal (effects)
"""
