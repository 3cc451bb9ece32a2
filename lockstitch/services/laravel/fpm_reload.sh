# shellcheck shell=sh
# Reload php-fpm. Requests under way are waited for by php-fpm itself (process_control_timeout); new workers start after
# the old ones. observe.sh and unit.sh come before it.

ls_old=''
if ls_main_pid; then ls_old=$(ls_children "$ls_main"); fi
ls_take reload || exit 1
ls_end=$(($(date +%s) + settle))
for ls_one in $ls_old; do
    while ls_alive "$ls_one"; do
        [ "$(date +%s)" -lt "$ls_end" ] || { echo "worker $ls_one of $unit still runs the old code after $settle s"; exit 1; }
        sleep 0.2
    done
done
