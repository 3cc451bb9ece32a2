"""psql at a terminal: the files that it is started with."""

from __future__ import annotations

from lockstitch.services.session_shell import OPENED

# Without PGPASSWORD, which a command typed in it (`\!`) would see. With no password in the URL, psql finds one or asks.
SHELL = (
    r"""
command -v psql >/dev/null || { echo "psql is not found on this host"; exit 1; }
printf %s "$dsn" >dsn
printf %s "$environment" >environment
[ -z "$password" ] || printf '*:*:*:*:%s\n' "$(printf %s "$password" | sed 's/[\\:]/\\&/g')" >password
cat >start <<'SH'
"""
    + OPENED
    + r"""
unset PGOPTIONS PGSERVICE PGSERVICEFILE PGDATABASE PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD
export PGCONNECT_TIMEOUT=10 PGAPPNAME="lockstitch shell"
[ ! -e "$folder/password" ] || export PGPASSFILE="$folder/password"
environment=$(cat "$folder/environment")
psql -d "$(cat "$folder/dsn")" -v PROMPT1="$environment %/%R%x%# " -v PROMPT2="$environment %/%R%x%# "
SH
"""
)
