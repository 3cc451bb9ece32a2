# shellcheck shell=sh
# Functions that find gunicorn's master, by its systemd unit or by its pid file, and tell it to reload. observe.sh and
# unit.sh come before it; the values are `unit` and `pidfile`, of which one is empty.

ls_master() {
    if [ -n "$unit" ]; then ls_main_pid && ls_alive "$ls_main" && echo "$ls_main"; return; fi
    # The pid file is away for a moment while a master is reloaded, so one miss says nothing.
    ls_tries=5
    while [ $ls_tries -gt 0 ]; do
        ls_pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$ls_pid" ] && ls_alive "$ls_pid" && echo "$ls_pid" && return 0
        [ -e "$pidfile" ] || [ $ls_tries -gt 4 ] || return 1
        ls_tries=$((ls_tries - 1)); sleep 0.1
    done
    return 1
}
ls_signal_hup() { if [ -n "$unit" ]; then ls_systemctl reload "$unit"; else kill -HUP "$1"; fi; }
