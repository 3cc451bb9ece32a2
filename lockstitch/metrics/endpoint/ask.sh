# shellcheck shell=sh
# Prints the host's time and what `fetch` does: of a text only the lines that begin with one of `names` (words; none: all of it),
# the status, and why there is no answer.
# shellcheck disable=SC2154

date '+now %s'
export names
fetch | LC_ALL=C awk '
    BEGIN { n = split(ENVIRON["names"], name, " ") }
    NR > 1 && keep(before) { print before }
    { before = $0 }
    END { print before }
    function keep(line,    i) {
        for (i = 1; i <= n; i++) if (index(line, name[i]) == 1) return 1
        return !n || line ~ /^(\036|[0-9][0-9][0-9]$)/
    }'
