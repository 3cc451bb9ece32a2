# shellcheck shell=sh
# What is at each path of `ls_list`, which holds pairs of path and size; a checksum only where the size is the same.

eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ -L "$1" ]; then echo "= link"
    elif [ -f "$1" ]; then
        ls_stat=$(stat -c '%a %s' -- "$1") || ls_stat="0 -1"
        ls_sum=
        if [ "${ls_stat#* }" = "$2" ]; then ls_sum=$(ls_sha "$2" <"$1"); fi
        echo "= file $ls_stat ${ls_sum%% *}"
    elif [ -d "$1" ]; then echo "= folder"
    elif [ -e "$1" ]; then echo "= other"
    else echo "= none"; fi
    shift 2
done
