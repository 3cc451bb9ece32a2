#!/bin/sh
# A deploy as people write it with ssh alone: one connection a host, one script a phase, all hosts at once.
# usage: by_ssh.sh APP SSH_CONFIG REPOSITORY HOST...
set -eu
scripts=$(dirname "$0") app=$1 config=$2 repository=$3
shift 3
revision=$(git ls-remote "$repository" refs/heads/main | cut -f1)
control=$(mktemp -d)
trap 'for host; do ssh -F "$config" -S "$control/$host" -O exit "$host" 2>/dev/null & done; wait; rm -rf "$control"' EXIT

phase() {
    file=$1
    shift
    command="app=$app repository=$repository revision=$revision name=$name
$(cat "$scripts/$file")"
    jobs='' failed=
    for host; do
        ssh -F "$config" -o BatchMode=yes -o ControlMaster=auto -o ControlPersist=yes -S "$control/$host" \
            "$host" "$command" </dev/null &
        jobs="$jobs $!"
    done
    for job in $jobs; do
        wait "$job" || failed=yes
    done
    [ -z "$failed" ] || { echo "$file failed" >&2; exit 1; }
}

name=$(date -u +%Y%m%d%H%M%S%N)
phase prepare.sh "$@"
phase switch.sh "$@"
phase prune.sh "$@"
