"""An interactive session on a host as shell texts: its files are made first, in a folder for it alone.

What the session needs to know goes into files of mode 0600 through the ordinary channel. So no value, and no password,
is in the command line of the terminal: that is `exec sh FOLDER/start` and nothing else.
"""

from __future__ import annotations

from lockstitch.model.shell import shell_text

BEGIN = shell_text(__package__, "console_begin.sh")
FINISH = '\n: >ready\necho "folder $folder"\n'
REMOVE = 'rm -rf -- "$folder"\n'
_START = shell_text(__package__, "console_start.sh")


def session(files: str, start: str) -> str:
    """Return the text that makes the files of a session and its `start`, which ends with an engine's text `start`."""
    return f"{files}cat >start <<'SH'{_START}{start}SH\n"
