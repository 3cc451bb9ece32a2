# shellcheck shell=sh
# Functions for a service's probe: they print lines for `parse_state`, and times in hundredths of a second since the boot.

# PID: `ls_line` is the last line of what the kernel says of it; the name of a process may hold the others.
ls_stat() {
    ls_line=''
    while IFS= read -r ls_next; do ls_line=$ls_next; done 2>/dev/null <"/proc/$1/stat"
    [ -n "$ls_line" ]
}
ls_tick=$(getconf CLK_TCK 2>/dev/null || echo 100)
# ROLE PID: a line `process`; fails where that does not run.
ls_process() {
    ls_stat "$2" || return 1
    ls_cwd=$(readlink "/proc/$2/cwd" 2>/dev/null || sudo -n readlink "/proc/$2/cwd" 2>/dev/null)
    ls_role=$1; ls_pid=$2
    # shellcheck disable=SC2086  # the words of the line
    set -- ${ls_line##*) }
    case $1 in Z | X) return 1 ;; esac
    echo "process $ls_role $ls_pid $((${20} * 100 / ls_tick)) $ls_cwd"
}
ls_alive() { ls_stat "$1" && case ${ls_line##*) } in Z* | X*) false ;; esac; }
ls_age() {
    ls_stat "$1" || return 1
    # shellcheck disable=SC2086  # the words of the line
    set -- ${ls_line##*) }
    echo $((${20} * 100 / ls_tick))
}
ls_children() {
    cat "/proc/$1/task/$1/children" 2>/dev/null && return 0
    for ls_child in /proc/[0-9]*; do
        ls_child=${ls_child#/proc/}
        ls_stat "$ls_child" || continue
        # shellcheck disable=SC2086  # the words of the line
        set -- "$1" ${ls_line##*) }
        [ "$3" = "$1" ] && echo "$ls_child"
    done
}
ls_place() {
    ls_boot=$(sed -n 's/^btime //p' /proc/stat); echo "boot $ls_boot"
    # Counted from a boot before this one it would be in the future; the second is the kernel's own rounding.
    [ -r "$state/reloaded" ] && [ $(($(stat -c %Y "$state/reloaded") + 1)) -ge "${ls_boot:-0}" ] &&
        read -r ls_reloaded <"$state/reloaded" && echo "reloaded $ls_reloaded"
    (cd "$release" 2>/dev/null && echo "release $(pwd -P)")
}
