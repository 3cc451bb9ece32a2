# shellcheck shell=sh
# A dump of one database, with the rows of every table in the same snapshot. In the working folder it leaves database/,
# and the files tables, size, head, server, tool, at. The value is `heads`.
#
# The session that counts and the program that dumps begin their snapshots while nobody may write: for an instant every
# table is locked, by FLUSH TABLES WITH READ LOCK where the login has RELOAD, else by LOCK TABLES, which waits for
# whoever has written and not committed (tried with MariaDB 10.11). Tables without transactions (MyISAM) are never seen
# as they were: those stay locked until they are dumped.

# A session ends when its last writer does, so nobody else keeps one open. Not as redirections of a function: some shells
# keep what these close.
alone() { exec 3<&- 4>&- 5>&- 6<&- 8>&- 9<&-; }
all_tables() { sql "$database" <<SQL
SELECT t.table_name, t.engine $ls_tables ORDER BY t.table_name;
SQL
}
# A line for each table with its columns: where a table is altered while it is dumped, no error says so.
columns() { sql "$database" <<SQL | LC_ALL=C sort
SELECT c.table_name, SHA1(GROUP_CONCAT(HEX(c.column_name), ' ', HEX(c.column_type) ORDER BY c.ordinal_position))
    FROM information_schema.columns c
    WHERE c.table_schema = DATABASE() AND CAST(c.table_schema AS BINARY) = CAST(DATABASE() AS BINARY)
    AND c.table_name IN (SELECT t.table_name $ls_tables) GROUP BY c.table_name;
SQL
}
safe="t.engine IN (SELECT e.engine FROM information_schema.engines e WHERE e.transactions = 'YES')"
# `locking CONDITION HOW`: the statement that locks tables, and locks those with transactions as HOW says. `1 >=` picks
# all tables, `NOT` those without transactions.
locking() { sql "$database" <<SQL
SELECT CONCAT('LOCK TABLES ', GROUP_CONCAT($ls_table, ' ', CASE WHEN $safe THEN '$2' ELSE 'READ' END ORDER BY t.table_name), ';')
    $ls_tables AND $1 (COALESCE($safe, 0)) HAVING COUNT(*) > 0;
SQL
}
# For an instant, all at once, waiting for nobody longer than a second: whoever comes later may wait behind us.
hold() {
    (alone; sql "$database") <brief_in >brief_out 2>brief_said &
    holding=$!
    exec 5>brief_in 6<brief_out
    # Where the dump does not even begin, the server itself lets go.
    { echo 'SET SESSION lock_wait_timeout = 1, wait_timeout = 30;'; cat "$1"; echo "SELECT 'locked';"; } >&5 2>/dev/null || :
    read -r word <&6 && return 0
    let_go || :
    return 1
}
# Nobody has ended the session meanwhile, so nobody has written.
let_go() {
    echo "SELECT 'held';" >&5 2>/dev/null || :
    word=; read -r word <&6 || :
    exec 5>&- 6<&-
    wait $holding || :
    [ "$word" = held ]
}
# What knows no transactions cannot be read as it was: nobody may write to it until it is dumped.
keep() {
    [ -s lock ] || return 0
    (alone; sql "$database") <long_in >long_out 2>brief_said &
    keeping=$!
    exec 4>long_in 3<long_out
    { echo 'SET SESSION lock_wait_timeout = 1;'; cat lock; echo "SELECT 'locked';"; } >&4 2>/dev/null || :
    read -r word <&3 && return 0
    exec 4>&- 3<&-
    wait "$keeping" || :
    return 1
}

trap '' PIPE
mkfifo count_in count_out brief_in brief_out long_in long_out told end
all_tables >listed 2>said || { loud said; exit 1; }
# One error may be of a table that only looks like a framework's; that every table was counted is looked at below.
(alone; sql "$database" --force) <count_in >count_out 2>said_count &
counting=$!
exec 8>count_in 9<count_out
echo "SELECT 'ready';" >&8 2>/dev/null || :
read -r word <&9 || { wait $counting || :; loud said_count; exit 1; }
echo 'FLUSH TABLES WITH READ LOCK;' >all; locking NOT READ >lock
tries=20
until hold all && { keep || { let_go || :; false; }; }; do
    # Without RELOAD: only the tables of this database.
    if grep -q 'ERROR 1227' brief_said; then :
    elif grep -q 'ERROR 1205' brief_said && [ $tries -gt 0 ]; then sleep 2
    else
        loud brief_said
        [ $tries -gt 0 ] || echo "the moment in which the snapshot begins did not come for a minute: who writes and does not commit?"
        exit 1
    fi
    tries=$((tries - 1))
    # A table that somebody always writes to is never free to be locked for reading; the other way waits for readers.
    how=READ; [ $((tries % 2)) -eq 1 ] || how=WRITE
    all_tables >listed; locking '1 >=' $how >all; locking NOT READ >lock
    [ -s all ] || echo 'DO 0;' >all
done
cat >&8 2>/dev/null <<'SQL' || :
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT;
SELECT CONCAT_WS('|', (SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables
    WHERE table_schema = DATABASE()), VERSION(), DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ'));
SQL
IFS='|' read -r size server at <&9 || { wait $counting || :; loud said_count; exit 1; }
printf %s "$size" >size; printf %s "$server" >server; printf %s "$at" >"at"
tool_version >tool
all_tables >listed_now
columns >shape
cmp -s listed listed_now || { echo "a table was made or dropped at this moment: try again"; exit 1; }
counting | sql "$database" >counts
mkdir database
# So that it can be ended.
marking() { sh -c 'echo $$ >dumper; exec "$@"' sh "$ls_real" "$@"; }
(alone; tail -n 1 <end >last) &
ending=$!
(alone; ls_real=$ls_dump; ls_dump=marking; { code=0; dumped -v --routines --triggers -- "$database" 2>told || code=$?; echo $code >code; } |
    tee end | gzip -1 >database/data.sql.gz) &
dumping=$!
(alone; while sleep 1; do
    echo "progress $(($(du -sk database 2>/dev/null | cut -f 1) * 1024)) bytes, $(grep -c . dumped 2>/dev/null) tables"
done) &
progress=$!
: >said; : >dumped; begun=; bad=
while IFS= read -r line; do
    case $line in
    '-- Retrieving'*)
        # Its snapshot has begun, and so has ours: others may write again.
        if [ -z "$begun" ]; then
            begun=yes
            let_go || { kill "$(cat dumper)" 2>/dev/null || :; bad="the session that held the tables was ended"; }
            (exec 3<&- 4>&- 9<&-; { cat counts; head_of; echo "SELECT 'whole';"; } >&8 2>/dev/null || :) &
            exec 8>&-
            (exec 3<&- 4>&-; exec cat <&9 >counted) &
            reading=$!
            exec 9<&-
        fi
        case $line in '-- Retrieving rows'*) echo . >>dumped ;; esac ;;
    '-- '*) ;;
    *) printf '%s\n' "$line" >>said ;;
    esac
done <told
wait $dumping || bad=${bad:-gzip could not write it}
kill $progress 2>/dev/null || :
[ -z "$bad" ] && [ "$(cat code 2>/dev/null)" = 0 ] ||
    { loud said | tail -n 20; echo "${bad:-the database was not dumped}"; exit 1; }
if [ -z "$begun" ]; then
    let_go || { echo "the session that held the tables was ended"; exit 1; }
    (exec 9<&-; { head_of; echo "SELECT 'whole';"; } >&8 2>/dev/null || :) &
    exec 8>&-
    cat <&9 >counted; exec 9<&-; reading=
fi
[ -z "$reading" ] || wait "$reading"
wait $counting || :
if [ -s lock ]; then
    echo "SELECT 'held';" >&4 2>/dev/null || :
    read -r word <&3 || { echo "the session that held the tables without transactions was ended"; exit 1; }
    exec 4>&- 3<&-; wait "$keeping" || :
fi
grep '^"' counted >tables || :
sed -n '/^head /{s///p;q;}' counted >"head"
[ "$(tail -n 1 counted)" = whole ] && [ "$(grep -c . tables)" -eq "$(grep -c '^SAVEPOINT one' counts)" ] ||
    { loud said_count | tail -n 5; echo "the rows could not be counted in the snapshot of the dump"; exit 1; }
{ code=0; dumped --events --no-data --no-create-info --skip-triggers -- "$database" 2>said || code=$?; echo $code >code; } |
    gzip -1 >database/events.sql.gz || exit 1
[ "$(cat code)" = 0 ] || { loud said | tail -n 20; exit 1; }
columns >shape_now; LC_ALL=C comm -23 shape shape_now >changed
[ ! -s changed ] || { echo "$(head -n 1 changed | cut -f 1) was altered or dropped while it was dumped: try again"; exit 1; }
wait $ending || :
is_complete "$(cat last)" || { echo "the last line of the dump is not the one that says that it is complete"; exit 1; }
whole database/events.sql.gz || exit 1
rm -f count_in count_out brief_in brief_out long_in long_out told listed listed_now lock all counts counted dumped code
rm -f end last dumper said said_count brief_said shape shape_now changed
