# shellcheck shell=sh
# One that goes within two seconds belongs to somebody who is at work (an editor's `git status`), and is no obstacle.

# To be called in a subshell, which it becomes.
git_locks() {
    # What these hold is no lock of git's own, or not of this work tree.
    cd "$clone" && exec find . \( -path ./objects -o -path '*/modules/*/objects' -o -path ./worktrees -o -path ./lfs \) \
        -prune -o -type f -name '*.lock' ! -name gc.pid.lock -print
}
# The id of a git process that works in this clone; 0 where there is none, ? where some cannot be seen: with `hidepid`,
# /proc hides the files of other users' processes, or their folders.
git_holder() {
    none=0; [ -e /proc/1 ] || none='?'
    for one in /proc/[0-9]*; do
        read -r name <"$one/comm" || { [ ! -e "$one" ] || none='?'; continue; }
        case $name in git | git-*) ;; *) continue ;; esac
        args=$(tr '\0' ' ' <"$one/cmdline"); [ -n "$args" ] || continue # it has ended
        if at=$(readlink "$one/cwd"); then
            case "$at/ $args" in *"$1/"* | "$(pwd -P)/ "*"$clone"*) echo "${one#/proc/}"; return ;; esac
        elif [ -e "$one" ]; then none='?'; fi
    done
    echo "$none"
}
# Fails where none is left.
wait_locks() {
    tries=10
    while [ -n "$(git_locks)" ]; do
        [ $tries -gt 0 ] || return 0
        tries=$((tries - 1)); sleep 0.2
    done
    return 1
}
# Those that a git process of this run has left, which something has killed: made since this run has its own lock, and
# nobody works there.
drop_locks() (
    set +e; wait_locks || exit 0
    git_locks | while IFS= read -r file; do
        [ -z "$(find "$clone/$file" -newer "$lock")" ] || [ "$(git_holder "$(cd "$path" && pwd -P)")" != 0 ] ||
            rm -f -- "$clone/$file"
    done
) 2>/dev/null
show_locks() {
    wait_locks || return 0
    git_locks | while IFS= read -r file; do
        made=$(stat -c %Y "$clone/$file") || continue
        echo "locked $(git_holder "$(cd "$path" && pwd -P)") $(($(date +%s) - made)) $clone/${file#./}"
    done
} 2>/dev/null
