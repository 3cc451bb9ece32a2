# shellcheck shell=sh
# Print the state of the app's queues, for `parse_queues`. artisan.sh and workers.sh come before it.

cd "$current" || exit 1
ls_all=$(ls_workers)
printf '%s\n' "$ls_all" | while read -r ls_pid _ ls_since ls_age _; do
    ls_words=$(tr '\0' ' ' 2>/dev/null <"/proc/$ls_pid/cmdline") || continue
    echo "worker $ls_pid $ls_since $ls_age ${ls_words#*artisan }"
done
ls_waiting | sed 's/^/starting /'
# shellcheck disable=SC2020  # each ends a name
ls_queues=$(
    {
        echo "$names"
        printf '%s\n' "$ls_all" | while read -r ls_pid _; do
            tr '\0' '\n' 2>/dev/null <"/proc/$ls_pid/cmdline" | sed -n 's/^--queue=//p'
        done
    } | tr ', ' '\n\n' | sort -u
)
for ls_name in $ls_queues; do
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
