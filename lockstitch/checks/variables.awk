# Judges what env_file.awk, which comes before it, has read: how long each value is, and whether it is refused or breaks
# `match` or `each`. The environment has ls_file and ls_required: lines of NAME, these two rules, and refused values.

function trimmed(text) { sub(/^[ \t\r\n]+/, "", text); sub(/[ \t\r\n]+$/, "", text); return text }
function kind_of(key,   k, parts, part, bad) {
    parts = each_of[key] == "" ? 0 : split(values[key], part, ",")
    if ((key "\037" tolower(values[key])) in refused) return "refused"
    bad = match_of[key] != "" && values[key] !~ match_of[key]
    for (k = 1; k <= parts; k++) {
        part[k] = trimmed(part[k])
        if ((key "\037" tolower(part[k])) in refused) return "refused"
        if (part[k] !~ ("^(" each_of[key] ")$")) bad = 1
    }
    return bad ? "broken" : "set"
}
# In characters: no byte of UTF-8 counts but the first.
function characters(text) { gsub(/[\200-\277]+/, "", text); return length(text) }
END {
    if (wrong != "") print "unread " ENVIRON["ls_file"] ": " wrong "\n"
    count = wrong != "" ? 0 : split(ENVIRON["ls_required"], rule, "\n")
    for (n = 1; n <= count; n++) {
        rules = split(rule[n], said, "\037"); key = said[1]
        if (!(key in state)) continue
        match_of[key] = said[2]; each_of[key] = said[3]
        for (k = 4; k <= rules; k++) refused[key "\037" said[k]] = 1
        kind = state[key] == "unclear" ? state[key] : kind_of(key)
        print "variable " key " " kind " " characters(values[key]) " " ENVIRON["ls_file"] "\n"
    }
}
