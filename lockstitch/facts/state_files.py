"""Shell texts that read and repair the files Lockstitch keeps on a host: the journal and the lock of a site.

What cannot be read is told as `unreadable PATH: REASON` and never taken for what is not there.
"""

from __future__ import annotations

from lockstitch.model.shell import shell_text

NEAR = shell_text(__package__, "near.sh")
THERE = shell_text(__package__, "there.sh")
LOCK_LINE = shell_text(__package__, "lock_line.sh")
_RECORDS = shell_text(__package__, "records.sh")

READ = THERE + _RECORDS + LOCK_LINE + shell_text(__package__, "read_journal.sh")
HISTORY = THERE + _RECORDS + shell_text(__package__, "read_history.sh")
HEAL = _RECORDS + shell_text(__package__, "heal_journal.sh")
