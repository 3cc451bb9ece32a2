# shellcheck shell=sh
# Which variables that are `required` the `files` set: lines of NAME, the rules `match` and `each`, and refused values.
# Values stay on the host: it prints how long each is, and whether it is refused or breaks one of its two other rules.

cd "$current" 2>/dev/null || :
printf '%s\n' "$files" | while IFS= read -r file; do
    [ -e "$file" ] || { echo "nofile $file"; continue; }
    [ -r "$file" ] || { echo "unread $file"; continue; }
    ls_required=$required ls_file=$file awk '
function is_refused(name, value,   parts, part, k) {
    parts = each_of[name] == "" ? 0 : split(value, part, /[ \t]*,[ \t]*/)
    for (k = 1; k <= parts; k++) if ((name "\037" tolower(part[k])) in refused) return 1
    return (name "\037" tolower(value)) in refused
}
function is_broken(name, value,   parts, part, k) {
    if (match_of[name] != "" && value !~ match_of[name]) return 1
    parts = each_of[name] == "" ? 0 : split(value, part, /[ \t]*,[ \t]*/)
    for (k = 1; k <= parts; k++) if (part[k] !~ ("^(" each_of[name] ")$")) return 1
    return 0
}
BEGIN {
    lines = split(ENVIRON["ls_required"], line, "\n")
    for (i = 1; i <= lines; i++) {
        parts = split(line[i], part, "\037"); known[part[1]] = 1
        match_of[part[1]] = part[2]; each_of[part[1]] = part[3]
        for (k = 4; k <= parts; k++) refused[part[1] "\037" part[k]] = 1
    }
}
{ sub(/\r$/, ""); sub(/^[ \t]*(export[ \t]+)?/, "") }
match($0, /^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) {
    name = substr($0, 1, RLENGTH - 1); value = substr($0, RLENGTH + 1)
    sub(/[ \t]+$/, "", name); sub(/^[ \t]+/, "", value)
    if (!(name in known)) next
    first = substr(value, 1, 1)
    if (first == "\"" || first == "\047") {
        value = substr(value, 2); end = index(value, first)
        if (end) value = substr(value, 1, end - 1)
    } else { sub(/[ \t]+#.*$/, "", value); sub(/[ \t]+$/, "", value) }
    kind = is_refused(name, value) ? "refused" : is_broken(name, value) ? "broken" : "set"
    state[name] = kind " " length(value)
}
END { for (name in state) print "variable", name, state[name], ENVIRON["ls_file"] }' "$file"
done
exit 0
