# shellcheck shell=sh
# Functions that wait for a master and its workers. master.sh comes before it; the value is `settle`, in tenths of a second.

# A worker touches its heartbeat file with the monotonic clock once it has booted: a time near the epoch.
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
# MASTER TICKS COUNT: as many workers as COUNT have begun since then and are ready, and no other is left.
wait_settled() {
    left=$settle
    until settled "$1" "$2" "$3"; do
        ls_alive "$1" || { echo "gunicorn's master $1 has ended"; return 1; }
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "after $((settle / 10)) s not every worker of master $1 is new and ready"; return 1; }
        sleep 0.1
    done
}
started() {
    left=$settle
    until master=$(ls_master); do
        left=$((left - 1)); [ $left -gt 0 ] || { echo "gunicorn was started, but has no master"; return 1; }; sleep 0.1
    done
    wait_settled "$master" 0 1
}
