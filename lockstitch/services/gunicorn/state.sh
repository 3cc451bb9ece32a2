# shellcheck shell=sh
# Print what gunicorn runs, for `parse_state`. master.sh comes before it; with `names`, the variables that its `start` gives
# it.

ls_place
ls_main=0
[ -z "$unit" ] || ls_read_unit
if if [ -n "$unit" ]; then master=$ls_main; ls_alive "$master"; else master=$(ls_master); fi; then
    echo "running master $master"
    # Started by a script whose first line names a release, it keeps that release's packages for good.
    tr '\0' '\n' <"/proc/$master/cmdline" 2>/dev/null | sed -n '/\/releases\//{s/^/also bound /p;q;}'
    ls_process master "$master"
    if [ -n "$unit" ]; then ls_unit_drift "$master"; else ls_environment "$master"; fi
    for worker in $(ls_children "$master"); do ls_process worker "$worker"; done
else
    echo "down gunicorn has no living master (${unit:-$pidfile})"
fi
exit 0
