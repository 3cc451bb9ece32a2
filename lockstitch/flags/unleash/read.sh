# shellcheck shell=sh
# Print the value. ask.sh comes before it.

ls_unleash || :
