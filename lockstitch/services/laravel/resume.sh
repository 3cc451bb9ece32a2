# shellcheck shell=sh
# Let this app's workers take jobs again, where `$state/paused` says what keeps them from it. Typed by a person (`by_hand`),
# it leaves those alone that a run which is under way has paused. paused.sh and what it needs come before it.

if [ -e "$state/paused" ] && [ -n "$by_hand" ] && [ -e "$state/lock.json" ]; then
    echo "the run that holds the lock has paused the workers: they stay so until it ends"
elif [ -e "$state/paused" ]; then
    ls_bad=
    while read -r ls_what ls_name; do
        # shellcheck disable=SC2086  # no second word for all
        case $ls_what in
            unit) ls_start_unit "$ls_name" </dev/null ;;
            *) ls_resume_queue $ls_what $ls_name </dev/null ;;
        esac || ls_bad=yes
    done <"$state/paused"
    [ -z "$ls_bad" ] || exit 1
    rm -f "$state/paused"
fi
