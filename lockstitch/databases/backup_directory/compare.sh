# shellcheck shell=sh
# Around `compared`, whose lines `wanted …` and `found …` are the rows that differ: then the backup gets a mark.

said=$(compared 2>&1) && code=0 || code=$?
printf '%s\n' "$said"
! printf '%s\n' "$said" | grep -q '^\(wanted\|found\) ' || printf '%s\n' "$said" | mark prove
exit "$code"
