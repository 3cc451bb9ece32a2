# shellcheck shell=sh
# Put the app into maintenance: for the run `run`, or until somebody takes it up where that is empty. A run that was cut
# off left it on: this one takes it over, and takes it up. `taken` is that run, or empty. marker.sh comes before it.

if ls_on; then
    if [ -z "$run" ]; then
        echo "it is in maintenance already: what its page says stays as it is"; ls_mark; exit
    fi
    if ls_by "$run" || ls_by "$taken"; then ls_mark; exit; fi
    echo "it is in maintenance already: it stays so"; exit 0
fi
ls_mark || exit 1
ls_down && ls_on && ls_mark || { ls_on || ls_forget; echo "it could not be put into maintenance"; exit 1; }
