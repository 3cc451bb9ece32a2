# shellcheck shell=sh
# Functions for what keeps workers from jobs. `$state/paused` has a line for each: `all` (every queue), `queue NAME` or
# `unit NAME` (a systemd unit that is stopped). artisan.sh and unit.sh come before it.

# WORDS: a function of artisan.sh, in the code that serves.
ls_in() { (cd "$current" && "$@"); }
ls_note() {
    grep -qsxF -e "$*" "$state/paused" || { mkdir -p "$state" && printf '%s\n' "$*" >>"$state/paused"; }
}
# all | queue NAME
ls_pause_queue() {
    if [ "$1" = all ]; then set -- --all; else shift; fi
    ls_in ls_sure 'has been paused' queue:pause "$@"
}
# The releases of before and after may not both have these commands.
ls_resume_queue() {
    ls_told=$(ls_in ls_knows queue:resume)
    case $? in 0) ;; 1) return 0 ;; *) printf '%s\n' "$ls_told"; return 1 ;; esac
    if [ "$1" = all ]; then set -- --all; else shift; fi
    ls_in ls_sure 'has been resumed' queue:resume "$@"
}
# A cache that was emptied has forgotten which queues are paused.
ls_pause_again() {
    grep -qsvE '^unit ' "$state/paused" || return 0
    ls_told=$(ls_in ls_knows queue:pause) || return 0
    grep -vE '^unit ' "$state/paused" | while read -r ls_what ls_name; do
        # shellcheck disable=SC2086  # no second word for all
        ls_pause_queue "$ls_what" $ls_name </dev/null || exit 1
    done
}
ls_start_unit() {
    unit=$1
    ls_may start && ls_systemctl start "$unit" && ls_stays
}
