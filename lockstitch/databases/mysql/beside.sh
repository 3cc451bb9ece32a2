# shellcheck shell=sh
# Databases beside the one that serves.

# `there NAME`: whether there is such a database. What could not be asked is not "no": the error is printed, and nothing
# goes on.
there() {
    ls_there=$({ assign name "$1"; cat <<'SQL'; } | ask 2>&1
SELECT 'there' FROM information_schema.schemata WHERE CAST(schema_name AS BINARY) = CAST(@name AS BINARY);
SQL
    ) || { printf '%s\n' "$ls_there"; exit 1; }
    [ "$ls_there" = there ]
}
# `run`: SQL that makes SQL, and that SQL carried out.
run() { ls_statements=$(ask) || exit 1; [ -z "$ls_statements" ] || printf '%s\n' "$ls_statements" | ask; }
# `create_like NAME OTHER`: a new database with the encoding of another one.
create_like() { { assign new "$1"; assign other "$2"; cat <<'SQL'; } | run
SELECT CONCAT('CREATE DATABASE ', CONCAT('`', REPLACE(@new, '`', '``'), '`'), ' CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name, ';')
    FROM information_schema.schemata WHERE CAST(schema_name AS BINARY) = CAST(@other AS BINARY);
SQL
}
# `end_sessions NAME`: of whoever is seen in that database twice. MariaDB shows a session that reads
# information_schema.triggers in every database for a moment, whichever is its own.
end_sessions() { { assign name "$1"; cat <<'SQL'; } | ask | ask --force >/dev/null 2>&1 || :
SET @seen = (SELECT GROUP_CONCAT(id) FROM information_schema.processlist
    WHERE CAST(db AS BINARY) = CAST(@name AS BINARY) AND id <> CONNECTION_ID());
DO SLEEP(IF(@seen IS NULL, 0, 0.1));
SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist
    WHERE CAST(db AS BINARY) = CAST(@name AS BINARY) AND FIND_IN_SET(id, @seen);
SQL
}
# Databases that dead runs have left. A run that is under way has sessions on its own.
drop_leftovers() { { assign prefix "$prefix"; cat <<'SQL'; } | run
SELECT CONCAT('DROP DATABASE IF EXISTS ', CONCAT('`', REPLACE(s.schema_name, '`', '``'), '`'), ';') FROM information_schema.schemata s
    WHERE @prefix <> '' AND LEFT(CAST(s.schema_name AS BINARY), LENGTH(@prefix)) = CAST(@prefix AS BINARY)
    AND NOT EXISTS (SELECT 1 FROM information_schema.processlist p WHERE p.db = s.schema_name);
SQL
}
