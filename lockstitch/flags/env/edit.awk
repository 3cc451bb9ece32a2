# Reads one variable of an environment file, or prints the file with another value of it. The environment has
# ls_variable; for a change also ls_do=write, ls_to, ls_unset, and ls_whole, which is empty where the last line has no
# line feed. Readers of such files differ: what they do not all take for the same is a problem, and nothing is printed.

# The position of the quote that ends a text; 0 where it is on another line.
function closing(text, quote,   at, sign) {
    for (at = 1; at <= length(text); at++) {
        sign = substr(text, at, 1)
        if (quote == "\"" && sign == "\\") at++
        else if (sign == quote) return at
    }
    return 0
}
function problem(says) { if (wrong == "") wrong = says }
function keep(line) { out[++kept] = line; last_dropped = 0 }
function quoted(quote) {
    if (quote == "" && to !~ /^[A-Za-z0-9_.\/:@%+,=-]*$/) quote = "\047"
    return quote to quote
}
function is_plain(text, quote) {
    if (quote == "") return text ~ /^[A-Za-z0-9_.\/:@%+,=-]*$/
    return closing(substr(text, 2), quote) == length(text) - 1 && substr(text, 2, length(text) - 2) !~ /[^ -~]|[\\$`"\047]/
}
# The line of the variable: `begin` is all before its value.
function own(begin, rest, at,   quote, end) {
    if (place) problem("it is set twice, in lines " place " and " at)
    if (continued) problem("the line before line " at " ends with a backslash")
    place = at
    end = rest; sub(/[ \t\r]+$/, "", rest); end = substr(end, length(rest) + 1)
    quote = substr(rest, 1, 1)
    if (quote != "\"" && quote != "\047") quote = ""
    if (begin !~ /[A-Za-z0-9_]=$/ || !is_plain(rest, quote))
        problem("line " at " means one thing to dotenv and another to a unit: write " name "=VALUE and nothing behind it")
    value = quote == "" ? rest : substr(rest, 2, length(rest) - 2)
    if (unset) last_dropped = 1
    else keep(begin quoted(quote) end)
}
BEGIN {
    ORS = ""; name = ENVIRON["ls_variable"]; writes = ENVIRON["ls_do"] == "write"
    to = ENVIRON["ls_to"]; unset = ENVIRON["ls_unset"] != ""; whole = ENVIRON["ls_whole"] != ""
}
{
    mine = 0
    if (open != "") { if (closing($0, open)) open = "" }
    else if (match($0, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=/)) {
        begin = substr($0, 1, RLENGTH); rest = substr($0, RLENGTH + 1)
        key = begin; sub(/^[ \t]*/, "", key); sub(/[ \t]*=$/, "", key); sub(/^export[ \t]+/, "", key)
        bare = rest; sub(/^[ \t]+/, "", bare); quote = substr(bare, 1, 1)
        if ((quote == "\"" || quote == "\047") && !closing(substr(bare, 2), quote)) { open = quote; opened = NR }
        if (key == name) { mine = 1; own(begin, rest, NR) }
    }
    if (!mine) keep($0)
    continued = $0 ~ /\\\r?$/
}
END {
    if (open != "") problem("the quote in line " opened " is not closed")
    if (!place && continued) problem("its last line ends with a backslash")
    if (wrong != "") { print "unreadable " wrong "\n"; exit writes ? 3 : 0 }
    if (!writes) { print place ? "value " value "\n" : "unset\n"; exit 0 }
    if (!place && !unset) { keep(name "=" quoted("")); whole = 1 }
    for (at = 1; at <= kept; at++) print (at > 1 ? "\n" : "") out[at]
    if (kept && (whole || last_dropped)) print "\n"
}
