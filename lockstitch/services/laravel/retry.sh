# shellcheck shell=sh
# Put failed jobs back on their queues. artisan ends with 0 whatever it is asked for. Which jobs went back, Laravel 8 says in
# a sentence, later ones in a list. artisan.sh comes before it.

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
