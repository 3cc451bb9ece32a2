# shellcheck shell=sh
# Set the value; it is read back afterwards. ask.sh comes before it.
# shellcheck disable=SC2154

ls_said=$(ls_http "$flag_method" "$flag_set_url" "$flag_body") || { echo "${ls_said#unreadable }"; return 1; }
