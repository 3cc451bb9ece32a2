# shellcheck shell=sh
# The end of a session's `start`. console_start.sh and forget.sh come before it.

export PGCONNECT_TIMEOUT=10 PGAPPNAME="lockstitch shell"
[ ! -e "$folder/password" ] || export PGPASSFILE="$folder/password"
environment=$(cat "$folder/environment")
psql -d "$(cat "$folder/dsn")" -v PROMPT1="$environment %/%R%x%# " -v PROMPT2="$environment %/%R%x%# "
