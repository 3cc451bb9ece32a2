# shellcheck shell=sh
# Print what this version of the app's artisan has, a line for each command: `command NAME OPTION...`; then
# `waiting MIGRATION` for what the code that serves has and its database has not; and how long php-fpm waits for requests
# at a reload; `paused WHAT` where a run that was cut off left workers paused. What cannot be told is `unread WHAT: WHY`. artisan.sh and rights.sh come before it.

# A database that does not answer lets artisan hang, and is no reason why nothing else is told of the host.
# shellcheck disable=SC2034  # ls_artisan looks at it
ls_limit="timeout 15"
ls_unread() { echo "unread $1: $(printf '%s\n' "${2:-nothing was printed within 15 s}" | grep -v '^ *$' | tail -n 5 | tr -s ' \n' ' ' | cut -c1-300)"; }
[ ! -e "$state/paused" ] || echo "paused $(tr '\n' ';' <"$state/paused")"
if cd "$current" 2>/dev/null; then
    # shellcheck disable=SC2016  # these are of PHP
    ls_artisan list --format=json 2>/dev/null | "$php" -r '
        $text = stream_get_contents(STDIN);
        $told = json_decode(substr($text, (int) strpos($text, "{")), true);
        if (! isset($told["commands"])) exit(1);
        echo "version ", $told["application"]["version"] ?? "", "\n";
        foreach ($told["commands"] as $one)
            echo "command ", $one["name"], " ", implode(" ", array_keys($one["definition"]["options"] ?? [])), "\n";' ||
        ls_unread "artisan list" "$(ls_artisan --version 2>&1)"
    [ -z "$migrates" ] || ls_said=$(ls_artisan migrate:status 2>&1)
    case ${migrates:+.}${ls_said:-} in
        *'Ran?'* | *'igration name'*)
            printf '%s\n' "$ls_said" | awk '/[ .]Pending *$/ { print "waiting", $1 } /^\| *No / { print "waiting", $4 }' ;;
        "" | *'igration table not found'* | *'o migrations found'*) ;;
        *) ls_unread "artisan migrate:status" "${ls_said:-}" ;;
    esac
    ls_rights
fi
ls_conf=$(systemctl show --property=ExecStart --value "$unit" 2>/dev/null | sed -n 's/.*--fpm-config \([^ ;]*\).*/\1/p')
if [ -r "$ls_conf" ]; then
    ls_wait=$(sed -n 's/^ *process_control_timeout *= *\([0-9a-z]*\).*/\1/p' "$ls_conf" | tail -n 1)
    echo "control ${ls_wait:-0} $ls_conf"
fi
exit 0
