# shellcheck shell=sh
# Take the app out of maintenance: only if the run `run` put it there, or whoever did where that is empty. marker.sh comes
# before it.

if ! ls_on; then [ -n "$run" ] || echo "it was not in maintenance"
elif [ -z "$run" ] || ls_by "$run"; then ls_up
else echo "it was not this run that put it into maintenance: it stays so"; exit 0; fi
if ls_on; then echo "it is still in maintenance"; exit 1; fi
ls_forget
