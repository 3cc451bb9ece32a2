"""Shell texts for Laravel's queue workers: told to begin anew, watched until they have, and asked how they are."""

from __future__ import annotations

from lockstitch.services.laravel_shell import ARTISAN
from lockstitch.services.state import OBSERVE

# A worker belongs to the app by the folder it runs in, or by the artisan it was started with. Those of another user are
# `unseen` where it is not known. `schedule:work` is none: queue:restart does not end it.
_WORKERS = r"""
ls_path=$(cd "$path" 2>/dev/null && pwd -P) || ls_path=$path
ls_workers() {
    # One process looks at all: a host may have hundreds.
    for ls_file in $(grep -la artisan /proc/[0-9]*/cmdline 2>/dev/null); do
        ls_dir=${ls_file%/*}
        ls_words=$(tr '\0' ' ' 2>/dev/null <"$ls_dir/cmdline") || continue
        case $ls_words in
            *artisan\ queue:work* | *artisan\ queue:listen* | *artisan\ horizon*) ;;
            *) continue ;;
        esac
        ls_pid=${ls_dir#/proc/}
        ls_cwd=$(readlink "$ls_dir/cwd" 2>/dev/null || sudo -n readlink "$ls_dir/cwd" 2>/dev/null)
        case " $ls_words" in *" $ls_path/"* | *" $path/"*) ls_cwd=$ls_path ;; esac
        case $1$ls_cwd/ in "$ls_path"/* | unseen/) echo "$ls_pid" ;; esac
    done
}
"""

# Told through the cache, so that every worker of the app hears it, on whichever host. `terminate` is for Horizon.
RESTART = (
    ARTISAN
    + OBSERVE
    + _WORKERS
    + r"""
ls_old=$(ls_workers)
(
    cd "$current" || exit 1
    ls_artisan queue:restart || exit 1
    case $horizon in
        auto) ! ls_knows horizon:terminate || ls_artisan horizon:terminate ;;
        always) ls_artisan horizon:terminate ;;
    esac
) || exit 1
[ -n "$ls_old" ] || {
    set -- $(ls_workers unseen)
    echo "no worker of this app is seen on this host"
    [ $# = 0 ] || echo "$# workers of other users are told too, but not waited for: $(id -un) may not see their folders"
    exit 0
}
ls_end=$(($(date +%s) + settle))
while :; do
    ls_left=
    for ls_one in $ls_old; do ! ls_alive "$ls_one" || ls_left="$ls_left $ls_one"; done
    [ -n "$ls_left" ] || break
    [ "$(date +%s)" -lt "$ls_end" ] || break
    sleep 0.3
done
if [ -n "$ls_left" ]; then
    echo "still running the code before after $settle s:$ls_left"
    echo "they end when their job is done; if they have none, they did not hear: do they use the cache of this release?"
    exit 0
fi
until [ -n "$(ls_workers)" ]; do
    [ "$(date +%s)" -lt "$ls_end" ] || {
        echo "the workers ended when they were told to, and none was started again within $settle s"
        echo "whoever runs them must start them again: Restart=always under systemd, autorestart=true under supervisor"
        exit 1
    }
    sleep 0.3
done
echo "$(ls_workers | wc -l) workers run the code that serves"
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
        *) printf '%s\n' "$ls_said" | grep -F -- "$ls_id" | grep -qE 'pushed back|DONE' ;;
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
ls_boot=$(sed -n 's/^btime //p' /proc/stat)
ls_tick=$(getconf CLK_TCK 2>/dev/null || echo 100)
ls_here=$(pwd -P)
for ls_pid in $(ls_workers); do
    ls_line=$(cat "/proc/$ls_pid/stat" 2>/dev/null) || continue
    ls_cwd=$(readlink "/proc/$ls_pid/cwd" 2>/dev/null || sudo -n readlink "/proc/$ls_pid/cwd" 2>/dev/null)
    ls_words=$(tr '\0' ' ' 2>/dev/null <"/proc/$ls_pid/cmdline")
    set -- ${ls_line##*) }
    case $ls_cwd/ in "$ls_here"/*) ls_code=new ;; /) ls_code=unknown ;; *) ls_code=old ;; esac
    echo "worker $ls_pid $((ls_boot + ${20} / ls_tick)) $ls_code ${ls_words#*artisan }"
done
for ls_name in $(ls_words=$(for ls_pid in $(ls_workers); do tr '\0' '\n' 2>/dev/null <"/proc/$ls_pid/cmdline"; done)
    { echo "$names"; echo "$ls_words" | sed -n 's/^--queue=//p'; } | tr ', ' '\n\n' | sort -u); do
    # No size is so large that it would have the app tell people of it.
    ls_artisan queue:monitor "$ls_name" --max=1000000000 2>&1 | sed "s/^/monitor $ls_name /"
done
ls_artisan queue:failed 2>&1 | sed 's/^/failed /'
if ls_knows horizon:status; then echo "horizon $(ls_artisan horizon:status 2>&1 | tr -s ' \n' ' ')"; fi
exit 0
"""
)
