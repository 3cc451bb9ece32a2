# shellcheck shell=sh
# Functions for whatever runs as the systemd unit `unit`.
#
# Only changing verbs need root: what is read is read as the user who deploys. No `--` before the unit, whose name cannot
# be an option: sudoers compares words, and the rule people write is `systemctl reload UNIT`.

ls_systemctl() { if [ "$(id -u)" = 0 ]; then systemctl "$@"; else sudo -n systemctl "$@"; fi; }
# VERB…: whether each is allowed. What is not is told at once, with the one line that allows it.
ls_may() {
    [ "$(id -u)" != 0 ] || return 0
    ls_refused='' ls_rule=''
    for ls_verb; do
        sudo -n -l systemctl "$ls_verb" "$unit" >/dev/null 2>&1 && continue
        ls_refused="$ls_refused${ls_refused:+, }\`systemctl $ls_verb $unit\`"
        ls_rule="$ls_rule${ls_rule:+, }$(command -v systemctl) $ls_verb $unit"
    done
    [ -n "$ls_refused" ] || return 0
    echo "$(id -un) may not run $ls_refused with sudo on this host: a file in /etc/sudoers.d must say"
    echo "    $(id -un) ALL=(root) NOPASSWD: $ls_rule"
    return 1
}
ls_show() { systemctl show --property="$1" --value "$unit"; }
ls_active() { case $(ls_show ActiveState) in active | reloading) ;; *) return 1 ;; esac; }
ls_main_pid() { ls_main=$(ls_show MainPID); [ "${ls_main:-0}" != 0 ]; }
ls_status() { systemctl status --no-pager --lines=15 "$unit"; }
# Asked before anything that users see has changed: to be refused at the reload is late.
ls_may_take() { if ls_active; then ls_may "$1"; else ls_may start; fi; }
ls_may_deploy() { if ls_active; then ls_may "$1"; else ls_may "$1" start stop; fi; }
# What was changed on the disk is read before a start: a running reload would not make use of it.
ls_read_again() {
    case $1 in *start) ;; *) return 0 ;; esac
    [ "$(ls_show NeedDaemonReload)" = yes ] || return 0
    ls_systemctl daemon-reload && return 0
    echo "$unit was changed on the disk, and $(id -un) may not run \`systemctl daemon-reload\` with sudo on this host:"
    echo "    $(id -un) ALL=(root) NOPASSWD: $(command -v systemctl) daemon-reload"
    return 1
}
ls_take() {
    ls_read_again "$1" || return
    if ls_active; then ls_systemctl "$1" "$unit"; else ls_systemctl start "$unit"; fi && return 0
    echo "systemd says of $unit:"; ls_status
    return 1
}
# For a unit that no gate looks at: systemctl ends with 0 as soon as its process was started, whatever becomes of that.
ls_stays() {
    sleep 1
    ls_active || { echo "$unit does not stay up:"; ls_status; return 1; }
}
# All that a probe is told of the unit, by one question; `ls_main` is its main process, or 0.
ls_read_unit() {
    ls_main=0 ls_state='' ls_sub='' ls_load='' ls_file='' ls_stale='' ls_files='' ls_envs=''
    while IFS='=' read -r ls_name ls_value; do
        case $ls_name in
            MainPID) ls_main=$ls_value ;;
            ActiveState) ls_state=$ls_value ;;
            SubState) ls_sub=$ls_value ;;
            LoadState) ls_load=$ls_value ;;
            UnitFileState) ls_file=$ls_value ;;
            NeedDaemonReload) ls_stale=$ls_value ;;
            FragmentPath | DropInPaths) ls_files="$ls_files $ls_value" ;;
            EnvironmentFiles) ls_envs="$ls_envs ${ls_value% (*}" ;;
        esac
    done <<SHOWN
$(systemctl show --property="MainPID,ActiveState,SubState,LoadState,UnitFileState,NeedDaemonReload,FragmentPath,DropInPaths,EnvironmentFiles" "$unit")
SHOWN
    echo "also enabled $ls_file"
}
ls_unit() {
    ls_read_unit
    case $ls_state in
        active | reloading) echo "running $ls_state $ls_sub" ;;
        *) echo "down $unit is $ls_state ($ls_sub, load $ls_load)" ;;
    esac
}
# PID: a line `also drift` for each file of the unit that was changed after that process was started. An environment file
# that was only written again is none. observe.sh comes before it.
ls_unit_drift() {
    [ "$ls_stale" != yes ] || echo "also drift $unit was changed on the disk, and systemd has not read that yet"
    ls_began=$(ls_age "$1") || return 0
    ls_began=$((ls_boot + ls_began / 100 + 1))
    # shellcheck disable=SC2086  # a word each
    stat -L -c '%Y %n' -- $ls_files $ls_envs 2>/dev/null | while read -r ls_when ls_path; do
        [ "$ls_when" -gt $ls_began ] || continue
        ls_others=''
        case "$ls_envs " in *" $ls_path "*)
            if [ -r "$ls_path" ]; then ls_others=$(ls_others "$1" "$ls_path"); else ls_others=' it cannot be read here'; fi
            [ -n "$ls_others" ] || continue ;;
        esac
        [ "$ls_stale" = yes ] && [ -z "$ls_others" ] ||
            echo "also drift $ls_path was changed after $unit was started${ls_others:+:}$ls_others"
    done
}
# PID FILE: the names of a systemd environment file whose values that process does not have, and of those that only
# systemd can read. Values stay here.
ls_others() {
    { cat -- "$2"; echo; echo '='; tr '\0\n' '\n\1' <"/proc/$1/environ"; } 2>/dev/null | LC_ALL=C awk '
        $0 == "=" { file = 1; next }
        !file && /^[ \t]*[A-Za-z_][A-Za-z0-9_]*=/ {
            name = $0; sub(/=.*/, "", name); sub(/^[ \t]*/, "", name)
            value = substr($0, index($0, "=") + 1); sub(/[ \t\r]+$/, "", value)
            quote = substr(value, 1, 1)
            if (length(value) > 1 && index("\"\047", quote) && substr(value, length(value)) == quote)
                value = substr(value, 2, length(value) - 2)
            names[name] = value; hard[name] = value ~ /["\047\\]/
        }
        file { at = index($0, "="); if (at) has[substr($0, 1, at - 1)] = substr($0, at + 1) }
        END { for (name in names) if (hard[name] || !(name in has) || has[name] != names[name]) print name }' |
        LC_ALL=C sort | tr '\n' ' ' | sed 's/^/ other /; s/ $//'
}
