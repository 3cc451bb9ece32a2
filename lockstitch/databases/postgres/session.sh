# shellcheck shell=sh
# The files of a session in psql. Nothing is in PGPASSWORD, which a command typed in the session (`\!`) would see. With
# no password in the URL, psql finds one or asks.

command -v psql >/dev/null || { echo "psql is not found on this host"; exit 1; }
printf %s "$dsn" >dsn
printf %s "$environment" >environment
[ -z "$password" ] || printf '*:*:*:*:%s\n' "$(printf %s "$password" | sed 's/[\\:]/\\&/g')" >password
