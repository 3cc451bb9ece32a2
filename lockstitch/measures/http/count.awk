# Counts requests: lines NUMBER STATUS DNS CONNECT TLS FIRST TOTAL (seconds since the request began), or NUMBER failed and
# what curl said, with the same numbers after the error, or before it, as old ones have it; and `took`, hundredths of a
# second in all. From the environment:
# `limits` (words, seconds), `expected` (a status; empty: 200 to 399), `count` (so many requests), `warm_up` (so many of
# them do not count), `rate` (in a thousand seconds), `concurrency`, `timeout`. POSIX awk.
#
# A request is late where all that may be under way at once are not answered yet. That is reckoned from their times, not
# read from the clock: what this host needs to start a process is no time of the server. timing.py does the same.

BEGIN {
    count_of_limits = split(ENVIRON["limits"], limit, " ")
    edge[0] = 0.001
    for (b = 1; b <= 256; b++) edge[b] = edge[b - 1] * 1.05
    split("late dns connect tls first body total", name, " ")
    time = " [0-9]+[.][0-9]+"
    numbers = " [0-9][0-9][0-9]" time time time time time " "
}

$1 == "took" { took = $2; next }

{
    line[$1] = $0; whole[$1] = $NF + 0
    if ($2 == "failed") {
        whole[$1] = 0
        if (match($0 " ", numbers)) {
            split(substr($0, RSTART, RLENGTH), timed, " ")
            whole[$1] = timed[6] + 0
            line[$1] = substr($0, 1, RSTART) substr($0, RSTART + RLENGTH)
        }
    }
}

END {
    most = ENVIRON["concurrency"] + 0
    for (n = 0; n < ENVIRON["count"] + 0; n++) {
        begun = due = n * 1000 / ENVIRON["rate"]
        slot = 1
        for (s = 2; s <= most; s++) if (free[s] < free[slot]) slot = s
        if (free[slot] > begun) begun = free[slot]
        free[slot] = begun + whole[n]
        if (free[slot] > ideal) ideal = free[slot]
        if (!(n in line)) continue
        lines++
        if (n < ENVIRON["warm_up"] + 0) { warm++; continue }
        one(line[n], begun - due)
    }
    for (key in counts) { split(key, pair, " "); packed[pair[1]] = packed[pair[1]] " " pair[2] ":" counts[key] }
    for (p = 1; p <= 7; p++) print "phase " name[p] packed[p]
    for (l = 1; l <= count_of_limits; l++) print "over", l, over[l] + 0
    for (text in reason) if (said++ < 20) print "reason", reason[text], text
    print "total", total + 0, failed + 0, warm + 0
    printf "took %d %d\n", took, ideal * 100
    if (lines == ENVIRON["count"]) print "end"
}

function one(text, late,    word, tls, first, p, l, says) {
    split(text, word, " ")
    if (word[2] == "failed") {
        says = text; sub(/^[^ ]+ failed */, "", says)
        sub(/ +$/, "", says)
        if (says ~ /^curl: .28. /) says = "no answer in " ENVIRON["timeout"] " s"
        sub(/ after [0-9]+ ms/, "", says)
        failed++; reason[says == "" ? "no answer" : substr(says, 1, 200)]++
        return
    }
    if (ENVIRON["expected"] != "" ? word[2] != ENVIRON["expected"] : word[2] < 200 || word[2] >= 400) {
        failed++; reason["answered " word[2]]++
        return
    }
    tls = word[5] > word[4] ? word[5] : word[4]
    first = word[6] > tls ? word[6] : tls
    part[1] = late; part[2] = word[3]; part[3] = word[4] - word[3]; part[4] = tls - word[4]
    part[5] = first - tls; part[6] = word[7] - first; part[7] = word[7] + late
    total++
    for (p = 1; p <= 7; p++) counts[p " " bucket(part[p])]++
    for (l = 1; l <= count_of_limits; l++) if (part[7] > limit[l] + 0) over[l]++
}

# The first of the edges that a duration is below.
function bucket(seconds,    low, high, middle) {
    low = 0; high = 256
    while (low < high) {
        middle = int((low + high) / 2)
        if (seconds < edge[middle]) high = middle; else low = middle + 1
    }
    return low
}
