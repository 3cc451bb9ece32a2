# shellcheck shell=sh
# Only what lies in the new release is removed. A path that the repository holds as a link, or under one, may lead out.

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
