"""An interactive session on a host as constant shell texts: its files are made first, in a folder for it alone.

What the session needs to know goes into files of mode 0600 through the ordinary channel, so that no value, and no
password, is in the command line that a terminal is opened with: that is `exec sh FOLDER/start` and nothing else.
"""

from __future__ import annotations

# An engine's text is run in the new folder, and leaves `start` there.
BEGIN = r"""
set -eu
umask 077
folder=$(mktemp -d)
trap '[ -e "$folder/ready" ] || rm -rf -- "$folder"' EXIT; trap 'exit 143' TERM INT HUP
cd "$folder"
"""
FINISH = r"""
: >ready
echo "folder $folder"
"""
REMOVE = 'rm -rf -- "$folder"\n'

# The beginning of `start`. The folder goes with the session, also when its terminal is gone; an interrupt is for the
# program in it.
OPENED = r"""
folder=${0%/*}
trap 'rm -rf -- "$folder"' EXIT; trap 'exit 143' TERM HUP; trap : INT
"""
