# shellcheck shell=sh
# A scratch database `beside`, with the encoding and collation of the dump where this server has them. The values are
# `beside`, `prefix`, `encoding`, `collate`.

set -eu
drop_leftovers
{ assign new "$beside"; assign encoding "${encoding:-utf8mb4}"; assign collate "$collate"; cat <<'SQL'; } | run
SET @known = (SELECT COUNT(*) FROM information_schema.collations
    WHERE collation_name = CONVERT(@collate USING utf8) AND character_set_name = CONVERT(@encoding USING utf8));
SELECT CONCAT('CREATE DATABASE ', CONCAT('`', REPLACE(@new, '`', '``'), '`'), CASE WHEN @known THEN CONCAT(' CHARACTER SET ', @encoding, ' COLLATE ', @collate) ELSE ' CHARACTER SET utf8mb4' END, ';');
SQL
