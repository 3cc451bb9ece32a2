# shellcheck shell=sh
# The names are those of our own listing, quoted by -b.
# shellcheck disable=SC2012

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
