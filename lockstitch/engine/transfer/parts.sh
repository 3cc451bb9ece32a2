# shellcheck shell=sh
# How much of each part of `ls_list` is there, and its checksum.
#
# shellcheck disable=SC3067

eval "set -- $ls_list"
for ls_path do
    if [ -f "$ls_path" ] && [ ! -L "$ls_path" ] && [ -O "$ls_path" ]; then
        ls_size=$(stat -c %s -- "$ls_path")
        ls_sum=$(ls_sha "$ls_size" <"$ls_path")
        echo "= $ls_size ${ls_sum%% *}"
    else echo "= 0"; fi
done
