"""Shell texts for Laravel's queue workers: told to begin anew, watched until they have, and asked how they are."""

from __future__ import annotations

from lockstitch.services.laravel.php_fpm import ARTISAN

# `ls_workers` prints `PID PARENT SINCE CODE KIND` for each worker of this app. It belongs to the app by the folder of
# the artisan it was started with, relative to the folder it runs in; those of another user, of which that is not known,
# are `unseen`. CODE is `new` where that folder is what serves and the worker began since that came; a process that runs
# in another release is `old` whatever its artisan. KIND is `brief` for one that ends by itself, or that cron or the
# scheduler starts at its time (`ls_timed PARENT`), `lasting` for one that somebody starts again at once.
# `schedule:work` is none: queue:restart does not end it.
_WORKERS = r"""
ls_boot=$(sed -n 's/^btime //p' /proc/stat)
ls_tick=$(getconf CLK_TCK 2>/dev/null || echo 100)
ls_path=$(cd "$path" 2>/dev/null && pwd -P) || ls_path=$path
ls_here=$(cd "$current" 2>/dev/null && pwd -P) || ls_here=/nowhere
ls_git=$(sed -n 's/^gitdir: //p' "$ls_here/.git" 2>/dev/null)
case $ls_git in "") ls_git=$ls_here/.git ;; /*) ;; *) ls_git=$ls_here/$ls_git ;; esac
if [ -L "$current" ] && [ "$kind" = releases ]; then ls_came=$(stat -c %Y "$current" 2>/dev/null)
else ls_came=$(stat -c %Y "$ls_git/HEAD" 2>/dev/null); fi
ls_timed() {
    while [ "${1:-0}" -gt 1 ] && read -r ls_up <"/proc/$1/stat"; do
        ls_name=${ls_up#*"("}; ls_name=${ls_name%")"*}
        case $ls_name in
            *cron*) return ;;
            sh | bash | dash | busybox | flock | timeout | nice | ionice | env | sudo | php*) ;;
            *) return 1 ;;
        esac
        ! grep -qa 'schedule:' "/proc/$1/cmdline" || return 0
        set -- ${ls_up##*) }
        shift
    done 2>/dev/null
    return 1
}
ls_workers() {
    # One process looks at all: a host may have hundreds.
    for ls_file in $(grep -la artisan /proc/[0-9]*/cmdline 2>/dev/null); do
        ls_proc=${ls_file%/*}
        ls_kind=$(tr '\0' '\n' 2>/dev/null <"$ls_file" | awk '
            at != "" && /^(queue:(work|listen)|horizon(:(supervisor|work))?)$/ { script = at }
            /(^|\/)artisan$/ { at = $0 }
            /^--(once|stop-when-empty)/ { brief = 1 }
            END { if (script != "") print (brief ? "brief" : "lasting"), script }')
        ls_line=$(cat "$ls_proc/stat" 2>/dev/null) && [ -n "$ls_kind" ] || continue
        ls_cwd=$(readlink "$ls_proc/cwd" 2>/dev/null || sudo -n readlink "$ls_proc/cwd" 2>/dev/null)
        case $ls_kind in
            *\ /*) ls_from=${ls_kind#* }; ls_from=${ls_from%/*} ;;
            *\ */*) ls_from=${ls_kind#* }; ls_from=${ls_cwd:+$ls_cwd/${ls_from%/*}} ;;
            *) ls_from=$ls_cwd ;;
        esac
        [ -z "$ls_from" ] || ls_real=$(cd "$ls_from" 2>/dev/null && pwd -P) && ls_from=${ls_from:+$ls_real}
        case $1$ls_from/ in "$ls_path"/* | "$path"/* | unseen/) ;; *) continue ;; esac
        set -- "$1" ${ls_line##*) }
        case $2 in Z* | X*) continue ;; esac
        ls_since=$((ls_boot + ${21} / ls_tick))
        # The kernel's own rounding is a second.
        case $ls_from/ in
            "$ls_here"/*) if [ -z "$ls_came" ]; then ls_age=unknown
                elif [ $((ls_since + 1)) -ge "$ls_came" ]; then ls_age=new; else ls_age=old; fi ;;
            /) ls_age=unknown ;;
            *) ls_age=old ;;
        esac
        case $ls_cwd/ in "$ls_here"/*) ;; "$ls_path"/releases/*) ls_age=old ;; esac
        ls_kind=${ls_kind%% *}
        [ "$ls_kind" = brief ] || ! ls_timed "$3" || ls_kind=brief
        echo "${ls_proc#/proc/} $3 $ls_since $ls_age $ls_kind"
    done
}
"""

# Told through the cache, so that every worker of the app hears it, on whichever host. `terminate` is for Horizon.
#
# Two clocks: old workers have `settle` seconds to end their jobs, and then those that ended have `start_timeout` to be
# back, beside what the units of systemd wait before they start one again. All must be back, in the code that serves,
# and in two looks a second apart: one that crashes as it starts is seen, too. A worker's own children (Horizon's, those
# of queue:listen) come and go.
RESTART = (
    ARTISAN
    + _WORKERS
    + r"""
ls_lasting() {
    awk '{ pid[$1]; parent[NR] = $2; line[NR] = $0 }
        END { for (i = 1; i <= NR; i++) if (!(parent[i] in pid) && line[i] ~ / lasting$/) print line[i] }'
}
ls_same() {
    ls_line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    set -- "$2" ${ls_line##*) }
    case $2 in Z* | X*) return 1 ;; esac
    [ $((ls_boot + ${21} / ls_tick)) = "$1" ]
}
ls_fresh() {
    ls_workers | ls_lasting | while read -r ls_pid ls_parent ls_since ls_age ls_kind; do
        case "$ls_age $ls_known" in old\ * | *" $ls_pid:$ls_since "*) ;; *) echo "$ls_pid" ;; esac
    done
}
ls_patience() {
    printf '%s\n' "$ls_old" | while read -r ls_pid ls_rest; do
        sed -n 's|.*/\([^/]*\.service\)$|\1|p' "/proc/$ls_pid/cgroup" 2>/dev/null
    done | sort -u | while read -r ls_unit; do
        systemctl show --property=RestartUSec --value "$ls_unit" 2>/dev/null
    done | awk 'BEGIN { of["us"] = 1e-6; of["ms"] = 1e-3; of["s"] = 1; of["min"] = 60; of["h"] = 3600; of["d"] = 86400 }
        { t = 0; for (i = 1; i <= NF; i++) { u = $i; sub(/^[0-9.]+/, "", u); t += ($i + 0) * of[u] } }
        t > most { most = t }
        END { print (most > 600) ? 600 : int(most + 0.999) }'
}
ls_hidden() {
    set -- "$1" $(ls_workers unseen)
    [ $# = 1 ] || echo "$(($# / 5)) workers of other users $1: $(id -un) may not see their folders"
}
ls_old=$(ls_workers)
ls_known=" $(printf '%s\n' "$ls_old" | awk '{ printf "%s:%s ", $1, $3 }')"
ls_delay=$(ls_patience)
(
    cd "$current" || exit 1
    ls_sure 'restart signal' queue:restart || exit 1
    case $horizon in
        auto) ls_knows horizon:terminate; case $? in 0) ;; 1) exit 0 ;; *) exit 1 ;; esac ;;
        always) ;;
        *) exit 0 ;;
    esac
    ls_sure 'TERM signal|no processes|silence' horizon:terminate
) || exit 1
[ -n "$ls_old" ] || {
    echo "no worker of this app is seen on this host"
    ls_hidden "are told too, but not waited for"
    [ -z "$workers" ] || echo "$workers are declared: start them"
    exit 0
}
ls_end=$(($(date +%s) + settle))
while :; do
    ls_left=$(printf '%s\n' "$ls_old" | while read -r ls_pid ls_parent ls_since ls_rest; do
        ! ls_same "$ls_pid" "$ls_since" || echo "$ls_pid $ls_parent $ls_since $ls_rest"; done)
    [ -n "$ls_left" ] && [ "$(date +%s)" -lt "$ls_end" ] || break
    sleep 0.3
done
if [ -n "$ls_left" ]; then
    echo "still running the code before after $settle s: $(printf '%s\n' "$ls_left" | cut -d ' ' -f 1 | tr '\n' ' ')"
    echo "they end when their job is done; if they have none, they did not hear: do they use the cache of this release?"
fi
ls_need=$(printf '%s\n' "$ls_old" | ls_lasting | grep -vxF -e "$ls_left" | grep -c .)
ls_were=$(printf '%s\n' "$ls_old" | ls_lasting | grep -c .)
[ -z "$workers" ] || [ "$ls_were" = 0 ] || ls_need=$((workers - ls_were + ls_need))
ls_end=$(($(date +%s) + start_timeout + ls_delay)) ls_seen= ls_there=0
while [ "$ls_there" -lt "$ls_need" ]; do
    ls_now=$(ls_fresh)
    ls_there=$([ -z "$ls_seen" ] || printf '%s\n' "$ls_now" | grep -xF -e "$ls_seen" | grep -c .)
    [ "${ls_there:=0}" -lt "$ls_need" ] || break
    [ "$(date +%s)" -lt "$ls_end" ] || {
        echo "$ls_there of $ls_need workers are back in the code that serves," \
            "$((start_timeout + ls_delay)) s after the last of those before had ended"
        ls_workers | while read -r ls_pid ls_parent ls_since ls_age ls_kind; do
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
"""
)

# It ends with 0 whatever it is asked for. Which jobs went back, Laravel 8 says in a sentence, later ones in a list.
RETRY = (
    ARTISAN
    + r"""
cd "$current" || exit 1
eval "set -- $ids"
ls_said=$(ls_artisan queue:retry "$@" 2>&1); ls_code=$?
printf '%s\n' "$ls_said"
[ "$ls_code" = 0 ] || exit "$ls_code"
ls_bad=
for ls_id; do
    case $ls_id in
        all | -*) printf '%s\n' "$ls_said" | grep -qE 'pushed back|DONE|[Nn]o (retryable|failed) jobs' ;;
        *) printf '%s\n' "$ls_said" | ls_id=$ls_id awk '/pushed back|DONE/ {
            if ($1 == ENVIRON["ls_id"] || index($0, "[" ENVIRON["ls_id"] "]")) found = 1 } END { exit !found }' ;;
    esac || ls_bad="$ls_bad $ls_id"
done
[ -z "$ls_bad" ] || { echo "not put back on the queue:$ls_bad"; exit 1; }
"""
)

# Lines of `word rest`, for `parse_queues`.
STATUS = (
    ARTISAN
    + _WORKERS
    + r"""
cd "$current" || exit 1
ls_all=$(ls_workers)
printf '%s\n' "$ls_all" | while read -r ls_pid ls_parent ls_since ls_age ls_kind; do
    ls_words=$(tr '\0' ' ' 2>/dev/null <"/proc/$ls_pid/cmdline") || continue
    echo "worker $ls_pid $ls_since $ls_age ${ls_words#*artisan }"
done
for ls_name in $(ls_words=$(printf '%s\n' "$ls_all" | while read -r ls_pid ls_rest; do
    tr '\0' '\n' 2>/dev/null <"/proc/$ls_pid/cmdline"; done)
    { echo "$names"; echo "$ls_words" | sed -n 's/^--queue=//p'; } | tr ', ' '\n\n' | sort -u); do
    # No size is so large that it would have the app tell people of it.
    ls_artisan queue:monitor "$ls_name" --max=1000000000 2>&1 | sed "s/^/monitor $ls_name /"
done
ls_artisan queue:failed 2>&1 | sed 's/^/failed /'
ls_told=$(ls_knows horizon:status)
case $? in
    0) echo "horizon $(ls_artisan horizon:status 2>&1 | tr -s ' \n' ' ')" ;;
    2) echo "horizon not known: $(printf '%s\n' "$ls_told" | tail -n 1)" ;;
esac
exit 0
"""
)
