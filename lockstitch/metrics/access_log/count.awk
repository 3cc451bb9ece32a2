# Counts the requests of an access log. Works in mawk, gawk and busybox awk: POSIX only.
#
# From the environment: `windows` (words FROM:TO, epoch seconds of this host's clock), `limits` (words, seconds), `ignored`
# (paths, a line each), `format` (empty: recognise it; else lines of a variable, a tab, and the text that ends it; the first
# line has what is escaped in quotes, and the text before all), `now`.
# Prints lines of words; answer.py reads them.

BEGIN {
    count_of_windows = split(ENVIRON["windows"], pairs, " ")
    for (w = 1; w <= count_of_windows; w++) {
        split(pairs[w], ends, ":")
        from[w] = ends[1] + 0; to[w] = ends[2] + 0
        if (w == 1 || from[w] < earliest) earliest = from[w]
    }
    count_of_limits = split(ENVIRON["limits"], limit, " ")
    count_of_paths = split(ENVIRON["ignored"], path, "\n")
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
    json_second = -1
}

{
    lines++
    seconds = -1
    # A request counts in the window it began in. What ended before all windows is counted in none: its time is enough.
    if (count_of_fields) read_given($0)
    else if (substr($0, 1, 1) == "{") { if (json_time($0) >= earliest) read_json($0); else status = time < 0 ? -1 : 200 }
    else if (common_time($0) >= earliest) read_common($0)
    else status = time < 0 ? -1 : 200
    if (status < 0) {
        # A rotated or truncated file can begin with the rest of a line, or hold zeros.
        if ($0 != "" && (lines > 1 || !ENVIRON["cut"])) { strange++; if (sample == "") sample = substr($0, 1, 300) }
        else lines--
        next
    }
    # A number is never compared with a text here, for which awk would make a text of it in every line.
    if (time != before) {
        if (!dated) { dated = 1; first = newest = time }
        if (time > newest) {
            minute = int(time / 60)
            if (time - newest > gap[minute]) gap[minute] = time - newest
            newest = time
        }
        before = time
    }
    if (time < earliest) next
    began = seconds < 0 ? time : time - seconds
    class = 0
    for (w = 1; w <= count_of_windows; w++) {
        if (began < from[w] || began >= to[w]) continue
        if (!class) {
            if (passes_by()) break
            # Integers are the keys: awk makes a text of any other number, and joining texts takes long.
            if (seconds < 0) class = 1
            else if (status == 101) class = 2
            else if (!(class = class_of[micros = int(seconds * 1000000)])) class = class_of[micros] = class_for(seconds)
            class += status * 10000
        }
        hits[w * 6000000 + class]++
    }
}

END {
    print "now", sprintf("%d", now), sprintf("%d", earliest), ENVIRON["cut"] + 0
    print "lines", lines + 0, strange + 0
    if (sample != "") print "sample", sample
    if (shape != "") print "format", shape
    if (dated) {
        print "first", sprintf("%d", first); print "newest", sprintf("%d", newest)
        for (minute = int(newest / 60) - 30; minute <= int(newest / 60); minute++) if (gap[minute] > longest) longest = gap[minute]
        print "gap", sprintf("%d", longest)
    }
    for (key in hits) {
        w = int(key / 6000000); class = key % 10000
        statuses[w " " int(key % 6000000 / 10000)] += hits[key]
        if (class == 1) untimed[w] += hits[key]
        if (class < 3) continue
        timed[w] += hits[key]
        buckets[w " " bucket_of[class]] += hits[key]
        for (l = 1; l <= over_in[class]; l++) over[w " " l] += hits[key]
    }
    for (key in statuses) print "status", key, statuses[key]
    for (w = 1; w <= count_of_windows; w++) print "times", w, timed[w] + 0, untimed[w] + 0
    for (key in over) print "over", key, over[key]
    # All buckets of a window from its first on: half as much travels as with their numbers.
    for (w = 1; w <= count_of_windows; w++) {
        text = empty = ""
        for (b = 0; b <= 256; b++) {
            if ((key = w " " b) in buckets) { text = text (text == "" ? b " " : empty) buckets[key] " "; empty = "" }
            else empty = empty "0 "
        }
        if (text != "") print "buckets", w, text
    }
    print "end"
}

# 127.0.0.1 - - [29/Nov/2026:08:10:00 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8" 0.012
function common_time(line,    at) {
    return time = (at = index(line, "[")) ? local_time(substr(line, at + 1, 26)) : -1
}

function read_common(line,    n, at, text) {
    # Apache writes a quote within a quoted field as \", and a backslash as two.
    if (index(line, "\\\"")) { gsub(/\\\\/, "", line); gsub(/\\"/, "", line) }
    at = index(line, "\" ")
    request = substr(line, 1, at)
    text = substr(line, at + 2, 4)
    if (!(status = status_of[text])) status = status_of[text] = text ~ /^[1-5][0-9][0-9] ?$/ ? substr(text, 1, 3) + 0 : -1
    # Most lines have their duration where the line before has it: no quote is within what is quoted.
    if (lead != "" && status > 0 && (n = index(line = substr(line, at + 6), lead))) {
        text = substr(line, n + lead_size, 20)
        if (text >= "0" && text < ":") { seconds = text + 0; return }
    }
    # A line that ends with a quote has nothing behind its agent.
    if (lead == "" && status > 0 && shape != "" && substr(line, length(line)) == "\"") return
    read_slowly($0)
}

# The request is quoted, then the referer and the agent.
function read_slowly(line,    part, n, rest, at) {
    if (index(line, "\\\"")) { gsub(/\\\\/, "", line); gsub(/\\"/, "", line) }
    if ((n = split(line, part, "\"")) < 3) { status = -1; return }
    request = part[2]
    status = part[3] ~ /^ [1-5][0-9][0-9]( |$)/ ? substr(part[3], 2, 3) + 0 : -1
    rest = n == 7 ? part[7] : n < 7 ? "" : substr(line, length(part[1]) + length(part[2]) + length(part[3]) + length(part[4]) + length(part[5]) + length(part[6]) + 7)
    shape = "combined"; lead = ""
    if (rest == "") return
    if (match(rest, /(rt|request_time|reqtime)[=:]"?[0-9]+[.][0-9]+/) && substr(rest, RSTART - 1, 1) !~ /[A-Za-z_]/) {
        at = RSTART + RLENGTH; n = RSTART
        while (substr(rest, n, 1) !~ /[0-9]/) n++
        lead = "\"" substr(rest, 1, n - 1); lead_size = n
        seconds = substr(rest, n, at - n) + 0; shape = "combined with request_time"
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
    # Most lines have the second of the line before.
    if (value == json_text) return time = json_second
    json_text = value
    return json_second = time = value ~ /^[0-9]+([.][0-9]+)?$/ ? value + 0 : index(value, "/") ? local_time(value) : iso_time(value)
}

function read_json(line,    value) {
    value = json_value(line, status_key)
    status = value ~ /^[1-5][0-9][0-9]$/ ? value + 0 : -1
    value = json_value(line, seconds_key)
    if (value ~ /^[0-9]/) seconds = index(value, " ") ? sum(value) : value + 0
    request = json_value(line, uri_key)
}

function read_given(line,    f, at, value) {
    time = status = -1
    if (field_name[1] != "" && index(line, "\\\"")) {
        if (field_name[1] == "backslashes") gsub(/\\\\/, "", line)
        gsub(/\\"/, "", line)
    }
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
    if (time < 0) status = -1
    shape = "as given"
}

function take(name, value,    words, n) {
    if (name == "local_time") time = local_time(value)
    else if (name == "iso_time") time = iso_time(value)
    else if (name == "epoch") { if (value ~ /^[0-9.]+$/) time = value + 0 }
    else if (name == "epoch_milliseconds") { if (value ~ /^[0-9]+$/) time = value / 1000 }
    else if (name == "epoch_microseconds") { if (value ~ /^[0-9]+$/) time = value / 1000000 }
    else if (name == "status") { n = split(value, words, /[^0-9]+/); if (words[n] ~ /^[1-5][0-9][0-9]$/) status = words[n] + 0 }
    else if (name == "seconds") { if (value ~ /^[0-9]/) seconds = sum(value) }
    else if (name == "milliseconds") { if (value ~ /^[0-9]/) seconds = value / 1000 }
    else if (name == "microseconds") { if (value ~ /^[0-9]/) seconds = value / 1000000 }
    else if (name == "request" || name == "uri") request = value
}

# The number of the class of all durations that are in one bucket and above the same limits, which are in order.
function class_for(seconds,    b, l, key) {
    b = bucket(seconds)
    while (l < count_of_limits && seconds > limit[l + 1]) l++
    key = b " " (l + 0)
    if (!(key in class_named)) {
        class_named[key] = 3 + count_of_classes++
        bucket_of[class_named[key]] = b; over_in[class_named[key]] = l + 0
    }
    return class_named[key]
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
function passes_by(    i, at, uri, words, next_sign) {
    for (i = 1; i <= count_of_paths; i++) {
        if (!index(request, path[i]) || path[i] == "") continue
        # GET /path HTTP/1.1, with what a line has before it, or the path alone.
        if (at = index(request, "\"")) request = substr(request, at + 1)
        uri = split(request, words, " ") > 1 ? words[2] : words[1]
        if (index(uri, path[i]) == 1) {
            next_sign = substr(uri, length(path[i]) + 1, 1)
            if (next_sign == "" || next_sign == "/" || next_sign == "?") return 1
        }
    }
    # A regular expression that is no constant is made anew for every line by some.
    return $0 ~ /ELB-HealthChecker|GoogleHC|kube-probe|Consul Health Check|UptimeRobot/
}
