# shellcheck shell=sh
# A list of words, split on purpose.
# shellcheck disable=SC2086
# New objects are fetched into a folder that is thrown away: planning changes nothing on the host. Only stdout is an
# answer: on stderr, the server's banner, ssh and git itself say what they like.

tmp=$(mktemp -d "${TMPDIR:-/tmp}/lockstitch.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
# What was said, a line each, says why: `git_failure` chooses.
problem() { echo "problem $1"; grep '[^ ]' "$tmp/said" | tail -n 30 | sed 's/^/said /'; exit 0; }
# Room is taken beforehand: on a disk that is full, what is said of that would be lost.
printf '%4096s' '' 2>/dev/null >"$tmp/said" || {
    echo "problem the folder ${TMPDIR:-/tmp} cannot be used"
    { head -c 4096 /dev/zero >"$tmp/said"; } 2>&1 | sed 's/^/said /'; exit 0; }
exec 2<>"$tmp/said"
standing
case $ref in refs/*) set -- "$ref" "$ref" ;; *) set -- "refs/heads/$ref" "refs/tags/$ref" ;; esac
names=$(git ls-remote --refs "$repository" "$@") || problem 'the git server did not answer'
name=
while read -r _ told; do
    case $told in "$1" | "$2") name=$name${name:+ }$told ;; esac
done <<NAMES
$names
NAMES
case $name in *[[:space:]]*)
    echo "problem it is a branch and a tag: name refs/heads/$ref or refs/tags/$ref"; exit 0 ;;
esac
git init -q --bare --template= "$tmp/git" || problem "a folder below ${TMPDIR:-/tmp} could not be used"
export GIT_DIR="$tmp/git"
# It is thrown away, so nothing in it needs upkeep.
export GIT_CONFIG_COUNT=$((GIT_CONFIG_COUNT + 1))
export "GIT_CONFIG_KEY_$((GIT_CONFIG_COUNT - 1))=maintenance.auto" "GIT_CONFIG_VALUE_$((GIT_CONFIG_COUNT - 1))=false"
some=
if [ -d "$clone" ]; then
    case $clone in /*) objects=$clone/objects ;; *) objects=$PWD/$clone/objects ;; esac
    [ ! -d "$objects" ] || printf '%s\n' "$objects" >"$GIT_DIR/objects/info/alternates"
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
    if [ -z "$id" ] || ! take "$GIT_DIR" $some "$repository" "$id"; then
        set -- '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*'
        take "$GIT_DIR" ${some:+--filter=tree:0} "$repository" "$@" || problem 'the git server did not send branches'
    fi
fi
revision=$(git rev-parse -q --verify "$wanted^{commit}") || revision=
case $ref in *[!0-9a-f]*) some_id= ;; *) some_id=yes ;; esac
if [ -z "$revision$id" ] && [ -n "$some_id" ]; then
    # The beginning of a commit that no branch leads to, as that of a pull request: the server tells those by their refs.
    id=$(git ls-remote "$repository" | sed -n "s/^\(${ref}[0-9a-f]*\)[[:space:]].*/\1/p" | sort -u)
    case $id in *[!0-9a-f]*) echo "problem several commits of the repository begin with $ref"; exit 0 ;; esac
    [ -z "$id" ] || ! take "$GIT_DIR" $some "$repository" "$id" || revision=$id
fi
if [ -z "$revision" ]; then
    echo "problem the repository has no branch, tag or commit $ref"; [ -z "$some_id" ] || echo nowhere
    echo missing; git for-each-ref --count=1000 --sort=-creatordate --format='name %(refname:strip=2)' refs/heads refs/tags
    exit 0
fi
if [ -n "$pinned" ]; then
    # Every site gets the commit that the first one was told.
    git cat-file -e "$pinned^{commit}" || problem "what $ref means has changed while it was asked"
    revision=$pinned
fi
echo "revision $revision"; echo "ref ${name:-$ref}"
if uses_lfs "$GIT_DIR" "$revision"; then echo lfs; elif [ $? -eq 1 ]; then echo without lfs; fi
[ "$kind" != releases ] || [ -z "$paths" ] || show_holds "$GIT_DIR" "$revision"
show_migration_files "$revision"
[ -z "$at" ] || [ -d "$clone" ] || echo between
if [ -d "$clone" ]; then
    if modules=$(git ls-tree "$revision" -- .gitmodules) && [ -z "$modules" ]; then echo without modules; fi
    show_in_the_way "$GIT_DIR" "$revision"
    if loses "$at" "$revision"; then
        old=$(here rev-parse -q --verify "refs/lockstitch/heads/${name#refs/heads/}") ||
            old=$(here rev-parse -q --verify "refs/remotes/origin/${name#refs/heads/}") || old=
        ! goes "$old" "$revision" || echo rewritten
        take "$GIT_DIR" "$repository" '+refs/heads/*:refs/all/heads/*' '+refs/tags/*:refs/all/tags/*' ||
            problem 'the git server did not send branches'
        published "$at" refs/all || named "$at" || echo unpublished
    fi
    show_log "$at" "$revision"; show_migrations "$at" "$revision"; show_modules "$at" "$revision"
fi
show_authors "$at" "$revision"
exit 0
