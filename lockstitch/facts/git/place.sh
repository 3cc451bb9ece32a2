# shellcheck shell=sh

newline='
'
at=
there "$path" || :
if command -v git-lfs >/dev/null 2>&1; then echo lfs; fi
[ ! -d "$clone" ] || show_locks
if [ "$kind" = in_place ]; then
    if [ -d "$clone" ]; then
        echo clone
        standing; echo "revision $at"
        if changed=$(git -C "$path" status --porcelain --untracked-files=no 2>/dev/null); then
            word=dirty
            [ -z "$changed" ] || ! as_built || word=built
            [ -z "$changed" ] || printf '%s\n' "$changed" | sed -n "s/^./$word &/p"
        else echo "broken git status fails: $(git -C "$path" status --porcelain 2>&1 >/dev/null | tail -n 1)"; fi
    elif [ -e "$path" ] && [ -n "$(ls -A "$path" 2>/dev/null)" ]; then
        echo "foreign $path is there and is no git checkout"
    fi
else
    [ -d "$clone" ] && echo clone
    if [ -L "$current" ]; then
        link=$(readlink "$current"); leads=$link
        case $leads in /*) ;; *) leads=$path/$leads ;; esac
        case $link in *"$newline"*) link=$(printf %s "$link" | tr '\n' '?') ;; esac
        printf 'link %s\n' "$link"
        [ -d "$current/" ] || echo dangling
        # What leads elsewhere is no release of ours, whatever its name.
        if [ "${leads%/*}" = "$releases" ] && [ -n "${leads##*/}" ]; then echo "current ${leads##*/}"
        elif [ "$(readlink -m -- "$(dirname -- "$leads")")" = "$(readlink -m -- "$releases")" ]; then
            echo "current $(basename -- "$leads")"
        fi
        standing; echo "revision $at"
        [ ! -e "$current/REVISION" ] || [ -r "$current/REVISION" ] ||
            echo "unreadable $current/REVISION: Permission denied"
    elif [ -e "$current" ]; then
        echo "foreign $current is there and is no symlink"
    fi
    if there "$releases"; then
        if [ ! -d "$releases" ]; then echo "unreadable $releases: it is no folder"
        elif folders=$(LC_ALL=C ls -1bA -- "$releases" 2>/dev/null); then
            IFS=$newline; set -f
            for folder in $folders; do printf 'folder %s\n' "$folder"; done
            unset IFS; set +f
        else
            folders=$(LC_ALL=C ls -A -- "$releases" 2>&1 >/dev/null)
            echo "unreadable $releases: ${folders##*: }"
        fi
    fi
fi
# Sets `counts` to how many commits of what is deployed a branch lacks, a tab, and the reverse.
compare() { counts=$(git --git-dir="$clone" rev-list --left-right --count "$at...$1" -- 2>/dev/null); }
some() { [ -n "$(git --git-dir="$clone" for-each-ref --count=1 "$@" 2>/dev/null)" ]; }
if [ -d "$clone" ]; then
    # What has answered is readable, and what is in the branch has been published: neither is asked for again.
    answered=
    if [ -n "$at" ]; then
        tag=$(git --git-dir="$clone" for-each-ref --sort=-creatordate --count=1 --format='%(refname)' \
            --points-at "$at" refs/lockstitch/tags refs/tags 2>/dev/null) && answered=yes
        tag=${tag#refs/lockstitch/tags/}; tag=${tag#refs/tags/}
        [ -z "$tag" ] || echo "tag $tag"
        # A clone that was last fetched by an older version of this has its branches in refs/remotes.
        compare "refs/lockstitch/heads/$ref" || some refs/lockstitch/heads || compare "refs/remotes/origin/$ref" || :
        ahead=${counts%%	*} behind=${counts##*	}
        [ "$ahead" = 0 ] || ahead=" +$ahead"
        [ "$behind" = 0 ] || behind=" -$behind"
        [ -z "$counts" ] || echo "branch $ref${behind#0}${ahead#0}"
        [ "$ahead" = 0 ] || ! some refs/lockstitch/heads refs/lockstitch/tags refs/remotes refs/tags ||
            echo "unpublished $(git --git-dir="$clone" rev-list --count "$at" --not --glob=refs/lockstitch/heads/ \
                --glob=refs/lockstitch/tags/ --glob=refs/lockstitch/pinned/ --remotes --tags 2>/dev/null)"
    fi
    [ -n "$answered" ] || said=$(git --git-dir="$clone" rev-parse --git-dir 2>&1) ||
        echo "unreadable $clone: ${said##*"$newline"}"
fi
