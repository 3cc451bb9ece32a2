# shellcheck shell=sh
# Keep this app's workers from jobs while its database is taken back, in the first of three ways that there is:
#
# 1. `queue:pause`, where this version has it (Laravel 12.40), and what it writes is not in the database that changes.
# 2. Maintenance, where the app is in it: workers without --force take no job then.
# 3. The systemd units that start the others are stopped.
#
# restart.sh, which follows, has every worker end the job it is at. artisan.sh, workers.sh, unit.sh and paused.sh come
# before it.

ls_given() { tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qx -e "$2"; }
# KEY: a value of the app's configuration; it is the last word that is printed.
ls_config() { ls_in ls_artisan config:show "$1" 2>/dev/null | awk 'NF { word = $NF } END { if (word != "" && NR) print word }'; }
# The words of an artisan, each a line: a line `CONNECTION QUEUES` for what works on queues, `-` where it does not say.
ls_works_on() {
    awk '
        script == "" { if (at && /^(queue:(work|listen)|horizon:work)$/) script = $0; at = /(^|\/)artisan$/; next }
        value { if (value == "--queue") queues = $0; value = ""; next }
        /^--queue=/ { queues = substr($0, 9); next }
        /^--(once|stop-when-empty|force|daemon|json|quiet|silent|verbose|ansi|no-ansi|no-interaction)$/ { next }
        /^--[^=]*$/ { value = $0; next }
        /^-/ { next }
        connection == "" { connection = $0 }
        END { if (script != "") print (connection == "" ? "-" : connection), (queues == "" ? "-" : queues) }'
}
ls_queues() {
    {
        for ls_queue in $names; do echo "- $ls_queue"; done
        printf '%s\n' "$ls_all" | while read -r ls_pid _; do
            [ -z "$ls_pid" ] || tr '\0' '\n' 2>/dev/null <"/proc/$ls_pid/cmdline" | ls_works_on
        done
        printf '%s\n' "$ls_due" | while read -r _ ls_words; do printf '%s\n' "$ls_words" | tr ' ' '\n' | ls_works_on; done
    } | sort -u | while read -r ls_connection ls_names; do
        if [ "$ls_names" = - ]; then
            [ "$ls_connection" != - ] || ls_connection=$(ls_config queue.default </dev/null)
            ls_names=$(ls_config "queue.connections.$ls_connection.queue" </dev/null)
        fi
        [ "$ls_connection" != - ] && ls_connection=$ls_connection: || ls_connection=
        for ls_name in $(printf '%s\n' "${ls_names:-default}" | tr ',' ' '); do echo "queue $ls_connection$ls_name"; done
    done | sort -u
}
ls_pause() {
    ls_told=$(ls_in ls_knows queue:pause)
    case $? in 0) ;; 1) return 1 ;; *) printf '%s\n' "$ls_told"; exit 1 ;; esac
    ls_store=$(ls_config cache.default)
    ls_driver=$(ls_config "cache.stores.$ls_store.driver")
    case $ls_driver in
        redis | memcached | dynamodb | file) ;;
        *) echo "queue:pause would write to the cache \`${ls_store:-unknown}\` (${ls_driver:-unknown}), and not stay"; return 1 ;;
    esac
    case $(ls_in ls_options queue:pause) in *" all "*) ls_which=all ;; *) ls_which=$(ls_queues) ;; esac
    # Noted first: one that is cut off must not leave them so.
    while read -r ls_what ls_name; do
        # shellcheck disable=SC2086  # no second word for all
        { ls_note $ls_what $ls_name && ls_pause_queue $ls_what $ls_name </dev/null; } || return 1
    done <<QUEUES
$ls_which
QUEUES
}
ls_unit_of() {
    ls_unit=$(sed -n 's|.*/\([^/]*\.service\)$|\1|p' "/proc/$1/cgroup" 2>/dev/null | head -n 1)
    ls_unit=${ls_unit%.service}
    ls_main=$(systemctl show --property=MainPID --value "${ls_unit:-none}" 2>/dev/null)
    # A supervisor's unit runs others as well.
    [ "${ls_main:-0}" != 0 ] && grep -qa artisan "/proc/$ls_main/cmdline" 2>/dev/null
}
ls_stop() {
    unit=$1
    [ "$(id -u)" = 0 ] || ls_may stop || return 1
    ls_note unit "$unit"
    echo "systemctl stop $unit"
    ls_systemctl stop "$unit"
}
ls_end_units() {
    [ -n "$ls_down" ] || case $(ls_workers unseen) in "") ;; *)
        echo "workers of other users are there, and $(id -un) may not see whose: $ls_advice"; return 1 ;;
    esac
    printf '%s\n' "$ls_all" | while read -r ls_pid _; do
        [ -n "$ls_pid" ] && [ -d "/proc/$ls_pid" ] || continue
        [ -z "$ls_down" ] || ls_given "$ls_pid" --force || continue
        ls_unit_of "$ls_pid" || {
            echo "worker $ls_pid would take jobs meanwhile, and no systemd unit is it: $ls_advice"; exit 1; }
        ls_stop "$ls_unit" </dev/null || exit 1
        [ ! -d "/proc/$ls_pid" ] || { echo "worker $ls_pid is still there after $ls_unit was stopped"; exit 1; }
    done || return 1
    printf '%s\n' "$ls_due" | while read -r ls_unit ls_words; do
        [ -n "$ls_unit" ] || continue
        case "$ls_down $ls_words " in " "* | *" --force "*) ls_stop "$ls_unit" </dev/null || exit 1 ;; esac
    done
}
ls_due=$(ls_waiting)
ls_all=$(ls_workers)
ls_down=$([ ! -e "$current/storage/framework/down" ] || echo yes)
ls_advice="stop it by hand and type this again"
[ -n "$ls_down" ] || ls_advice="put the app into maintenance (fab -H ENV maintenance.on), or $ls_advice"
if ls_pause; then echo "the queues are paused"; else ls_end_units || exit 1; fi
