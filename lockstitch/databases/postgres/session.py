"""What a person has psql do: a session at a terminal, by the files it is started with; and ANALYZE."""

from __future__ import annotations

from lockstitch.databases.console import OPENED
from lockstitch.databases.postgres.dump import FORGET, LOGIN

# It may take longer than a login's queries may. Of what is skipped only the server's own tables are not told.
MAINTAIN = (
    LOGIN
    + r"""
said=$(sql "$dsn" -c 'SET statement_timeout = 0' -c ANALYZE 2>&1) || { printf '%s\n' "$said"; exit 1; }
printf '%s\n' "$said" |
    grep -Ev '"(pg_[^"]*|sql_(features|implementation_info|languages|packages|parts|sizing|sizing_profiles))"' | grep .
exit 0
"""
)

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
    + FORGET
    + r"""
export PGCONNECT_TIMEOUT=10 PGAPPNAME="lockstitch shell"
[ ! -e "$folder/password" ] || export PGPASSFILE="$folder/password"
environment=$(cat "$folder/environment")
psql -d "$(cat "$folder/dsn")" -v PROMPT1="$environment %/%R%x%# " -v PROMPT2="$environment %/%R%x%# "
SH
"""
)
