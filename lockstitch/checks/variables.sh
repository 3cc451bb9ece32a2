# shellcheck shell=sh
# Which variables that are `required` the `files` set. Their values stay on the host: it prints how long each is, and
# whether it is one of those that are refused.

cd "$current" 2>/dev/null || :
printf '%s\n' "$files" | while IFS= read -r file; do
    [ -e "$file" ] || { echo "nofile $file"; continue; }
    [ -r "$file" ] || { echo "unread $file"; continue; }
    ls_required=$required ls_file=$file awk '
BEGIN {
    lines = split(ENVIRON["ls_required"], line, "\n")
    for (i = 1; i <= lines; i++) {
        parts = split(line[i], part, "\037"); known[part[1]] = 1
        for (k = 2; k <= parts; k++) refused[part[1] "\037" part[k]] = 1
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
    kind = ((name "\037" tolower(value)) in refused) ? "refused" : "set"
    state[name] = kind " " length(value)
}
END { for (name in state) print "variable", name, state[name], ENVIRON["ls_file"] }' "$file"
done
exit 0
