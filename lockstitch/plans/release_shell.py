"""Constant shell texts for the folder of a release and for `current`."""

from __future__ import annotations

from lockstitch.model.removal import REMOVE

# Only what lies in the new release is removed. A path that the repository holds as a link, or under one, may lead out.
LINK = r"""
set -eu
no() { echo "$1"; exit 1; }
from=$(cd -- "$shared" && pwd -P); cd -- "$directory"; here=$(pwd -P)
inside() {
    case "$(readlink -m -- "$1")/" in "$here"/*) return ;; esac
    no "$1 is a link in the repository that leads out of the release: $2"
}
plain=${path%/}; up=$(dirname -- "$plain")
inside "$up" "remove that link from the repository, or share another path"
case $path in */) mkdir -p -- "$from/$path" ;; esac
if [ ! -e "$from/$plain" ]; then
    [ ! -L "$from/$plain" ] || no "$from/$plain is a link that leads nowhere: put the file there, by hand"
    [ -e "$plain" ] || no "$from/$plain is not there: put the file there once, by hand"
    inside "$plain" "put the file into $from once, by hand"
    mkdir -p -- "$(dirname -- "$from/$plain")"; cp -aH -- "$plain" "$from/$plain"
fi
mkdir -p -- "$up"; rm -rf -- "$plain"; ln -s -- "$from/$plain" "$plain"
"""
# A rename is the only atomic change of a symlink. Under one name, so that none is left by a run that was cut off.
# Beside it is kept what it was: a copy of the link, or an empty file where there was none.
ACTIVATE = r"""
set -eu
rm -f -- "$state"/current-before.*
if [ -L "$current" ]; then cp -P -- "$current" "$state/current-before.$run"; else : >"$state/current-before.$run"; fi
cd "$path"
ln -sfn "releases/$id" current.new
mv -fT current.new current
"""
# Where this run has kept nothing, it has changed nothing.
RESTORE = r"""
set -eu
before=$state/current-before.$run
if [ -L "$before" ]; then
    rm -f -- "$current.new"; cp -P -- "$before" "$current.new"; mv -fT -- "$current.new" "$current"
elif [ -f "$before" ]; then rm -f -- "$current"; fi
"""
# `reason` is JSON, known only when the run has failed, and `told` the JSON of what its steps told. A line that a full
# disk cut off does not spoil this one.
RECORD = r"""
[ -z "$(tail -c 1 "$journal" 2>/dev/null)" ] || echo >>"$journal"
at="\"at\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\""
printf '%s,%s%s%s}\n' "${record%?}" "$at" "${reason:+,\"reason\":$reason}" "${told:+,$told}" >>"$journal"
"""
# A release that failed is kept as evidence, unless it has filled the disk of a host that serves.
SPARE = (
    REMOVE
    + r"""
free=$(df -Pk "$releases" 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ -d "$directory" ] && [ "${free:-$wanted}" -lt "$wanted" ]; then
    case "$(readlink "$current") $(ls -l /proc/[0-9]*/cwd 2>/dev/null)" in *"$id"*) ;; *)
        echo "the disk is full ($free KiB are free): the release that failed is removed"
        ls_remove "$directory" ;;
    esac
fi
"""
)
