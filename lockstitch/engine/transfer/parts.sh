# shellcheck shell=sh
# How much of each part of `ls_list` is there, and its checksum.
#
# shellcheck disable=SC3067

eval "set -- $ls_list"
for ls_one do
    if [ -f "$ls_one" ] && [ ! -L "$ls_one" ] && [ -O "$ls_one" ]; then
        ls_size=$(stat -c %s -- "$ls_one")
        ls_sum=$(ls_sha "$ls_size" <"$ls_one")
        echo "= $ls_size ${ls_sum%% *}"
    else echo "= 0"; fi
done
