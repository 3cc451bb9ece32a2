"""What is checked before a deploy, and by `fab check`: pure values, each a question to a host and its judgement.

- check.py: the value Check, and what its answers become
- every other room: one kind of check, its shell text, its parser and its judgement
- gather.py: which checks a fleet has, declared in its inventory or implied by its apps

A check that cannot be judged is a warning that says so, never a pass. Each finding that is no pass says what to do.
"""

from lockstitch.checks.check import Check, CheckGroup, Context, findings
from lockstitch.checks.declared import NAMES, gathered

__all__ = ["NAMES", "Check", "CheckGroup", "Context", "findings", "gathered"]
