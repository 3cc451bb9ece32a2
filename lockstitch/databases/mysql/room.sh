# shellcheck shell=sh
# The question for the connections that this login may have, and those it has, as a line `room JSON`: no line where it has
# no limit of its own. `ls_rooms` asks it, and for those of the server.

ls_room=$(cat <<'SQL'
SELECT CONCAT('room ', JSON_OBJECT('of', CONCAT('the login ', SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), 'allowed',
    @@max_user_connections, 'used', (SELECT COUNT(*) FROM information_schema.processlist p
        WHERE p.user = SUBSTRING_INDEX(CURRENT_USER(), '@', 1)))) FROM DUAL WHERE @@max_user_connections > 0;
SQL
)
ls_rooms() {
    {
        echo "SHOW GLOBAL STATUS WHERE Variable_name = 'Threads_connected';"
        echo "SHOW GLOBAL VARIABLES WHERE Variable_name = 'max_connections';"
        printf '%s\n' "$ls_room"
    } | sql "$database" 2>&1 | awk -F '\t' '
        $1 == "Threads_connected" { used = $2; next }
        $1 == "max_connections" && used != "" {
            printf "room {\"of\": \"the server\", \"used\": %d, \"allowed\": %d}\n", used, $2; next }
        { print }'
}
