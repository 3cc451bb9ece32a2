# shellcheck shell=sh
# The arguments of journalctl. `since` and `cursor` say where to begin.

command -v journalctl >/dev/null || { say nojournal; exit 0; }
notice=$(journalctl -n 0 2>&1 >/dev/null)
case $notice in *"not seeing messages"* | *"insufficient permissions"*) say limited "$(id -un)" ;; esac
set -- --no-pager -q -a -o json
fields=MESSAGE,_PID,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT
journalctl --output-fields="$fields" -n 0 -q >/dev/null 2>&1 && set -- "$@" --output-fields="$fields"
case $since in
    '') ;;
    -*) set -- "$@" --since="@$(($(date +%s) + since))" ;;
    *) set -- "$@" --since="@$since" ;;
esac
[ -z "$cursor" ] || set -- "$@" --after-cursor="$cursor"
