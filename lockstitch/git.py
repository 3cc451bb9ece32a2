"""Git on a host, as constant shell texts. Nothing here asks for a password, hangs on a dead server, or runs a hook
of a repository somebody else owns."""

from __future__ import annotations

from lockstitch.removal import REMOVE

# safe.directory: several people deploy one app, so the clone may belong to another of them.
SETTINGS = r"""
export GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_CONFIG_KEY_1=core.hooksPath GIT_CONFIG_VALUE_1=/dev/null
ls_alive="-o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2"
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes $ls_alive}"
here() { git --git-dir="$clone" "$@"; }
# By URL and with our own refspec: what the clone's owner configured for remotes is theirs, and says nothing to us.
take() { ls_git=$1; shift; git --git-dir="$ls_git" fetch -q --force --no-tags --no-recurse-submodules "$@"; }
standing() {
    if [ "$kind" = in_place ]; then here rev-parse -q --verify HEAD
    # A release that another tool made may lack the file: its own clone tells it, or Capistrano's log.
    elif [ -e "$current/REVISION" ]; then cat "$current/REVISION"
    elif [ -e "$current/.git" ]; then git --git-dir="$current/.git" rev-parse -q --verify HEAD
    else
        grep -F " deployed as release $(basename "$(readlink "$current")") by " "$path/revisions.log" |
            sed -n 's/.*(at \([0-9a-f]\{40\}\)).*/\1/p' | tail -n 1
    fi 2>/dev/null
}
"""

# Branches and tags lie below refs/lockstitch/, where only this writes: pruned first, a branch that became a folder of
# branches (or a tag, or the reverse) never stands in its own way.
_BRING = r"""
bring() {
    take "$1" --prune "$2" '+refs/heads/*:refs/lockstitch/heads/*' '+refs/tags/*:refs/lockstitch/tags/*' || return
    git --git-dir="$1" cat-file -e "$3^{commit}" 2>/dev/null || take "$1" "$2" "$3"
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
    + r"""
set -eu
if [ ! -d "$clone" ]; then
    mkdir -p "$path"
    if [ "$kind" = in_place ]; then git init -q "$path"; else git init -q --bare "$clone"; fi
    here remote add origin "$repository"
fi
"""
    + _TAGS
)

# Only what the repository holds: an archive has no .git, so what is served cannot leak it.
# What a cut off run left is removed by the form of its name: another tool's folders may lie there too.
EXPORT = (
    SETTINGS
    + REMOVE
    + r"""
set -eu
mkdir -p "$releases" "$shared"
[ ! -e "$directory" ] || { echo "$directory is there already"; exit 1; }
case "$(readlink -f -- "$releases")/" in "$(readlink -f -- "$shared")"/*)
    echo "$releases lies in what is shared: put one of them elsewhere"; exit 1 ;; esac
for left in "$releases"/????????T??????Z-*.part; do [ ! -e "$left" ] || ls_remove "$left"; done
mkdir "$directory.part"
here archive --format=tar -o "$directory.part/.lockstitch.tar" "$revision"
tar -xf "$directory.part/.lockstitch.tar" -C "$directory.part"
rm "$directory.part/.lockstitch.tar"
# A link of that name in the repository would be written through.
rm -f -- "$directory.part/REVISION"; echo "$revision" >"$directory.part/REVISION"
mv -T "$directory.part" "$directory"
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

# Tags by their names, the newest first, of the server and of this clone. More words choose among them.
_TAG_NAMES = r"""
tag_names() {
    here for-each-ref --sort=-creatordate --format='%(refname)' "$@" refs/lockstitch/tags refs/tags |
        sed -e 's,^refs/lockstitch/tags/,,' -e 's,^refs/tags/,,' | awk '!seen[$0]++'
}
"""

PLACE = (
    SETTINGS
    + _TAG_NAMES
    + r"""
there "$path" || :
if [ -d "$clone" ]; then
    said=$(here rev-parse --git-dir 2>&1) || echo "unreadable $clone: $(printf '%s' "$said" | tail -n 1)"
fi
if [ "$kind" = in_place ]; then
    if [ -d "$clone" ]; then
        echo clone
        echo "revision $(standing)"
        if changed=$(git -C "$path" status --porcelain --untracked-files=no 2>/dev/null); then
            printf '%s\n' "$changed" | sed -n 's/^./dirty &/p'
        else echo "broken git status fails: $(git -C "$path" status --porcelain 2>&1 >/dev/null | tail -n 1)"; fi
    elif [ -e "$path" ] && [ -n "$(ls -A "$path" 2>/dev/null)" ]; then
        echo "foreign $path is there and is no git checkout"
    fi
else
    [ -d "$clone" ] && echo clone
    if [ -L "$current" ]; then
        link=$(readlink "$current"); at=$link
        case $at in /*) ;; *) at=$path/$at ;; esac
        printf 'link %s\n' "$(printf %s "$link" | tr '\n' '?')"
        [ -d "$current/" ] || echo dangling
        # What leads elsewhere is no release of ours, whatever its name.
        [ "$(readlink -m -- "$(dirname -- "$at")")" != "$(readlink -m -- "$releases")" ] ||
            echo "current $(basename -- "$at")"
        echo "revision $(standing)"
        [ ! -e "$current/REVISION" ] || [ -r "$current/REVISION" ] ||
            echo "unreadable $current/REVISION: Permission denied"
    elif [ -e "$current" ]; then
        echo "foreign $current is there and is no symlink"
    fi
    if there "$releases"; then
        said=$(LC_ALL=C ls -1bA -- "$releases" 2>&1) || echo "unreadable $releases: ${said##*: }"
        [ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/folder /'
    fi
fi
if [ -d "$clone" ]; then
    at=$(standing)
    [ -n "$at" ] && tag_names --points-at "$at" 2>/dev/null | head -n 1 | sed 's/^/tag /'
    # A clone that was last fetched by an older version of this has its branches there.
    upstream=refs/remotes/origin/$ref
    [ -z "$(here for-each-ref --count=1 refs/lockstitch/heads 2>/dev/null)" ] || upstream=refs/lockstitch/heads/$ref
    if [ -n "$at" ] && here rev-parse -q --verify "$upstream" >/dev/null 2>&1; then
        behind=$(here rev-list --count "$at..$upstream" 2>/dev/null)
        ahead=$(here rev-list --count "$upstream..$at" 2>/dev/null)
        if [ "$behind$ahead" = 00 ]; then echo "branch $ref"
        else echo "branch $ref$([ "$behind" = 0 ] || echo " -$behind")$([ "$ahead" = 0 ] || echo " +$ahead")"; fi
    fi
fi
"""
)

# New objects are fetched into a folder that is thrown away: planning changes nothing on the host. Only stdout is an
# answer: on stderr, the server's banner, ssh and git itself say what they like.
RESOLVE = (
    SETTINGS
    + _LOG
    + _MIGRATIONS
    + r"""
tmp=$(mktemp -d "${TMPDIR:-/tmp}/lockstitch.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
exec 2>"$tmp/said"
problem() {
    why=$(grep . "$tmp/said" | grep -vx -e 'Please make sure.*' -e 'and the repository.*' | tail -n 2 | tr '\n' ' ')
    echo "problem $1: $why"; exit 0
}
at=$(standing)
case $ref in refs/*) set -- "$ref" "$ref" ;; *) set -- "refs/heads/$ref" "refs/tags/$ref" ;; esac
git ls-remote --refs "$repository" "$@" >"$tmp/names" || problem 'the git server did not answer'
name=$(cut -f 2 "$tmp/names" | grep -Fx -e "$1" -e "$2")
case $name in *[[:space:]]*)
    echo "problem it is a branch and a tag: name refs/heads/$ref or refs/tags/$ref"; exit 0 ;;
esac
git init -q --bare "$tmp/git" || problem "a folder below ${TMPDIR:-/tmp} could not be used"
export GIT_DIR="$tmp/git"
some=
if [ -d "$clone" ]; then
    (cd "$clone/objects" && pwd -P) >"$GIT_DIR/objects/info/alternates"
    [ ! -f "$clone/shallow" ] || cp "$clone/shallow" "$GIT_DIR/shallow"
else
    # Nothing is here yet, so nothing lies between: what is asked is only what it means.
    some='--depth=1 --filter=blob:none'
fi
id=
case $ref in *[!0-9a-f]*) ;; ????????????????????????????????????????) id=$ref ;; esac
if [ -n "$name" ]; then
    take "$GIT_DIR" $some "$repository" "+$name:refs/lockstitch/target" ||
        take "$GIT_DIR" "$repository" "+$name:refs/lockstitch/target" || problem "the git server did not send $ref"
    wanted=refs/lockstitch/target
else
    wanted=$ref
    # Not every server sends a commit by its id.
    if [ -n "$id" ] && take "$GIT_DIR" $some "$repository" "$id"; then :
    elif [ -n "$id" ] && [ -n "$some" ]; then revision=$id
    else
        set -- '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*'
        take "$GIT_DIR" ${some:+--filter=tree:0} "$repository" "$@" || problem 'the git server did not send branches'
    fi
fi
[ -n "${revision:-}" ] || revision=$(git rev-parse -q --verify "$wanted^{commit}")
if [ -z "$revision" ]; then echo "problem the repository has no branch, tag or commit $ref"; exit 0; fi
echo "revision $revision"
if [ -d "$clone" ]; then show_log "$at" "$revision"; show_migrations "$at" "$revision"; fi
exit 0
"""
)

# For going back: only what this host's own clone knows, so that it works with the git server down. What the server last
# said of a tag comes before a tag of that name in refs/tags.
RECALL = (
    SETTINGS
    + _LOG
    + _MIGRATIONS
    + _TAG_NAMES
    + r"""
[ -d "$clone" ] || { echo "problem there is no clone on this host"; exit 0; }
at=$(standing)
export GIT_DIR="$clone"
tag_names 2>/dev/null | head -n 20 | sed 's/^/tag /'
[ -n "$wanted" ] || exit 0
revision=
for ours in "refs/lockstitch/tags/${wanted#refs/tags/}" "refs/lockstitch/${wanted#refs/}" "$wanted"; do
    [ -n "$revision" ] || revision=$(git rev-parse -q --verify "$ours^{commit}" 2>/dev/null)
done
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
