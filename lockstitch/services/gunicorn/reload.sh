# shellcheck shell=sh
# Make gunicorn take the code at `current`, and start it where it does not run. wait.sh comes before it; the values are
# `way` (hup or usr2) and `line`, which starts it where it has a pid file.

start() {
    if [ -n "$unit" ]; then ls_systemctl start "$unit"; return; fi
    [ -n "$line" ] || { echo "gunicorn does not run, and the inventory has no start: for it"; return 1; }
    PIDFILE=$(cd "$(dirname "$pidfile")" && pwd)/$(basename "$pidfile"); export PIDFILE
    (cd "$(dirname "$current")" && PWD=$(pwd)/$(basename "$current") && export PWD && cd "$PWD" && eval "$line")
}
count_workers() {
    n=0
    for w in $(ls_children "$1"); do ls_alive "$w" && n=$((n + 1)); done
    [ $n -gt 0 ] || n=1
    echo $n
}
# MASTER COUNT. The old master is ended with TERM: workers of uvicorn take no notice of QUIT and are killed.
usr2() {
    rm -f "$pidfile.2"
    kill -USR2 "$1" || return 1
    left=$settle new=
    until new=$(cat "$pidfile.2" 2>/dev/null) && [ -n "$new" ] && ls_alive "$new"; do
        left=$((left - 1)); [ $left -gt 0 ] || { echo "no new master appeared"; return 1; }; sleep 0.1
    done
    if ! wait_settled "$new" 0 "$2"; then
        ls_alive "$new" && kill -TERM "$new"
        rm -f "$pidfile.2"; echo "the old master $1 goes on"; return 1
    fi
    kill -TERM "$1"
    left=$settle
    until ! ls_alive "$1" && [ "$(cat "$pidfile" 2>/dev/null)" = "$new" ]; do
        left=$((left - 1)); [ $left -gt 0 ] || { echo "the old master $1 did not hand over to $new"; return 1; }
        sleep 0.1
    done
}

since=$(cat "$state/reloaded")
if ! master=$(ls_master); then
    start || exit 1
    started; exit
fi
case $(readlink "/proc/$master/cwd" 2>/dev/null) in *' (deleted)')
    echo "the folder of gunicorn's master $master is gone, so a reload would end it: restart it by hand"; exit 1 ;;
esac
count=$(count_workers "$master")
if [ "$way" = usr2 ]; then usr2 "$master" "$count"; exit; fi
ls_signal_hup "$master" || exit 1
wait_settled "$master" "$since" "$count"
