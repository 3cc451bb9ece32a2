"""Git on a host, as constant shell texts. Nothing here asks for a password, hangs on a dead server, or runs a hook
of a repository somebody else owns."""

from __future__ import annotations

from lockstitch.removal import REMOVE

# safe.directory: several people deploy one app, so the clone may belong to another of them.
SETTINGS = r"""
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_CONFIG_KEY_1=core.hooksPath GIT_CONFIG_VALUE_1=/dev/null
ls_alive="-o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2"
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes $ls_alive}"
here() { git --git-dir="$clone" "$@"; }
standing() {
    if [ "$kind" = in_place ]; then here rev-parse -q --verify HEAD 2>/dev/null
    else cat "$current/REVISION" 2>/dev/null; fi
}
"""

FETCH = (
    SETTINGS
    + r"""
set -eu
if [ ! -d "$clone" ]; then
    mkdir -p "$path"
    if [ "$kind" = in_place ]; then git init -q "$path"; else git init -q --bare "$clone"; fi
    here remote add origin "$repository"
fi
[ "$(here config remote.origin.url)" = "$repository" ] || here remote set-url origin "$repository"
here config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
here fetch -q --force origin '+refs/heads/*:refs/remotes/origin/*' 'refs/tags/*:refs/tags/*'
here cat-file -e "$revision^{commit}" 2>/dev/null || here fetch -q origin "$revision"
"""
)

# Only what the repository holds: an archive has no .git, so what is served cannot leak it.
# What a cut off run left is removed by the form of its name: another tool's folders may lie there too.
EXPORT = (
    SETTINGS
    + REMOVE
    + r"""
set -eu
mkdir -p "$releases" "$shared"
case "$(readlink -f -- "$releases")/" in "$(readlink -f -- "$shared")"/*)
    echo "$releases lies in what is shared: put one of them elsewhere"; exit 1 ;; esac
for left in "$releases"/????????T??????Z-*.part; do [ ! -e "$left" ] || ls_remove "$left"; done
mkdir "$directory.part"
here archive --format=tar -o "$directory.part/.lockstitch.tar" "$revision"
tar -xf "$directory.part/.lockstitch.tar" -C "$directory.part"
rm "$directory.part/.lockstitch.tar"
# A link of that name in the repository would be written through.
rm -f -- "$directory.part/REVISION"; echo "$revision" >"$directory.part/REVISION"
mv "$directory.part" "$directory"
"""
)

DISCARD_EXPORT = 'rm -rf -- "$directory.part"'

CHECKOUT = (
    SETTINGS
    + r"""
set -eu
cd "$path"
git checkout -q $force --detach "$revision" --
if [ -f .gitmodules ]; then git submodule update -q --init --recursive; fi
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

_LOG = r"""
show_log() {
    [ -n "$1" ] && [ "$1" != "$2" ] || return 0
    git log --no-show-signature --max-count=200 --format='commit %H%x1f%an%x1f%s' "$1..$2" 2>/dev/null
    if git merge-base --is-ancestor "$2" "$1" 2>/dev/null; then
        echo backwards
        git log --no-show-signature --max-count=200 --format='commit %H%x1f%an%x1f%s' "$2..$1"
    fi
}
"""

# The migrations that `to` has and `from` has not: files that were added, each one a line.
_MIGRATIONS = r"""
show_migrations() {
    [ -n "$globs" ] && [ -n "$1" ] && [ "$1" != "$2" ] || return 0
    (set -f; IFS='
'; git diff --name-only --diff-filter=A --no-renames "$1" "$2" -- $globs 2>/dev/null | sed 's/^/migration /')
}
"""

PLACE = (
    SETTINGS
    + r"""
if [ "$kind" = in_place ]; then
    if [ -d "$clone" ]; then
        echo clone
        cd "$path" 2>/dev/null && echo "revision $(git rev-parse -q --verify HEAD)"
        git status --porcelain --untracked-files=no 2>&1 | sed 's/^/dirty /'
    elif [ -e "$path" ] && [ -n "$(ls -A "$path" 2>/dev/null)" ]; then
        echo "foreign $path is there and is no git checkout"
    fi
else
    [ -d "$clone" ] && echo clone
    if [ -L "$current" ]; then
        echo "current $(basename "$(readlink "$current")")"
        echo "revision $(cat "$current/REVISION" 2>/dev/null)"
    elif [ -e "$current" ]; then
        echo "foreign $current is there and is no symlink"
    fi
    ls -1 "$releases" 2>/dev/null | sed 's/^/folder /'
fi
if [ -d "$clone" ]; then
    at=$(standing)
    [ -n "$at" ] && here tag --points-at "$at" --sort=-creatordate | head -n 1 | sed 's/^/tag /'
    if [ -n "$at" ] && here rev-parse -q --verify "refs/remotes/origin/$ref" >/dev/null; then
        behind=$(here rev-list --count "$at..refs/remotes/origin/$ref")
        ahead=$(here rev-list --count "refs/remotes/origin/$ref..$at")
        if [ "$behind$ahead" = 00 ]; then echo "branch $ref"
        else echo "branch $ref$([ "$behind" = 0 ] || echo " -$behind")$([ "$ahead" = 0 ] || echo " +$ahead")"; fi
    fi
fi
"""
)

# New objects are fetched into a folder that is thrown away: planning changes nothing on the host.
RESOLVE = (
    SETTINGS
    + _LOG
    + _MIGRATIONS
    + r"""
at=$(standing)
answer=$(git ls-remote --refs "$repository" "refs/heads/$ref" "refs/tags/$ref" 2>&1) || {
    echo "problem the git server did not answer: $(printf %s "$answer" | tail -n 2 | tr '\n' ' ')"; exit 0; }
count=$(printf '%s' "$answer" | grep -c .)
if [ "$count" -gt 1 ]; then echo "problem it is a branch and a tag: name refs/heads/$ref or refs/tags/$ref"; exit 0; fi
[ "$count" = 1 ] || case $ref in
    refs/*) answer=$(git ls-remote "$repository" "$ref" 2>&1 | head -n 1) ;;
esac
name=$(printf '%s' "$answer" | cut -f 2)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/lockstitch.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
if [ -d "$clone" ]; then
    git init -q --bare "$tmp/git" && export GIT_DIR="$tmp/git"
    (cd "$clone/objects" && pwd -P) >"$GIT_DIR/objects/info/alternates"
    if [ -n "$name" ]; then git fetch -q --no-tags "$repository" "$name:refs/lockstitch/target" 2>&1
    else git fetch -q "$repository" '+refs/heads/*:refs/heads/*' 2>&1; fi | sed 's/^/warning /'
    wanted=$ref; [ -n "$name" ] && wanted=refs/lockstitch/target
    revision=$(git rev-parse -q --verify "$wanted^{commit}" 2>/dev/null)
elif [ -n "$name" ]; then
    revision=$(git ls-remote "$repository" "$name^{}" | cut -f 1)
    [ -n "$revision" ] || revision=$(printf '%s' "$answer" | cut -f 1)
else
    case $ref in *[!0-9a-f]*) ;; ????????????????????????????????????????) revision=$ref ;; esac
fi
if [ -z "$revision" ]; then echo "problem the repository has no branch, tag or commit $ref"; exit 0; fi
echo "revision $revision"
if [ -d "$clone" ]; then show_log "$at" "$revision"; show_migrations "$at" "$revision"; fi
exit 0
"""
)

# For going back: only what this host's own clone knows, so that it works with the git server down.
RECALL = (
    SETTINGS
    + _LOG
    + _MIGRATIONS
    + r"""
[ -d "$clone" ] || { echo "problem there is no clone on this host"; exit 0; }
at=$(standing)
export GIT_DIR="$clone"
git tag --sort=-creatordate | head -n 20 | sed 's/^/tag /'
[ -n "$wanted" ] || exit 0
revision=$(git rev-parse -q --verify "$wanted^{commit}" 2>/dev/null)
[ -n "$revision" ] || { echo "problem it is not in this host's clone"; exit 0; }
echo "revision $revision"
# Whether what stands here has all of it: only then is it a way back.
if [ "$at" != "$revision" ]; then
    if [ -z "$at" ]; then code=2; else git merge-base --is-ancestor "$revision" "$at" 2>/dev/null; code=$?; fi
    case $code in
        0) ;;
        1) word=diverged
            if git merge-base --is-ancestor "$at" "$revision"; then word=forward; fi
            echo "ahead $word" ;;
        *) echo "ahead unknown" ;;
    esac
fi
show_log "$at" "$revision"
show_migrations "$revision" "$at"
exit 0
"""
)
