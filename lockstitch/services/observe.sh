# shellcheck shell=sh
# Functions for a service's probe: they print lines for `parse_state`, and times in hundredths of a second since the boot:
# the kernel's own, for USER_HZ is 100 wherever Linux runs today (asm-generic/param.h).

# PID: `ls_line` is the last line of what the kernel says of it; the name of a process may hold the others.
ls_stat() {
    ls_line=''
    while IFS= read -r ls_next; do ls_line=$ls_next; done 2>/dev/null <"/proc/$1/stat"
    [ -n "$ls_line" ]
}
# ROLE PID: a line `process`; fails where that does not run.
ls_process() {
    ls_stat "$2" || return 1
    ls_cwd=$(readlink "/proc/$2/cwd" 2>/dev/null || sudo -n readlink "/proc/$2/cwd" 2>/dev/null)
    ls_role=$1; ls_pid=$2
    # shellcheck disable=SC2086  # the words of the line
    set -- ${ls_line##*) }
    case $1 in Z | X) return 1 ;; esac
    echo "process $ls_role $ls_pid ${20} $ls_cwd"
}
ls_alive() { ls_stat "$1" && case ${ls_line##*) } in Z* | X*) false ;; esac; }
ls_age() {
    ls_stat "$1" || return 1
    # shellcheck disable=SC2086  # the words of the line
    set -- ${ls_line##*) }
    echo "${20}"
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
# PID: a line `also drift` for the variables among `names` whose values that process was not started with. Values stay here.
ls_environment() {
    [ -n "$names" ] && [ -r "/proc/$1/environ" ] || return 0
    tr '\0\n' '\n\1' <"/proc/$1/environ" 2>/dev/null | LC_ALL=C awk -v names="$names" -v pid="$1" '
        { at = index($0, "="); if (at) has[substr($0, 1, at - 1)] = substr($0, at + 1) }
        END {
            for (n = split(names, name, " "); n > 0; n--) {
                value = ENVIRON[name[n]]; gsub(/\n/, "\001", value)
                if (!(name[n] in has) || has[name[n]] != value) others = " " name[n] others
            }
            if (others != "") print "also drift process " pid " was started with other values of" others
        }'
}
ls_place() {
    ls_boot=$(sed -n 's/^btime //p' /proc/stat); echo "boot $ls_boot"
    # Counted from a boot before this one it would be in the future; the second is the kernel's own rounding.
    [ -r "$state/reloaded" ] && [ $(($(stat -c %Y "$state/reloaded") + 1)) -ge "${ls_boot:-0}" ] &&
        read -r ls_reloaded <"$state/reloaded" && echo "reloaded $ls_reloaded"
    (cd "$release" 2>/dev/null && echo "release $(pwd -P)")
}
