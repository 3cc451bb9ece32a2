# shellcheck shell=sh
# A folder for one session. The engine's text runs in it, and leaves `start` there.

set -eu
umask 077
folder=$(mktemp -d)
trap '[ -e "$folder/ready" ] || rm -rf -- "$folder"' EXIT; trap 'trap "" TERM INT HUP; exit 143' TERM INT HUP
cd "$folder"
