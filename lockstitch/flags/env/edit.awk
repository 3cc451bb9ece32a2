# Prints what env_file.awk, which comes before it, has read of the one variable in ls_names, or the file with another value
# of it. The environment has ls_do=flag_read or flag_write; for a change also ls_to, ls_unset, and ls_whole, which is empty
# where the last line has no line feed. A line that not all dialects take for the same is a problem, and nothing is printed.

function is_plain(text, quote) {
    if (quote == "") return text ~ /^[A-Za-z0-9_.\/:@%+,=-]*$/
    return length(text) > 1 && text ~ (quote "$") && substr(text, 2, length(text) - 2) !~ /[^ -~]|[\\$`"\047]/
}
function in_quotes(quote) {
    if (quote == "" && ENVIRON["ls_to"] !~ /^[A-Za-z0-9_.\/:@%+,=-]*$/) quote = "\047"
    return quote ENVIRON["ls_to"] quote
}
END {
    key = ENVIRON["ls_names"]; unset = ENVIRON["ls_unset"] != ""; whole = ENVIRON["ls_whole"] != ""
    place = places[key]; own = place ? raw[place + 0] : ""; bare = ""; quote = ""
    if (place ~ /,/) problem("it is set more than once, in lines " place)
    else if (place) {
        if (raw[place - 1] ~ /\\\r?$/) problem("the line before line " place " ends with a backslash")
        begin = match(own, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=/) ? substr(own, 1, RLENGTH) : ""
        bare = substr(own, length(begin) + 1); sub(/[ \t\r]+$/, "", bare); end = substr(own, length(begin bare) + 1)
        quote = substr(bare, 1, 1); if (quote != "\"" && quote != "\047") quote = ""
        if (begin == "" || state[key] != "set" || !is_plain(bare, quote))
            problem("line " place " means one thing to dotenv and another to a unit: write " key "=VALUE and nothing behind it")
        if (quote != "") bare = substr(bare, 2, length(bare) - 2)
    } else if (raw[count] ~ /\\\r?$/) problem("its last line ends with a backslash")
    if (wrong != "") { print "unreadable " wrong "\n"; exit ENVIRON["ls_do"] == "flag_write" ? 3 : 0 }
    if (ENVIRON["ls_do"] == "flag_read") { print place ? "value " bare "\n" : "unset\n"; exit 0 }
    for (at = 1; at <= count; at++)
        if (at != place) lines[++kept_lines] = raw[at]
        else if (!unset) lines[++kept_lines] = begin in_quotes(quote) end
    if (!place && !unset) lines[++kept_lines] = key "=" in_quotes("")
    for (at = 1; at <= kept_lines; at++) print (at > 1 ? "\n" : "") lines[at]
    # What stands before the line that is taken away keeps its line feed.
    if (kept_lines && (whole || (unset ? place == count : !place))) print "\n"
}
