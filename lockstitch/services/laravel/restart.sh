# shellcheck shell=sh
# End the workers of this app and wait until they are back. artisan.sh and workers.sh come before it.
#
# Told through the cache, so that every worker of the app hears it, on whichever host. `terminate` is for Horizon.
#
# Two clocks: old workers have `settle` seconds to end their jobs, and then those that ended have `start_timeout` to be
# back, beside what the units of systemd wait before they start one again. All must be back, in the code that serves, and
# in two looks a second apart: one that crashes as it starts is seen, too. A worker's own children (Horizon's, those of
# queue:listen) come and go.

ls_lasting() {
    awk '{ pid[$1]; parent[NR] = $2; line[NR] = $0 }
        END { for (i = 1; i <= NR; i++) if (!(parent[i] in pid) && line[i] ~ / lasting$/) print line[i] }'
}
ls_same() {
    ls_line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086  # the words of the line
    set -- "$2" ${ls_line##*) }
    case $2 in Z* | X*) return 1 ;; esac
    [ $((ls_boot + ${21} / 100)) = "$1" ]
}
ls_fresh() {
    ls_workers | ls_lasting | while read -r ls_pid _ ls_since ls_age _; do
        case "$ls_age $ls_known" in old\ * | *" $ls_pid:$ls_since "*) ;; *) echo "$ls_pid" ;; esac
    done
}
ls_unit_file() { sed -n 's|.*/\([^/]*\.service\)$|\1|p' "/proc/$1/cgroup" 2>/dev/null; }
ls_patience() {
    # Another host's signal may have ended one since it was seen: its unit is one of those that start an artisan.
    {
        printf '%s\n' "$ls_due"
        printf '%s\n' "$ls_old" | while read -r ls_pid ls_rest; do
            [ -z "$ls_pid" ] || ls_unit_file "$ls_pid" || echo gone
        done
    } | sort -u | while read -r ls_unit; do
        case $ls_unit in
            "") ;;
            gone) systemctl show --property=ExecStart --property=RestartUSec '*.service' | awk -v RS= '/artisan/' ;;
            *) systemctl show --property=RestartUSec "$ls_unit" ;;
        esac 2>/dev/null | sed -n 's/^RestartUSec=//p'
    done | awk 'BEGIN { of["us"] = 1e-6; of["ms"] = 1e-3; of["s"] = 1; of["min"] = 60; of["h"] = 3600; of["d"] = 86400 }
        { t = 0; for (i = 1; i <= NF; i++) { u = $i; sub(/^[0-9.]+/, "", u); t += ($i + 0) * of[u] } }
        t > most { most = t }
        END { print (most > 600) ? 600 : int(most + 0.999) }'
}
ls_hidden() {
    # shellcheck disable=SC2046  # five words a worker
    set -- "$1" $(ls_workers unseen)
    [ $# = 1 ] || echo "$(($# / 5)) workers of other users $1: $(id -un) may not see their folders"
}
# Those that are stopped are started when they may work again.
! grep -qs '^unit ' "$state/paused" || workers=
ls_due=$(ls_waiting | sed 's/ .*//; s/$/.service/')
ls_old=$(ls_workers)
# Those that were started between the two looks are no others.
ls_due=$(printf '%s\n' "$ls_old" | while read -r ls_pid ls_rest; do [ -z "$ls_pid" ] || ls_unit_file "$ls_pid"; done |
    { ls_there=$(cat); printf '%s\n' "$ls_due" | grep -vxF -e "${ls_there:-none}"; })
ls_known=" $(printf '%s\n' "$ls_old" | awk '{ printf "%s:%s ", $1, $3 }')"
ls_delay=$(ls_patience)
# As it begins, a worker reads when workers were last told to end, in whole seconds: one that begins in this very second,
# or reads only after the signal, does not notice it. So the signal waits for two seconds, and is sent again, each five
# seconds, while one stays that began in the ten before it: so long may a busy host take to boot one.
ls_born=$(printf '%s\n' "$ls_old" | awk '$3 > born { born = $3 } END { print born + 0 }')
ls_turns=15
while [ $ls_turns -gt 0 ] && [ "$(date +%s)" -lt $((ls_born + 2)) ]; do ls_turns=$((ls_turns - 1)); sleep 0.2; done
ls_signal() (
    cd "$current" || exit 1
    ls_sure 'restart signal' queue:restart || exit 1
    case $horizon in
        auto) ls_knows horizon:terminate; case $? in 0) ;; 1) exit 0 ;; *) exit 1 ;; esac ;;
        always) ;;
        *) exit 0 ;;
    esac
    ls_sure 'TERM signal|no processes|silence' horizon:terminate
)
ls_signal || exit 1
ls_sent=$(date +%s)
[ -n "$ls_old$ls_due" ] || {
    echo "no worker of this app is seen on this host"
    ls_hidden "are told too, but not waited for"
    [ -z "$workers" ] || echo "$workers are declared: start them"
    exit 0
}
ls_end=$(($(date +%s) + settle))
while :; do
    ls_left=$(printf '%s\n' "$ls_old" | while read -r ls_pid ls_parent ls_since ls_rest; do
        [ -z "$ls_pid" ] || ! ls_same "$ls_pid" "$ls_since" || echo "$ls_pid $ls_parent $ls_since $ls_rest"; done)
    ls_clock=$(date +%s)
    [ -n "$ls_left" ] && [ "$ls_clock" -lt "$ls_end" ] || break
    if [ "$ls_clock" -ge $((ls_sent + 5)) ]; then
        ls_young=$(printf '%s\n' "$ls_left" | awk -v since=$((ls_sent - 10)) '$3 > since { printf " %s", $1 }')
        [ -z "$ls_young" ] || {
            echo "workers that had just begun may not have heard it, and are told again:$ls_young"
            ls_signal || exit 1
        }
        ls_sent=$ls_clock
    fi
    sleep 0.3
done
if [ -n "$ls_left" ]; then
    echo "still running the code before after $settle s: $(printf '%s\n' "$ls_left" | cut -d ' ' -f 1 | tr '\n' ' ')"
    echo "they end when their job is done; if they have none, they did not hear: do they use the cache of this release?"
    [ -z "$strict" ] || { echo "give it more time with \`queues.settle\`, or type this again when they have ended"; exit 1; }
fi
ls_need=$(printf '%s\n' "$ls_old" | ls_lasting | grep -vxF -e "$ls_left" | grep -c .)
ls_were=$(printf '%s\n' "$ls_old" | ls_lasting | grep -c .)
for ls_unit in $ls_due; do ls_need=$((ls_need + 1)) ls_were=$((ls_were + 1)); done
[ -z "$workers" ] || [ "$ls_were" = 0 ] || ls_need=$((workers - ls_were + ls_need))
ls_end=$(($(date +%s) + start_timeout + ls_delay)) ls_seen='' ls_there=0
while [ "$ls_there" -lt "$ls_need" ]; do
    ls_now=$(ls_fresh)
    ls_there=$([ -z "$ls_seen" ] || printf '%s\n' "$ls_now" | grep -xF -e "$ls_seen" | grep -c .)
    [ "${ls_there:=0}" -lt "$ls_need" ] || break
    [ "$(date +%s)" -lt "$ls_end" ] || {
        echo "$ls_there of $ls_need workers are back in the code that serves," \
            "$((start_timeout + ls_delay)) s after the last of those before had ended"
        ls_workers | while read -r ls_pid _ ls_since ls_age _; do
            case "$ls_age $ls_known" in
                *" $ls_pid:$ls_since "*) ;;
                old\ *) echo "worker $ls_pid does not run in the code that serves: its folder must be $current" ;;
            esac
        done
        ls_hidden "are there, and do not count"
        echo "whoever runs them must start them again: Restart=always under systemd, autorestart=true under supervisor"
        exit 1
    }
    ls_seen=$ls_now
    sleep 1
done
[ "$ls_there" = 0 ] || echo "$ls_there workers run the code that serves"
