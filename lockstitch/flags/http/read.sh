# shellcheck shell=sh
# Print the value. ask.sh comes before it.
# shellcheck disable=SC2154

ls_http GET "$flag_url" '' || :
