# shellcheck shell=sh
# Remove the releases `ids`. A process loses its footing when its folder goes, even one that only means to start others
# elsewhere. What cannot be removed is no release any more: the name of a folder says whether it is whole.

ls_look && cd "$releases" || exit 1
live=$(readlink ../current 2>/dev/null) || live=none
live=${live%/}; live=${live##*/}
used=$(ls -l /proc/[0-9]*/cwd 2>/dev/null) || :
code=0 looked=
for id in $ids; do
    case "$live $used" in *"$id"*) echo "$id is still used by a process: kept"; continue ;; esac
    ls_removable "./$id" || { echo "warning $ls_kept"; continue; }
    if why=$(LC_ALL=C mv -T -- "$id" "$id.gone" 2>&1); then looked="$looked $id.gone "
    else stays "$id" "$why" || code=1; fi
done
for id in [0-9]*-*.gone; do
    [ -e "$id" ] || continue
    case $looked in *" $id "*) ;; *) ls_removable "./$id" || { echo "warning $ls_kept"; continue; } ;; esac
    discard "$id" || code=1
done
exit $code
