# shellcheck shell=sh
# Read by scripts, with `.`: what they `run` ends with them. Ctrl-C, TERM and a hang-up leave no process behind.
#
# A shell waits for what runs in front before it heeds a signal, so nothing long does. Whoever asks keeps the keyboard.

exec 3<&0
# Python starts often here, some thousand times for the tests. Without compiled files each start compiles all it imports.
unset PYTHONDONTWRITEBYTECODE
# Processes, by number: the one that is waited for, and those that run beside it.
ahead='' beside=''

# `new` until the number is known: a signal may come in between.
run() {
    ahead=new
    "$@" <&3 3<&- &
    ahead=$!
    code=0
    wait $ahead || code=$?
    ahead=
    return $code
}

start() {
    beside="$beside new"
    "$@" <&3 3<&- &
    last=$!
    beside="${beside%new}$last"
}

# What else a script has to put away; it defines its own.
put_away() { :; }

# Whether a process is still a child of this shell. One that ended is forgotten by a `wait` for another, and in a long run
# its number comes again.
is_child() {
    [ -e /proc/self/stat ] || return 0
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086 # The words after the program's name: its state and its parent.
    set -- ${stat##*) }
    [ "$2" = $$ ]
}

end_children() {
    trap '' INT TERM HUP
    [ "$ahead" != new ] || ahead=${!-}
    case $beside in *new) beside="${beside%new}${!-}" ;; esac
    for child in $ahead $beside; do ! is_child "$child" || kill "$child" 2>/dev/null || :; done
    for child in $ahead $beside; do wait "$child" || :; done
    put_away
}

trap end_children EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
