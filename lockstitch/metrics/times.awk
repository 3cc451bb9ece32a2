# Functions that read the times of log lines, and values of JSON, for the programs of sources. Works in mawk, gawk and busybox
# awk: POSIX only.

BEGIN {
    for (month = 1; month <= 12; month++)
        months[substr("JanFebMarAprMayJunJulAugSepOctNovDec", 3 * month - 2, 3)] = month
}

function first_key(line, keys,    key, n, i) {
    n = split(keys, key, " ")
    for (i = 1; i <= n; i++) if (json_value(line, key[i]) != "") return key[i]
    return ""
}

# The value of a key that is a number or a text.
function json_value(line, key,    at, sign) {
    if (key == "") return ""
    if (!(key in quoted_key)) quoted_key[key] = "\"" key "\":"
    if (!(at = index(line, quoted_key[key]))) return ""
    at += length(key) + 3
    while ((sign = substr(line, at, 1)) == " ") at++
    if (sign == "\"") { line = substr(line, at + 1, 400); return substr(line, 1, index(line, "\"") - 1) }
    line = substr(line, at, 40)
    return match(line, /^[-0-9.eE+]+/) ? substr(line, 1, RLENGTH) : ""
}

# 29/Nov/2026:08:10:00 +0000
function local_time(text,    key) {
    # Most lines have the second of the line before.
    if (text == local_text) return local_second
    key = substr(text, 1, 17) substr(text, 22, 5)
    if (key != local_key) {
        if (text !~ /^[0-9][0-9]\/[A-Z][a-z][a-z]\/[0-9][0-9][0-9][0-9]:[0-9][0-9]:[0-9][0-9]:[0-9][0-9] [-+][0-9][0-9][0-9][0-9]/) return -1
        local_key = key
        local_epoch = epoch(substr(text, 8, 4), months[substr(text, 4, 3)], substr(text, 1, 2), substr(text, 13, 2), \
            substr(text, 16, 2), substr(text, 22, 3), substr(text, 22, 1) substr(text, 25, 2))
    }
    local_text = text
    return local_second = local_epoch + substr(text, 19, 2)
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
