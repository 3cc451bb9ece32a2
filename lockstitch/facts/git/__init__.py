"""Git on a host, as shell texts: settings, questions, and what people changed in a checkout. `shell_texts.py` has the
changes.

Nothing here asks for a password, hangs on a dead server, or runs a hook of a repository somebody else owns. Each
submodule's git directory lies where git itself keeps it (`modules/NAME` in that of the repository it belongs to), so
that checkouts and releases are filled from the same places, and going back needs no server for what was there once.
"""

from __future__ import annotations

from lockstitch.model.shell import shell_text

SETTINGS = shell_text(__name__, "settings.sh")
# Functions that other texts call; each needs SETTINGS before it.
GIT_LOCKS = shell_text(__name__, "locks.sh")
MODULES = shell_text(__name__, "modules.sh")
LFS = shell_text(__name__, "lfs.sh")
BUILT = shell_text(__name__, "built.sh")
IN_THE_WAY = shell_text(__name__, "in_the_way.sh")
_SHOW_MODULES = shell_text(__name__, "show_modules.sh")
_LOG = shell_text(__name__, "log.sh")
_MIGRATIONS = shell_text(__name__, "migrations.sh")
_HOLDS = shell_text(__name__, "holds.sh")
_TAG_NAMES = shell_text(__name__, "tag_names.sh")
_BETWEEN = SETTINGS + IN_THE_WAY + _LOG + _MIGRATIONS + _SHOW_MODULES

PLACE = SETTINGS + _TAG_NAMES + GIT_LOCKS + BUILT + shell_text(__name__, "place.sh")
RESOLVE = _BETWEEN + LFS + _HOLDS + shell_text(__name__, "resolve.sh")
RECALL = _BETWEEN + _TAG_NAMES + shell_text(__name__, "recall.sh")

KEEP = shell_text(__name__, "keep.sh")
ASIDE = IN_THE_WAY + shell_text(__name__, "set_aside.sh")
PUT_BACK = shell_text(__name__, "put_back.sh")
# Where nothing was set aside whole, no checkout was begun.
UNLESS_WHOLE = '[ -e "$state/aside/$run/whole" ] || exit 0\n'
