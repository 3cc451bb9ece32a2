"""Shell texts of the steps: git repositories and tags, release folders, `current`, and the records of releases."""

from __future__ import annotations

from lockstitch.facts.git import BUILT, GIT_LOCKS, LFS, MODULES, SETTINGS
from lockstitch.model.removal import REMOVE
from lockstitch.model.shell import shell_text

_BRING = shell_text(__package__, "git_bring.sh")

FETCH = SETTINGS + _BRING + MODULES + LFS + shell_text(__package__, "git_fetch.sh")
EXPORT = SETTINGS + REMOVE + _BRING + MODULES + LFS + shell_text(__package__, "git_export.sh")
DISCARD_EXPORT = 'rm -rf -- "$directory.part"'
CHECKOUT = SETTINGS + GIT_LOCKS + BUILT + _BRING + MODULES + LFS + shell_text(__package__, "git_checkout.sh")
LINK = shell_text(__package__, "release_link.sh")
ACTIVATE = shell_text(__package__, "release_activate.sh")
RESTORE = shell_text(__package__, "release_restore.sh")
RECORD = shell_text(__package__, "release_record.sh")
NOTE_BUILT = SETTINGS + BUILT + 'changes >"$state/built" || :\n'
SPARE = REMOVE + shell_text(__package__, "release_spare.sh")

TAG = SETTINGS + shell_text(__package__, "git_tag.sh")
PUSH_TAG = SETTINGS + 'here push -q "$repository" "refs/tags/$tag:refs/tags/$tag"\n'
# Only the tag this run has made is taken back: a tag of that name that somebody else made is why it failed.
_MINE = r"""
at=$(here rev-parse -q --verify "refs/tags/$tag") || exit 0
[ "$(cat "$state/tagged" 2>/dev/null)" = "$release $at" ] || exit 0
"""
DELETE_TAG = SETTINGS + _MINE + 'here tag -d -- "$tag" >/dev/null\n'
UNPUSH_TAG = (
    SETTINGS
    + _MINE
    + 'here push -q --force-with-lease="refs/tags/$tag:$at" "$repository" ":refs/tags/$tag" >/dev/null 2>&1 || :\n'
)
