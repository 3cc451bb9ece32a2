# shellcheck shell=sh
# End a gunicorn that runs by its pid file. master.sh comes before it.

master=$(ls_master) || exit 0
kill -TERM "$master"
left=300
while ls_alive "$master" && [ $left -gt 0 ]; do left=$((left - 1)); sleep 0.1; done
