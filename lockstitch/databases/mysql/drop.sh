# shellcheck shell=sh
# The database `beside` is dropped, and its sessions end.

there "$beside" || exit 0
end_sessions "$beside"
{ assign beside "$beside"; cat <<'SQL'; } | run || exit 1
SELECT CONCAT('SET SESSION lock_wait_timeout = 20; DROP DATABASE IF EXISTS ', CONCAT('`', REPLACE(@beside, '`', '``'), '`'), ';');
SQL
rm -f -- "$directory/.lockstitch/$vault/events/$beside"
