# shellcheck shell=sh
# The beginning of `start`. The folder goes with the session, also when its terminal is gone; an interrupt is for the
# program in it.

folder=${0%/*}
trap 'rm -rf -- "$folder"' EXIT; trap 'trap "" TERM HUP; exit 143' TERM HUP; trap : INT
