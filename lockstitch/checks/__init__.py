"""Checks before a deploy, and of `fab check`: pure values, each a question to a host and the judgement of its answer.

- check.py: the value Check, and the findings from its answers
- declared.py: which checks a fleet has, declared in its inventory or implied by its apps
"""

from lockstitch.checks.check import Check, CheckGroup, Context, findings
from lockstitch.checks.declared import NAMES, gathered

__all__ = ["NAMES", "Check", "CheckGroup", "Context", "findings", "gathered"]
