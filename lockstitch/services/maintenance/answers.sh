# shellcheck shell=sh
# Print `said`, the answer of a URL whose last line is a status. Where the page gave it, and not the run `run` put it
# there, the line `away` follows. marker.sh comes before it; the value `status` is that of the page, where it has its own.

printf '%s\n' "$said"
if ls_on && ! ls_by "$run"; then
    case ${said##*[!0-9]} in 503 | 30? | "${status:-503}") printf '\n%s' "$away" ;; esac
fi
