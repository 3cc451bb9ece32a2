# shellcheck shell=sh
# Put parts in place as `ls_user`: `ls_list` holds part, target, checksum, mode and temporary name of each; `ls_as` is
# the text of install_part.sh.
#
# shellcheck disable=SC2024

eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ ! -f "$1" ]; then echo "= gone"
    else
        sudo -n -H -u "$ls_user" sh -c "$ls_as" sh "$2" "$3" "$4" "$5" <"$1"
        case $? in 0) echo "= ok" ;; 4) echo "= differs" ;; *) echo "= refused" ;; esac
        rm -f -- "$1"
    fi
    shift 5
done
