"""Shell texts that compare and change files on a host.

Lists of paths are one value of quoted words, so that every name arrives unchanged. Answers begin with `= `; everything
else is a program's complaint. Names in answers are base64.
"""

from __future__ import annotations

from lockstitch.model.shell import shell_text


def _text(*names: str) -> str:
    return "".join(shell_text(__package__, f"{name}.sh") for name in names)


TARGET = _text("target")
FOLDERS = _text("folders")
FREE = 'df -k --output=avail -- "$ls_folder" | awk \'NR == 2 { print "= " $1 }\'\n'
FILES = _text("sha", "files")
PARTS = _text("sha", "parts")
DROP = 'eval "set -- $ls_list"; rm -f -- "$@"\n'
MAKE = _text("make")
INSTALL = _text("sha", "install")
INSTALL_PART = _text("install_part")
INSTALL_AS = _text("install_as")
LINKS = _text("links")
MODES = _text("modes")
STAGE = r"""
umask 077
mkdir -p -- "$ls_stage" && chmod 700 -- "$ls_stage" || exit 1
find "$ls_stage" -type f -name '.lockstitch-*' -mtime +1 -exec rm -f -- {} + 2>/dev/null || :
"""
LIST = _text("list")
WHY = 'find "$ls_path/" 2>&1 >/dev/null | head -n 3; exit 1\n'
SUMS = 'find "$ls_path/" -type f -exec sha256sum -z -- {} + 2>/dev/null | base64 -w 4000\n'
# The checksum of the first bytes of a file; and how many there are now, and the checksum of all of them.
BEGINNING = (
    _text("sha")
    + r"""
[ -r "$ls_path" ] || { echo "$ls_path cannot be read: permission denied"; exit 1; }
ls_sum=$(head -c "$ls_size" -- "$ls_path" | ls_sha "$ls_size") && echo "= ${ls_sum%% *}"
"""
)
NOW = (
    _text("sha")
    + r"""
ls_size=$(stat -L -c %s -- "$ls_path") && ls_sum=$(head -c "$ls_size" -- "$ls_path" | ls_sha "$ls_size") || exit 1
echo "= $ls_size ${ls_sum%% *}"
"""
)
COPY = _text("copy")
