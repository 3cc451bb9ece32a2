"""Git on a host, as constant shell texts: settings, and questions. What changes a host is in `git_steps.py`.
Nothing here asks for a password, hangs on a dead server, or runs a hook of a repository somebody else owns."""

from __future__ import annotations

from lockstitch.facts.git_changes import IN_THE_WAY
from lockstitch.facts.git_locks import GIT_LOCKS
from lockstitch.facts.git_modules import LFS, SHOW_MODULES

# safe.directory: several people deploy one app, so the clone may belong to another of them.
SETTINGS = r"""
export GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_CONFIG_KEY_1=core.hooksPath GIT_CONFIG_VALUE_1=/dev/null
# As `git lfs install` writes it into a person's own configuration: a host's user may have none.
if command -v git-lfs >/dev/null 2>&1; then
    export GIT_CONFIG_COUNT=6
    export GIT_CONFIG_KEY_2=filter.lfs.process GIT_CONFIG_VALUE_2='git-lfs filter-process'
    export GIT_CONFIG_KEY_3=filter.lfs.smudge GIT_CONFIG_VALUE_3='git-lfs smudge -- %f'
    export GIT_CONFIG_KEY_4=filter.lfs.clean GIT_CONFIG_VALUE_4='git-lfs clean -- %f'
    export GIT_CONFIG_KEY_5=filter.lfs.required GIT_CONFIG_VALUE_5=true
fi
ls_alive="-o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2"
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes $ls_alive}"
here() { git --git-dir="$clone" "$@"; }
# A git directory alone: where its work tree is to be, there may be nothing.
of() { ls_git=$1; shift; git --git-dir="$ls_git" --work-tree=. "$@"; }
# By URL and with our own refspec: what the clone's owner configured for remotes is theirs, and says nothing to us.
take() { ls_git=$1; shift; of "$ls_git" fetch -q --force --no-tags --no-recurse-submodules "$@"; }
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

_LOG = r"""
commits() { git log --no-show-signature --max-count=200 --format="$1 %H%x1f%an%x1f%s" "$2..$3" -- 2>/dev/null; }
show_log() {
    [ -n "$1" ] && [ "$1" != "$2" ] || return 0
    { commits commit "$1" "$2" && commits gone "$2" "$1"; } || echo between
}
# Something goes; `published` says whether a branch or tag of the server has it all the same.
goes() { [ -n "$1" ] && [ "$1" != "$2" ] && ! git merge-base --is-ancestor "$1" "$2" 2>/dev/null; }
published() { [ -n "$(git for-each-ref --count=1 --contains "$@" 2>/dev/null)" ]; }
# One that is told neither as a branch nor as a tag, as the head of a merged pull request is.
named() { git ls-remote "$repository" >"$tmp/all" && grep -q "^$1[[:space:]]" "$tmp/all"; }
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
    + GIT_LOCKS
    + r"""
there "$path" || :
if [ -d "$clone" ]; then
    said=$(here rev-parse --git-dir 2>&1) || echo "unreadable $clone: $(printf '%s' "$said" | tail -n 1)"
fi
if command -v git-lfs >/dev/null 2>&1; then echo lfs; fi
[ ! -d "$clone" ] || show_locks
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
        if [ ! -d "$releases" ]; then echo "unreadable $releases: it is no folder"
        elif said=$(LC_ALL=C ls -A -- "$releases" 2>&1 >/dev/null); then
            LC_ALL=C ls -1bA -- "$releases" | sed 's/^/folder /'
        else echo "unreadable $releases: ${said##*: }"; fi
    fi
fi
if [ -d "$clone" ]; then
    at=$(standing)
    [ -n "$at" ] && tag_names --points-at "$at" 2>/dev/null | head -n 1 | sed 's/^/tag /'
    known=$(here for-each-ref --count=1 refs/lockstitch/heads refs/lockstitch/tags refs/remotes refs/tags 2>/dev/null)
    [ -z "$at" ] || [ -z "$known" ] || echo "unpublished $(here rev-list --count "$at" --not \
        --glob=refs/lockstitch/heads/ --glob=refs/lockstitch/tags/ --glob=refs/lockstitch/pinned/ \
        --remotes --tags 2>/dev/null)"
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
    + IN_THE_WAY
    + _LOG
    + _MIGRATIONS
    + SHOW_MODULES
    + LFS
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
if [ -n "$pinned" ]; then
    # Every site gets the commit that the first one was told.
    git cat-file -e "$pinned^{commit}" || problem "what $ref means has changed while it was asked"
    revision=$pinned
fi
echo "revision $revision"
if uses_lfs "$GIT_DIR" "$revision"; then echo lfs; fi
[ -z "$at" ] || [ -d "$clone" ] || echo between
if [ -d "$clone" ]; then
    show_in_the_way "$GIT_DIR" "$revision"
    if goes "$at" "$revision"; then
        old=$(here rev-parse -q --verify "refs/lockstitch/heads/${name#refs/heads/}") ||
            old=$(here rev-parse -q --verify "refs/remotes/origin/${name#refs/heads/}") || old=
        ! goes "$old" "$revision" || echo rewritten
        take "$GIT_DIR" "$repository" '+refs/heads/*:refs/all/heads/*' '+refs/tags/*:refs/all/tags/*' ||
            problem 'the git server did not send branches'
        published "$at" refs/all || named "$at" || echo unpublished
    fi
    show_log "$at" "$revision"; show_migrations "$at" "$revision"; show_modules "$at" "$revision"
fi
exit 0
"""
)

# For going back: only what this host's own clone knows, so that it works with the git server down. What the server last
# said of a tag comes before a tag of that name in refs/tags.
RECALL = (
    SETTINGS
    + IN_THE_WAY
    + _LOG
    + _MIGRATIONS
    + SHOW_MODULES
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
            # What was kept when it went has served here: no server has it, and it is a way back.
            git rev-parse -q --verify "refs/lockstitch/kept/$revision" >/dev/null || echo "ahead $word" ;;
        *) echo "ahead unknown" ;;
    esac
fi
show_in_the_way "$(cd "$clone" && pwd -P)" "$revision"
! goes "$at" "$revision" ||
    published "$at" refs/lockstitch/heads refs/lockstitch/tags refs/lockstitch/pinned refs/remotes refs/tags ||
    echo unpublished
show_log "$at" "$revision"
show_migrations "$revision" "$at"
show_modules "$at" "$revision"
exit 0
"""
)
