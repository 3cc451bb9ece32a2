# shellcheck shell=sh
# Set a flag and read it back. The functions of its driver come before this text; the values are `flag_name`,
# `flag_wanted` and `flag_expected`, both as lines of a reading.
# shellcheck disable=SC2154

ls_flag_now=$(ls_flag_read)
if [ -n "$flag_expected" ] && [ "$ls_flag_now" != "$flag_expected" ]; then
    echo "$flag_name was changed by somebody else: it was '$flag_expected' and is '$ls_flag_now'"
    exit 1
fi
if [ "$ls_flag_now" != "$flag_wanted" ]; then
    ls_flag_write || exit 1
    ls_flag_now=$(ls_flag_read)
fi
[ "$ls_flag_now" = "$flag_wanted" ] || {
    echo "$flag_name was set, and reads back as '$ls_flag_now'"
    exit 1
}
echo "$flag_name: $ls_flag_now"
