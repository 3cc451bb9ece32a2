# shellcheck shell=sh
# Functions for whatever runs as the systemd unit `unit`.
#
# Only changing verbs need root: what is read is read as the user who deploys. No `--` before the unit, whose name cannot
# be an option: sudoers compares words, and the rule people write is `systemctl reload UNIT`.

ls_systemctl() { if [ "$(id -u)" = 0 ]; then systemctl "$@"; else sudo -n systemctl "$@"; fi; }
ls_may() {
    [ "$(id -u)" = 0 ] || sudo -n -l systemctl "$1" "$unit" >/dev/null 2>&1 && return 0
    echo "$(id -un) may not run \`systemctl $1 $unit\` with sudo on this host: a file in /etc/sudoers.d must say"
    echo "    $(id -un) ALL=(root) NOPASSWD: $(command -v systemctl) $1 $unit"
    return 1
}
ls_show() { systemctl show --property="$1" --value "$unit"; }
ls_active() { case $(ls_show ActiveState) in active | reloading) ;; *) return 1 ;; esac; }
ls_main_pid() { ls_main=$(ls_show MainPID); [ "${ls_main:-0}" != 0 ]; }
ls_status() { systemctl status --no-pager --lines=15 "$unit"; }
# Asked before anything that users see has changed: to be refused at the reload is late.
ls_may_take() { if ls_active; then ls_may "$1"; else ls_may start; fi; }
ls_take() {
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
ls_unit() {
    ls_main=0 ls_state='' ls_sub='' ls_load='' ls_file=''
    while IFS='=' read -r ls_name ls_value; do
        case $ls_name in
            MainPID) ls_main=$ls_value ;;
            ActiveState) ls_state=$ls_value ;;
            SubState) ls_sub=$ls_value ;;
            LoadState) ls_load=$ls_value ;;
            UnitFileState) ls_file=$ls_value ;;
        esac
    done <<SHOWN
$(systemctl show --property=MainPID,ActiveState,SubState,LoadState,UnitFileState "$unit")
SHOWN
    echo "also enabled $ls_file"
    case $ls_state in
        active | reloading) echo "running $ls_state $ls_sub" ;;
        *) echo "down $unit is $ls_state ($ls_sub, load $ls_load)" ;;
    esac
}
