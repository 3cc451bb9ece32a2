# shellcheck shell=sh
# Print what gunicorn runs, for `parse_state`. master.sh comes before it.

ls_place
[ -z "$unit" ] || echo "also enabled $(ls_show UnitFileState)"
if master=$(ls_master); then
    echo "running master $master"
    # Started by a script whose first line names a release, it keeps that release's packages for good.
    tr '\0' '\n' <"/proc/$master/cmdline" 2>/dev/null | sed -n '/\/releases\//{s/^/also bound /p;q;}'
    ls_process master "$master"
    for worker in $(ls_children "$master"); do ls_process worker "$worker"; done
else
    echo "down gunicorn has no living master (${unit:-$pidfile})"
fi
exit 0
