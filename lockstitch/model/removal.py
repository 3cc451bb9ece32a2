"""Removing folders, as constant shell texts.

A folder that cannot be removed is a warning, and no file that all releases share goes with one of them.
"""

from __future__ import annotations

from lockstitch.model.shell import shell_text

DISCARD = shell_text(__package__, "discard.sh")
REMOVE = DISCARD + shell_text(__package__, "remove.sh")
