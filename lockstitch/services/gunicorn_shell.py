"""The shell texts of gunicorn. Facts in them were seen with gunicorn 27.0.1; issue numbers are its tracker's."""

from __future__ import annotations

# A configuration's own chdir names `current`, which is still the old release: the option beats it.
CHECK = r"""
cd "$release" || exit 1
PWD=$(pwd -P); export PWD
"$python" -m gunicorn --check-config --chdir "$PWD" $app || {
    code=$?; echo "gunicorn --check-config refused the new code (exit code $code)"; exit $code; }
"""

MASTER_BY_UNIT = r"""
ls_master() { ls_pid=$(ls_show MainPID); [ "${ls_pid:-0}" != 0 ] && ls_alive "$ls_pid" && echo "$ls_pid"; }
ls_signal_hup() { ls_systemctl reload "$unit"; }
"""
# The pid file is away for a moment while a master is reloaded, so one miss says nothing.
MASTER_BY_PIDFILE = r"""
ls_master() {
    ls_tries=5
    while [ $ls_tries -gt 0 ]; do
        ls_pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$ls_pid" ] && ls_alive "$ls_pid" && echo "$ls_pid" && return 0
        [ -e "$pidfile" ] || [ $ls_tries -gt 4 ] || return 1
        ls_tries=$((ls_tries - 1)); sleep 0.1
    done
    return 1
}
ls_signal_hup() { kill -HUP "$1"; }
"""
START_BY_LINE = r"""{
    [ -n "$line" ] || { echo "gunicorn does not run, and the inventory has no start: for it"; exit 1; }
    PIDFILE=$(cd "$(dirname "$pidfile")" && pwd)/$(basename "$pidfile"); export PIDFILE
    (cd "$(dirname "$current")" && PWD=$(pwd)/$(basename "$current") && export PWD && cd "$PWD" && eval "$line")
}"""

STATE = r"""
ls_place
[ -z "$unit" ] || echo "also enabled $(ls_show UnitFileState)"
if master=$(ls_master); then
    echo "running master $master"
    # Started by a script whose first line names a release, it keeps that release's packages for good.
    tr '\0' '\n' <"/proc/$master/cmdline" 2>/dev/null | grep -F "/releases/" | head -n 1 | sed 's/^/also bound /'
    ls_process master "$master"
    for worker in $(ls_children "$master"); do ls_process worker "$worker"; done
else
    echo "down gunicorn has no living master (${unit:-$pidfile})"
fi
exit 0
"""

STOP = r"""
master=$(ls_master) || exit 0
kill -TERM "$master"
left=300
while ls_alive "$master" && [ $left -gt 0 ]; do left=$((left - 1)); sleep 0.1; done
"""

# A worker touches its heartbeat file with the monotonic clock once it has booted: a time near the epoch.
_WAIT = r"""
booted() {
    ls /proc/"$1"/fd >/dev/null 2>&1 || return 0
    for ls_fd in /proc/"$1"/fd/*; do
        case $(readlink "$ls_fd" 2>/dev/null) in *wgunicorn-*)
            [ "$(stat -L -c %Y "$ls_fd" 2>/dev/null || echo 9999999999)" -lt 1000000000 ] && return 0 ;;
        esac
    done
    return 1
}
settled() {
    young=0
    for worker in $(ls_children "$1"); do
        ls_alive "$worker" || continue
        age=$(ls_age "$worker") || continue
        [ "$age" -ge "$2" ] && booted "$worker" || return 1
        young=$((young + 1))
    done
    [ $young -ge "$3" ]
}
wait_settled() {
    left=$settle
    until settled "$1" "$2" "$3"; do
        ls_alive "$1" || { echo "gunicorn's master $1 has ended"; return 1; }
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "after $((settle / 10)) s not every worker of master $1 is new and ready"; return 1; }
        sleep 0.1
    done
}
count_workers() {
    n=0
    for w in $(ls_children "$1"); do ls_alive "$w" && n=$((n + 1)); done
    [ $n -gt 0 ] || n=1
    echo $n
}
"""

# The old master is ended with TERM: workers of uvicorn take no notice of QUIT and are killed.
_USR2 = r"""
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
"""

_STARTED = r"""
started() {
    left=$settle
    until master=$(ls_master); do
        left=$((left - 1)); [ $left -gt 0 ] || { echo "gunicorn was started, but has no master"; return 1; }; sleep 0.1
    done
    wait_settled "$master" 0 1
}
"""
STARTED = _WAIT + _STARTED + "started\n"

HUP = (
    _WAIT
    + _STARTED
    + _USR2
    + r"""
since=$(cat "$state/reloaded")
if ! master=$(ls_master); then
    @START@ || exit 1
    started; exit
fi
case $(readlink "/proc/$master/cwd" 2>/dev/null) in *' (deleted)')
    echo "the folder of gunicorn's master $master is gone, so a reload would end it: restart it by hand"; exit 1 ;;
esac
count=$(count_workers "$master")
if [ @WAY@ = usr2 ]; then usr2 "$master" "$count"; exit; fi
ls_signal_hup "$master" || exit 1
wait_settled "$master" "$since" "$count"
"""
)
