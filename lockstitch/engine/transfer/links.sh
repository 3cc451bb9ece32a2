# shellcheck shell=sh
# Make links: `ls_list` holds path, destination and temporary name of each.

eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ -L "$1" ] && [ "$(readlink -n -- "$1"; echo .)" = "$2." ]; then echo "= same"
    elif [ -d "$1" ] && [ ! -L "$1" ]; then echo "= folder"
    elif rm -f -- "$3" && ln -s -- "$2" "$3" && mv -fT -- "$3" "$1"; then echo "= ok"
    else rm -f -- "$3"; echo "= refused"; fi
    shift 3
done
