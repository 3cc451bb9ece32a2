# shellcheck shell=sh
# Put in place what has arrived whole: `ls_list` holds part, target, checksum and mode of each. Where all parts of a
# batch are whole, which `ls_parts` and `ls_sums` tell at once, only their moves take a process each. `ls_size` is set
# for a single file: a large one is flushed to disk while its checksum is computed.

eval "set -- $ls_parts"
ls_whole=no ls_sync=
if [ ${#ls_size} -ge 8 ]; then sync -- "$1" & ls_sync=$!
elif ls_lines=$(sha256sum -- "$@" 2>/dev/null) \
    && [ "$(printf '%s\n' "$ls_lines" | LC_ALL=C sed 's/^\\//; s/ .*//')" = "$ls_sums" ] \
    && sync -- "$@" && { [ -z "$ls_mode" ] || chmod "$ls_mode" -- "$@"; }; then ls_whole=yes; fi
eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    ls_sum="$3 -"
    [ $ls_whole = yes ] || ls_sum=$(ls_sha "$ls_size" <"$1") || ls_sum=
    if [ ! -f "$1" ]; then echo "= gone"
    elif [ "${ls_sum%% *}" != "$3" ]; then rm -f -- "$1"; echo "= differs"
    elif if [ -n "$ls_sync" ]; then wait "$ls_sync"; else [ $ls_whole = yes ] || sync -- "$1"; fi \
        && { [ $ls_whole = yes ] && [ -n "$ls_mode" ] || chmod "$4" -- "$1"; } \
        && mv -fT -- "$1" "$2"; then echo "= ok"
    else rm -f -- "$1"; echo "= refused"; fi
    shift 4
done
