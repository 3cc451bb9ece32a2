"""Shell texts for release folders, for `current`, and for the records of releases."""

from __future__ import annotations

from lockstitch.model.removal import REMOVE
from lockstitch.model.shell import shell_text

LINK = shell_text(__package__, "release_link.sh")
ACTIVATE = shell_text(__package__, "release_activate.sh")
RESTORE = shell_text(__package__, "release_restore.sh")
RECORD = shell_text(__package__, "release_record.sh")
SPARE = REMOVE + shell_text(__package__, "release_spare.sh")
