# Counts the requests of an access log. Works in mawk, gawk and busybox awk: POSIX only.
#
# From the environment: `windows` (words FROM:TO, epoch seconds of this host's clock), `limits` (words, seconds), `ignored`
# (paths, a line each), `format` (empty: recognise it; else lines of a variable, a tab, and the text that ends it; the first
# line has the text before all), `now`.
# Prints lines of words; formats.py and counts.py say what they mean.

BEGIN {
    count_of_windows = split(ENVIRON["windows"], pairs, " ")
    for (w = 1; w <= count_of_windows; w++) {
        split(pairs[w], ends, ":")
        from[w] = ends[1] + 0; to[w] = ends[2] + 0
        if (w == 1 || from[w] < earliest) earliest = from[w]
    }
    count_of_limits = split(ENVIRON["limits"], limit, " ")
    count_of_paths = split(ENVIRON["ignored"], path, "\n")
    for (month = 1; month <= 12; month++)
        months[substr("JanFebMarAprMayJunJulAugSepOctNovDec", 3 * month - 2, 3)] = month
    if (ENVIRON["format"] != "") {
        count_of_fields = split(ENVIRON["format"], rows, "\n")
        for (f = 1; f <= count_of_fields; f++) {
            tab = index(rows[f], "\t")
            field_name[f] = substr(rows[f], 1, tab - 1); field_end[f] = substr(rows[f], tab + 1)
        }
    }
    # No logarithm: busybox awk can be built without.
    edge[0] = 0.001
    for (b = 1; b <= 256; b++) edge[b] = edge[b - 1] * 1.05
    now = ENVIRON["now"] + 0
}

{
    # A rotated or truncated file can begin with the rest of a line, or hold zeros.
    if ($0 == "") next
    lines++
    time = status = -1; seconds = -1; uri = ""
    # A request counts in the window it began in. What ended before all windows is counted in none: its time is enough.
    if (count_of_fields) read_given($0)
    else if (substr($0, 1, 1) == "{") { if (json_time($0) >= earliest) read_json($0) }
    else if (common_time($0) >= earliest) read_common($0)
    if (time >= 0 && time < earliest) status = 200
    if (time < 0 || status < 100 || status > 599) {
        if (lines > 1 || !ENVIRON["cut"]) { strange++; if (sample == "") sample = substr($0, 1, 300) }
        else lines--
        next
    }
    if (first == "") first = time
    minute = int(time / 60)
    if (newest != "" && time - newest > gap[minute]) gap[minute] = time - newest
    if (newest == "" || time > newest) newest = time
    if (time < earliest) next
    began = seconds < 0 ? time : time - seconds
    seen = 0
    for (w = 1; w <= count_of_windows; w++) {
        if (began < from[w] || began >= to[w]) continue
        if (!seen) { seen = 1; if (passes_by()) break }
        statuses[w " " status]++
        if (seconds < 0) { untimed[w]++; continue }
        if (status == 101) continue
        timed[w]++
        for (l = 1; l <= count_of_limits; l++) if (seconds > limit[l]) over[w " " l]++
        buckets[w " " bucket(seconds)]++
    }
}

END {
    print "now", sprintf("%d", now), sprintf("%d", earliest), ENVIRON["cut"] + 0
    print "lines", lines + 0, strange + 0
    if (sample != "") print "sample", sample
    if (shape != "") print "format", shape
    if (first != "") {
        print "first", sprintf("%d", first); print "newest", sprintf("%d", newest)
        for (minute = int(newest / 60) - 30; minute <= int(newest / 60); minute++) if (gap[minute] > longest) longest = gap[minute]
        print "gap", sprintf("%d", longest)
    }
    for (key in statuses) print "status", key, statuses[key]
    for (w = 1; w <= count_of_windows; w++) print "times", w, timed[w] + 0, untimed[w] + 0
    for (key in over) print "over", key, over[key]
    for (key in buckets) { split(key, pair, " "); packed[pair[1]] = packed[pair[1]] " " pair[2] ":" buckets[key] }
    for (w in packed) print "buckets", w packed[w]
    print "end"
}

# 127.0.0.1 - - [29/Nov/2026:08:10:00 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8" 0.012
function common_time(line,    at) {
    return time = (at = index(line, "[")) ? local_time(substr(line, at + 1, 26)) : -1
}

function read_common(line,    part, n, words, rest) {
    # Apache writes a quote within a quoted field as \".
    if (index(line, "\\\"")) gsub(/\\"/, "", line)
    if (split(line, part, "\"") < 3) return
    split(part[3], words, " ")
    status = words[1] ~ /^[0-9][0-9][0-9]$/ ? words[1] + 0 : -1
    split(part[2], words, " "); uri = words[2]
    shape = "combined"
    n = index(line, "\" \"")
    if (!n) return
    rest = substr(line, n + 3); n = index(rest, "\"")
    rest = substr(rest, n + 1)
    if (rest == "") return
    if (match(rest, /(rt|request_time|reqtime)[=:]"?[0-9]+[.][0-9]+/) && substr(rest, RSTART - 1, 1) !~ /[A-Za-z_]/) {
        rest = substr(rest, RSTART, RLENGTH); sub(/^[^=:]*[=:]"?/, "", rest)
        seconds = rest + 0; shape = "combined with request_time"
    } else if (match(rest, /(urt|upstream_response_time)[=:]"?[-0-9., :]+/)) {
        rest = substr(rest, RSTART, RLENGTH); sub(/^[^=:]*[=:]"?/, "", rest)
        seconds = sum(rest); shape = "combined with upstream_response_time"
    } else if (match(rest " ", / [0-9]+[.][0-9][0-9][0-9] /)) {
        seconds = substr(rest, RSTART + 1, RLENGTH - 1) + 0; shape = "combined with seconds at its end"
    }
}

function json_time(line,    value) {
    if (time_key == "") {
        time_key = first_key(line, "ts msec time_iso8601 time_local @timestamp timestamp time")
        status_key = first_key(line, "status")
        seconds_key = first_key(line, "request_time duration upstream_response_time")
        uri_key = first_key(line, "request_uri uri path request")
        shape = "JSON, time in " time_key ", duration in " (seconds_key == "" ? "nothing" : seconds_key)
    }
    value = json_value(line, time_key)
    time = value ~ /^[0-9]+([.][0-9]+)?$/ ? value + 0 : index(value, "/") ? local_time(value) : iso_time(value)
    return time
}

function read_json(line,    value, words) {
    value = json_value(line, status_key)
    status = value ~ /^[0-9][0-9][0-9]$/ ? value + 0 : -1
    value = json_value(line, seconds_key)
    if (value ~ /^[0-9]/) seconds = sum(value)
    uri = json_value(line, uri_key)
    if (uri_key == "request") { split(uri, words, " "); uri = words[2] }
}

function first_key(line, keys,    key, n, i) {
    n = split(keys, key, " ")
    for (i = 1; i <= n; i++) if (json_value(line, key[i]) != "") return key[i]
    return ""
}

# The value of a key that is a number or a text.
function json_value(line, key,    at) {
    if (key == "" || !(at = index(line, "\"" key "\":"))) return ""
    line = substr(line, at + length(key) + 3, 400)
    sub(/^ */, "", line)
    if (substr(line, 1, 1) == "\"") { line = substr(line, 2); at = index(line, "\""); return substr(line, 1, at - 1) }
    return match(line, /^[-0-9.eE+]+/) ? substr(line, 1, RLENGTH) : ""
}

function read_given(line,    f, at, value) {
    if (field_end[1] != "" && index(line, field_end[1]) != 1) return
    line = substr(line, length(field_end[1]) + 1)
    for (f = 2; f <= count_of_fields; f++) {
        if (field_end[f] == "") { value = line; line = "" }
        else {
            if (!(at = index(line, field_end[f]))) { status = -1; return }
            value = substr(line, 1, at - 1); line = substr(line, at + length(field_end[f]))
        }
        take(field_name[f], value)
    }
    shape = "as given"
}

function take(name, value,    words, n) {
    if (name == "local_time") time = local_time(value)
    else if (name == "iso_time") time = iso_time(value)
    else if (name == "epoch") { if (value ~ /^[0-9.]+$/) time = value + 0 }
    else if (name == "epoch_milliseconds") { if (value ~ /^[0-9]+$/) time = value / 1000 }
    else if (name == "epoch_microseconds") { if (value ~ /^[0-9]+$/) time = value / 1000000 }
    else if (name == "status") { n = split(value, words, /[^0-9]+/); if (words[n] ~ /^[0-9][0-9][0-9]$/) status = words[n] + 0 }
    else if (name == "seconds") { if (value ~ /^[0-9]/) seconds = sum(value) }
    else if (name == "milliseconds") { if (value ~ /^[0-9]/) seconds = value / 1000 }
    else if (name == "microseconds") { if (value ~ /^[0-9]/) seconds = value / 1000000 }
    else if (name == "request") { split(value, words, " "); uri = words[2] }
    else if (name == "uri") uri = value
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

# nginx writes one time for each upstream it asked: 0.004, 0.012 : 0.001
function sum(text,    n, part, i, total) {
    if (text !~ /[0-9]/) return -1
    if (text !~ /[,: ]/) return text + 0
    n = split(text, part, /[,: ]+/)
    for (i = 1; i <= n; i++) total += part[i]
    return total
}

# Whether a request is left out: its path is ignored, or a balancer asks whether the host is healthy.
function passes_by(    i, size, next_sign) {
    for (i = 1; i <= count_of_paths; i++) {
        size = length(path[i])
        if (size && substr(uri, 1, size) == path[i]) {
            next_sign = substr(uri, size + 1, 1)
            if (next_sign == "" || next_sign == "/" || next_sign == "?") return 1
        }
    }
    return $0 ~ /ELB-HealthChecker|GoogleHC|kube-probe|Consul Health Check|UptimeRobot/
}

# 29/Nov/2026:08:10:00 +0000
function local_time(text,    key) {
    key = substr(text, 1, 17) substr(text, 22, 5)
    if (key != local_key) {
        if (text !~ /^[0-9][0-9]\/[A-Z][a-z][a-z]\/[0-9][0-9][0-9][0-9]:[0-9][0-9]:[0-9][0-9]:[0-9][0-9] [-+][0-9][0-9][0-9][0-9]/) return -1
        local_key = key
        local_epoch = epoch(substr(text, 8, 4), months[substr(text, 4, 3)], substr(text, 1, 2), substr(text, 13, 2), \
            substr(text, 16, 2), substr(text, 22, 3), substr(text, 22, 1) substr(text, 25, 2))
    }
    return local_epoch + substr(text, 19, 2)
}

# 2026-11-29T08:10:00.250+00:00
function iso_time(text,    key, zone, fraction) {
    if (text !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) return -1
    zone = substr(text, 20)
    if (match(zone, /^[.][0-9]+/)) { fraction = substr(zone, 1, RLENGTH) + 0; zone = substr(zone, RLENGTH + 1) }
    if (zone == "Z") zone = "+00:00"
    if (zone !~ /^[-+][0-9][0-9]:?[0-9][0-9]$/) return -1
    key = substr(text, 1, 16) zone
    if (key != iso_key) {
        iso_key = key
        iso_epoch = epoch(substr(text, 1, 4), substr(text, 6, 2), substr(text, 9, 2), substr(text, 12, 2), \
            substr(text, 15, 2), substr(zone, 1, 3), substr(zone, 1, 1) substr(zone, length(zone) - 1))
    }
    return iso_epoch + substr(text, 18, 2) + fraction
}

# The epoch second of a minute; the days since 1970 are those of the civil calendar, counted from March.
function epoch(year, month, day, hour, minutes, zone_hours, zone_minutes,    era_year) {
    # What comes from a text is compared as one.
    month += 0
    era_year = month <= 2 ? year - 1 : year + 0
    month = (month + 9) % 12
    day = 365 * era_year + int(era_year / 4) - int(era_year / 100) + int(era_year / 400) + int((153 * month + 2) / 5) + day - 719469
    return day * 86400 + (hour - zone_hours) * 3600 + (minutes - zone_minutes) * 60
}
