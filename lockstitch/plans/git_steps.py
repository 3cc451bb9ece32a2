"""Changes with git on a host, as constant shell texts: fetch, make a release, check out, tag, and the ways back."""

from __future__ import annotations

from lockstitch.facts.git import SETTINGS
from lockstitch.facts.git_locks import GIT_LOCKS
from lockstitch.facts.git_modules import LFS, MODULES
from lockstitch.model.removal import REMOVE

# Branches and tags lie below refs/lockstitch/, where only this writes: pruned first, a branch that became a folder of
# branches (or a tag, or the reverse) never stands in its own way. A commit that no branch or tag leads to, as that of a
# pull request, gets a ref: the server has it as well.
_BRING = r"""
bring() {
    take "$1" --prune "$2" '+refs/heads/*:refs/lockstitch/heads/*' '+refs/tags/*:refs/lockstitch/tags/*' || return
    of "$1" cat-file -e "$3^{commit}" 2>/dev/null ||
        { take "$1" "$2" "$3" && of "$1" update-ref "refs/lockstitch/pinned/$3" "$3"; }
}
"""

# People, and `git describe` in a build, look for tags in refs/tags: those of the server are put there beside the
# clone's own, and follow the server unless somebody moved them here. None is removed, no tag made here is touched.
_TAGS = r"""
tags() { here for-each-ref --format="$1 %(objectname) %(refname)" "$2"; }
shown=$(tags was refs/lockstitch/tags)
bring "$clone" "$repository" "$revision"
{ printf '%s\n' "$shown"; tags now refs/lockstitch/tags; tags here refs/tags; } | awk '
    { sub("^refs/(lockstitch/)?tags/", "", $3) }
    $1 == "was" { was[$3] = $2 }
    $1 == "now" { now[$3] = $2 }
    $1 == "here" { at[$3] = $2; for (up = $3; sub("/[^/]*$", "", up);) folder[up] = 1 }
    END {
        for (tag in now) {
            if (tag in at && at[tag] == was[tag] && at[tag] != now[tag])
                print "update refs/tags/" tag, now[tag], at[tag]
            free = !(tag in at || tag in folder)
            for (up = tag; sub("/[^/]*$", "", up);) if (up in at) free = 0
            if (free) print "create refs/tags/" tag, now[tag]
        }
    }' | here update-ref --stdin || :
"""

FETCH = (
    SETTINGS
    + _BRING
    + MODULES
    + LFS
    + r"""
set -eu
back=
if [ ! -d "$clone" ]; then
    mkdir -p "$path"
    if [ "$kind" = in_place ]; then git init -q "$path"; else git init -q --bare "$clone"; fi
    here remote add origin "$repository"
fi
"""
    + _TAGS
    + r"""
lfs "$clone" "$revision" "$repository"
each() { lfs "$1" "$2" "$4"; }
modules "$clone" "$revision" "$repository" ''
"""
)

# Only what the repository and its submodules hold: an archive has no .git, so what is served cannot leak it.
# What a cut off run left is removed by the form of its name: another tool's folders may lie there too.
EXPORT = (
    SETTINGS
    + REMOVE
    + _BRING
    + MODULES
    + LFS
    + r"""
set -eu
back=
mkdir -p "$releases" "$shared"
[ ! -e "$directory" ] || { echo "$directory is there already"; exit 1; }
case "$(readlink -f -- "$releases")/" in "$(readlink -f -- "$shared")"/*)
    echo "$releases lies in what is shared: put one of them elsewhere"; exit 1 ;; esac
for left in "$releases"/????????T??????Z-*.part; do [ ! -e "$left" ] || ls_remove "$left"; done
mkdir "$directory.part"
unpack() {
    lfs "$1" "$2" "$4" || return
    tar=$directory.part/.lockstitch.tar
    of "$1" archive --format=tar -o "$tar" "$2" || return
    tar -xf "$tar" -C "$directory.part/$3" && rm "$tar"
}
# What is marked export-ignore has no folder there.
each() { [ ! -d "$directory.part/$3" ] || [ -L "$directory.part/$3" ] || unpack "$@"; }
unpack "$clone" "$revision" . "$repository"
modules "$clone" "$revision" "$repository" ''
# A link of that name in the repository would be written through.
rm -f -- "$directory.part/REVISION"; echo "$revision" >"$directory.part/REVISION"
mv -T "$directory.part" "$directory"
"""
)

DISCARD_EXPORT = 'rm -rf -- "$directory.part"'

# What came into the way since the survey stops it, ignored or not. With `back` it is an undo: where nothing was changed
# there is nothing to undo, whatever stands in git's way; and a submodule that this host never had is no reason to stay
# on the new code.
CHECKOUT = (
    SETTINGS
    + GIT_LOCKS
    + _BRING
    + MODULES
    + LFS
    + r"""
set -eu
if [ -n "$back" ] && [ "$(standing)" = "$revision" ]; then
    changed=$(git -C "$path" status --porcelain --untracked-files=no) && [ -z "$changed" ] && exit 0
fi
[ -z "$back" ] || drop_locks
each() { lfs "$1" "$2" "$4"; }
[ -n "$back" ] || { lfs "$clone" "$revision" "$repository" && modules "$clone" "$revision" "$repository" ''; }
# The folder of a submodule that goes would stay, and be in the way of what comes there.
move() {
    git -C "$1" -c core.quotePath=off diff-tree -r --raw --no-renames HEAD "$2" 2>/dev/null |
        sed -n 's/^:160000 \(0\|1[02]\)[^\t]*\t//p' | while IFS= read -r sub; do
            if git -C "$1" submodule --quiet deinit $force -- "$sub" </dev/null; then rmdir -- "$1/$sub" || :
            elif [ -n "$(git -C "$1" ls-tree "$2" -- "$sub")" ]; then exit 1; fi
        done && git -C "$1" checkout -q ${force:---no-overwrite-ignore} --detach "$2" --
}
move "$path" "$revision"
each() {
    [ -e "$path/$5.git" ] || return 0
    if [ -e "$path/$3/.git" ]; then move "$path/$3" "$2"
    else git -C "$path/$5" submodule --quiet update --init --no-fetch $force -- "${3#"$5"}"; fi
}
modules "$clone" "$revision" "$repository" ''
"""
)

TAG = (
    SETTINGS
    + r"""
set -eu
export GIT_COMMITTER_NAME="$by" GIT_COMMITTER_EMAIL="$by" GIT_AUTHOR_NAME="$by" GIT_AUTHOR_EMAIL="$by"
here tag -a --cleanup=whitespace -m "$message" -- "$tag" "$revision"
echo "$release $(here rev-parse "refs/tags/$tag")" >"$state/tagged"
"""
)
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
