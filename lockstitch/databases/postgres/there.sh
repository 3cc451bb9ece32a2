# shellcheck shell=sh
# `there NAME`: whether there is such a database.

# What could not be asked is not "no": a server that has just lost all its sessions may let nobody in for a moment.
there() {
    ls_tries=20
    until ls_names=$(sql "$admin" -v name="$1" 2>&1 <<'SQL'
SELECT 'there' FROM pg_database WHERE datname = :'name';
SQL
    ); do
        ls_tries=$((ls_tries - 1))
        [ $ls_tries -gt 0 ] || { printf '%s\n' "$ls_names"; exit 1; }
        sleep 0.5
    done
    [ "$ls_names" = there ]
}
