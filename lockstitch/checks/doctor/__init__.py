"""What `fab doctor` looks at.

- keys.py: a private key's text → what it is (pure)
- known.py: known_hosts files → what is wrong with their lines (pure)
- hosts.py: what is asked of a host, and its judgement (pure)
- controller.py, files.py: this machine: versions, keys, agent, ssh's files, inventories, secrets, journal (effects)
"""
