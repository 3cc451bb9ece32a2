# shellcheck shell=sh
# The functions of a script. Before them stand the values `ls_nonce` (marks what is the script's own), `ls_journal` (the
# file that records each step, or empty), `ls_going` (not empty: a failing step does not stop the next) and `ls_cut` (the
# record of a script that was cut off, up to its time). None but `ls_watch` and `ls_clock` starts a process.
#
# shellcheck disable=SC2086

ls_mark() { printf '\036%s %s\n' "$ls_nonce" "$*"; }
ls_write() {
    [ -z "$ls_journal" ] && return 0
    printf '%s\n' "$1" 2>/dev/null >>"$ls_journal" && return 0
    [ -n "$ls_going" ]
}
# ls_stat PID: sets `ls_stat` to the process group of a process and when it was started; fails where it is gone.
ls_stat() {
    ls_stat=
    read -r ls_line 2>/dev/null <"/proc/$1/stat" || return 1
    set -- ${ls_line##*) }; ls_stat="$3 ${20}"
}
ls_alone() {
    [ -n "$ls_journal" ] || return 0
    ls_running=${ls_journal%/*}/running
    if read -r ls_pid ls_group ls_start 2>/dev/null <"$ls_running" \
        && ls_stat "$ls_pid" && [ "$ls_stat" = "$ls_group $ls_start" ]; then
        kill -TERM "-$ls_group"; ls_left=100
        while kill -0 "-$ls_group" 2>/dev/null && [ $ls_left -gt 0 ]; do ls_left=$((ls_left - 1)); sleep 0.1; done
        kill -KILL "-$ls_group" 2>/dev/null
    fi
    ls_stat $$
    { echo "$$ $ls_stat" >"$ls_running"; } 2>/dev/null; return 0
}
ls_others() {
    for ls_one in /proc/[0-9]*; do
        [ "$ls_one" != "/proc/$1" ] && read -r ls_line 2>/dev/null <"$ls_one/stat" || continue
        set -- "$1" "$2" ${ls_line##*) }
        [ "$3" != Z ] && [ "$5" = "$2" ] && return 0
    done
    return 1
}
ls_watch() {
    trap '' HUP PIPE INT
    # A signal to all of us ends what obeys it, and not this, which ends the rest. Who sent it knows what was cut off.
    trap 'ls_journal="" ls_over=yes' TERM; ls_over=""
    # More than 128 is no end of the line, but a limit of time that something has set for all of a shell's `read`.
    while read -r ls_line <&3 || { [ $? -gt 128 ] && [ -z "$ls_over" ]; }; do :; done
    trap '' TERM
    ls_write "$ls_cut$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}"
    kill -TERM 0
    read -r ls_line </proc/self/stat; set -- ${ls_line%% *} ${ls_line##*) }; ls_left=25
    read -r ls_up ls_line 2>/dev/null </proc/uptime; ls_until=$((${ls_up%.*} + 6))
    while ls_others "$1" "$4" && [ $ls_left -gt 0 ]; do
        ls_left=$((ls_left - 1)); sleep 0.2
        # Looking at all processes of a busy host may take longer than the pauses.
        ! read -r ls_up ls_line 2>/dev/null </proc/uptime || [ "${ls_up%.*}" -lt $ls_until ] || break
    done
    kill -KILL 0
}
# Sets `ls_now`, in seconds, and `ls_at`, the time of day, which only a journal wants. A program is asked for that once
# a minute, and the clock of the kernel in between; where that cannot be read, each time.
ls_now() {
    if read -r ls_up ls_line 2>/dev/null </proc/uptime; then
        ls_now=${ls_up%.*}
        [ -n "$ls_journal" ] || return 0
        [ -n "$ls_asked" ] && [ $((ls_now - ls_asked)) -lt 60 ] || ls_clock
        ls_part=$((ls_base_part + 1${ls_up#*.} - 100)); ls_now=$((ls_base + ls_now + ls_part / 100))
        ls_date
    else
        ls_now=$(date -u '+%s %Y-%m-%dT%H:%M:%SZ'); ls_at=${ls_now#* }; ls_now=${ls_now% *}
    fi
}
# Sets the time of day at which the kernel's clock was at zero: `ls_base`, in seconds, and its hundredths.
ls_clock() {
    ls_asked=$ls_now; ls_line=$(date -u '+%s %N')
    ls_base=${ls_line% *}; ls_base=${ls_base:-0}; ls_line=${ls_line#* }
    case $ls_line in *[!0-9]* | ?????????? | "") ls_line=000000000 ;; esac
    ls_base_part=$((1${ls_line%???????} - 1${ls_up#*.})); ls_base=$((ls_base - ls_now))
    [ $ls_base_part -ge 0 ] || { ls_base_part=$((ls_base_part + 100)); ls_base=$((ls_base - 1)); }
}
# Sets `ls_at` to what `ls_now` is in the calendar, whose years begin here in March, so that leap days come last. What
# has two digits is kept above a hundred, so that none is lost.
ls_date() {
    ls_day=$((ls_now / 86400 + 719468)); ls_line=$((ls_now % 86400))
    ls_era=$((ls_day / 146097)); ls_day=$((ls_day % 146097))
    ls_year=$(((ls_day - ls_day / 1460 + ls_day / 36524 - ls_day / 146096) / 365))
    ls_day=$((ls_day - 365 * ls_year - ls_year / 4 + ls_year / 100)); ls_month=$(((5 * ls_day + 2) / 153))
    ls_day=$((101 + ls_day - (153 * ls_month + 2) / 5)); ls_year=$((ls_year + 400 * ls_era))
    if [ $ls_month -lt 10 ]; then ls_month=$((103 + ls_month))
    else ls_month=$((91 + ls_month)); ls_year=$((ls_year + 1)); fi
    ls_hour=$((100 + ls_line / 3600)); ls_minute=$((100 + ls_line % 3600 / 60)); ls_second=$((100 + ls_line % 60))
    ls_at=$ls_year-${ls_month#1}-${ls_day#1}T${ls_hour#1}:${ls_minute#1}:${ls_second#1}Z
}
ls_begin() {
    ls_now; ls_from=$ls_now
    if ls_write "$2$ls_at\"}"; then ls_mark B "$1"; return 0; fi
    ls_mark R "$1"; echo "the journal $ls_journal cannot be written: is the disk full?"; return 1
}
ls_end() {
    ls_now; ls_write "$3$ls_at\",\"code\":$2}" || :
    ls_mark E "$1" "$2" $((ls_now - ls_from))
}
