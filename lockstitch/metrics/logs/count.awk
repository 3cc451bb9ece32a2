# Counts the records of a log, and those that match. A line without a time belongs to the record before it. Works in mawk,
# gawk and busybox awk: POSIX only. Joined to times.awk.
#
# From the environment: `windows` (words FROM:TO, epoch seconds of this host's clock), `patterns` (a line each), `zone` (+0000:
# that of times which have none), `now`, `cut` (the beginning is missing), `journal` (lines of journalctl -o short-unix).
# Prints lines of words: `lines`, `first` (time of the first record), `untimed` (lines before any time), `records W COUNT`,
# `match W P COUNT`, and `end`.

BEGIN {
    count_of_windows = split(ENVIRON["windows"], pairs, " ")
    for (w = 1; w <= count_of_windows; w++) {
        split(pairs[w], ends, ":")
        from[w] = ends[1] + 0; to[w] = ends[2] + 0
    }
    count_of_patterns = split(ENVIRON["patterns"], pattern, "\n")
    zone = ENVIRON["zone"]; journal = ENVIRON["journal"]; now = ENVIRON["now"] + 0
    split("", hit); inside = 0
}

{
    if ($0 == "" && !journal) next
    lines++
    text = $0; by = ""
    if (journal) {
        # 1764412345.123456 web1 gunicorn[42]: text; the further lines of a message are indented.
        if ($0 ~ /^[0-9]+[.][0-9]+ /) {
            time = $1 + 0; by = $2 " " $3
            text = substr($0, length($1 " " by) + 2)
            if (by == before && begun && goes_on(text)) time = -1
            before = by
        } else time = -1
    } else time = log_time($0)
    if (time >= 0) begin(time)
    else if (!begun) { untimed++; next }
    trace = text ~ /^Traceback / || (trace && text ~ /^([[:space:]]|$)/)
    if (!inside) next
    for (p = 1; p <= count_of_patterns; p++) {
        if (hit[p] || text !~ pattern[p]) continue
        hit[p] = 1
        for (w = 1; w <= count_of_windows; w++) if (within[w]) matched[w " " p]++
    }
}

END {
    print "lines", lines + 0
    print "untimed", untimed + 0
    if (begun) print "first", sprintf("%d", first)
    for (w = 1; w <= count_of_windows; w++) print "records", w, records[w] + 0
    for (key in matched) print "match", key, matched[key]
    print "end"
}

function begin(time,    w) {
    if (!begun) { begun = 1; first = time }
    inside = 0; trace = 0; split("", hit)
    for (w = 1; w <= count_of_windows; w++) {
        within[w] = time >= from[w] && time < to[w]
        if (within[w]) { inside = 1; records[w]++ }
    }
}

# Whether an entry of the journal continues the one before: a program's traceback comes as an entry for each line.
function goes_on(text) {
    return trace || text ~ /^([[:space:]]|$|Traceback \(most|During handling of|The above exception|Caused by:|}$)/
}

# The time at the beginning of a line; -1 where there is none.
function log_time(line,    at, text, rest, part) {
    if (substr(line, 1, 1) == "{") {
        if (json_key == "") json_key = first_key(line, "time timestamp ts @timestamp asctime datetime date")
        text = json_value(line, json_key)
        if (text ~ /^[0-9]+([.][0-9]+)?$/) { text += 0; while (text > 100000000000) text /= 1000; return text }
        line = text
    }
    text = substr(line, 1, 120)
    # A process manager's mark, a level, and an opening bracket may stand before it.
    sub(/^[0-9]+\|[^|]*\|[[:space:]]*/, "", text)
    sub(/^[A-Za-z]+[:[:space:]][[:space:]]*/, "", text)
    sub(/^[[("]/, "", text)
    if (text ~ /^[0-9][0-9][0-9][0-9][-\/][0-9][0-9][-\/][0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
        rest = substr(text, 20)
        if (match(rest, /^[.,][0-9]+/)) rest = substr(rest, RLENGTH + 1)
        sub(/^ /, "", rest)
        if (rest ~ /^(Z|UTC)/) rest = "+00:00"
        else if (rest ~ /^[-+][0-9][0-9]:?[0-9][0-9]/) rest = match(rest, /^[-+][0-9][0-9]:[0-9][0-9]/) ? substr(rest, 1, 6) : substr(rest, 1, 5)
        else rest = zone
        return iso_time(substr(text, 1, 4) "-" substr(text, 6, 2) "-" substr(text, 9, 2) "T" substr(text, 12, 8) rest)
    }
    # 29/Nov/2026:08:10:00 +0000, behind what an access log begins with.
    at = index(line, "[")
    if (at && at < 400 && substr(line, at + 1, 26) ~ /^[0-9][0-9]\/[A-Z]/) return local_time(substr(line, at + 1, 26))
    # Nov 29 08:10:00, in the year that makes it no later than tomorrow.
    sub(/^<[0-9]+>/, "", line)
    if (line ~ /^[A-Z][a-z][a-z] [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
        part = substr(line, 1, 3)
        if (!(part in months)) return -1
        return year_of(months[part], substr(line, 5, 2) + 0, substr(line, 8, 8))
    }
    return -1
}

function year_of(month, day, clock,    year, time) {
    for (year = int(now / 31556952) + 1971; year > 1970; year--) {
        time = iso_time(sprintf("%04d-%02d-%02dT%s%s", year, month, day, clock, zone))
        if (time <= now + 86400) return time
    }
    return -1
}
