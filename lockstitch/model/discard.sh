# shellcheck shell=sh
# `discard PATH`: remove it as far as that is possible; what stays is a warning that names its owner and a command. Only
# a disk that is full or broken is an error. `stays PATH WHY` says so of what was not touched.

discard() { ls_why=$(LC_ALL=C rm -rf -- "$1" 2>&1) || stays "$1" "$ls_why"; }
stays() {
    case $2 in *'No space left'* | *'Input/output error'* | *'Read-only file system'* | *'quota exceeded'*)
        printf '%s\n' "$2"; return 1 ;;
    esac
    ls_whose=$(find "$1" ! -user "$(id -u)" 2>/dev/null | head -n 1); ls_whose=${ls_whose:-$1}
    case $1 in /*) ls_where=$1 ;; *) ls_where=$(pwd -P)/$1 ;; esac
    echo "warning $ls_where cannot be removed: ${2##*: } ($(stat -c %U -- "$ls_whose") owns $ls_whose);" \
        "type there: sudo rm -rf -- '$ls_where'"
}
