# shellcheck shell=sh
# `there PATH` succeeds where the path is there. Only an error that says so is an absence, and only if no link on the
# way leads nowhere; for any other it prints `unreadable PATH: REASON`.

there() {
    [ -e "$1" ] && return 0
    ls_why=$(LC_ALL=C stat -L -- "$1" 2>&1 >/dev/null) && return 0
    case $ls_why in *'No such file or directory'*) ;; *) echo "unreadable $1: ${ls_why##*: }"; return 1 ;; esac
    ls_up=$1
    until [ -e "$ls_up" ]; do
        if [ -L "$ls_up" ]; then echo "unreadable $1: $ls_up is a link to nothing"; return 1; fi
        case $ls_up in */*) ls_up=${ls_up%/*}; ls_up=${ls_up:-/} ;; *) ls_up=. ;; esac
    done
    return 1
}
