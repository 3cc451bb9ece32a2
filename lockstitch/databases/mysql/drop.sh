# shellcheck shell=sh
# The database `beside` is dropped, and its sessions end.

there "$beside" || exit 0
{ assign beside "$beside"; cat <<'SQL'; } | ask | ask --force >/dev/null 2>&1 || :
SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE db = CONVERT(@beside USING utf8);
SQL
{ assign beside "$beside"; cat <<'SQL'; } | run || exit 1
SELECT CONCAT('SET SESSION lock_wait_timeout = 20; DROP DATABASE IF EXISTS ', CONCAT('`', REPLACE(@beside, '`', '``'), '`'), ';');
SQL
rm -f -- "$directory/.lockstitch/$vault/events/$beside"
