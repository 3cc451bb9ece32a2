# shellcheck shell=sh
# Only what lies in the new release is removed. A path that the repository holds as a link, or under one, may lead out.
# Where the shared file is there already, as on every deploy but the first, this starts little more than `ln`.

set -eu
no() { echo "$1"; exit 1; }
start=$PWD
cd -P -- "$shared"; from=$PWD
cd -- "$start"; cd -P -- "$directory"; here=$PWD
inside() {
    case "$(readlink -m -- "$1")/" in "$here"/*) return ;; esac
    no "$1 is a link in the repository that leads out of the release: $2"
}
plain=${path%/}
case $plain in
    */*) up=${plain%/*}; inside "$up" "remove that link from the repository, or share another path" ;;
    *) up=. ;;
esac
case $path in */) [ -d "$from/$path" ] || mkdir -p -- "$from/$path" ;; esac
if [ ! -e "$from/$plain" ]; then
    [ ! -L "$from/$plain" ] || no "$from/$plain is a link that leads nowhere: put the file there, by hand"
    [ -e "$plain" ] || no "$from/$plain is not there: put the file there once, by hand"
    inside "$plain" "put the file into $from once, by hand"
    mkdir -p -- "$(dirname -- "$from/$plain")"; cp -aH -- "$plain" "$from/$plain"
fi
[ -d "$up" ] || mkdir -p -- "$up"
if [ -e "$plain" ] || [ -L "$plain" ]; then rm -rf -- "$plain"; fi
ln -s -- "$from/$plain" "$plain"
