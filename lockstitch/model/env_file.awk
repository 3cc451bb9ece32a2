# Reads an environment file, or prints it with other values. The environment has ls_dialect (dotenv, systemd, shell; any
# where nobody knows) and ls_names. With ls_do=read it prints shell assignments: for each of the names ls_s_NAME (set, or
# unclear where readers take it for different values) and its value ls_f_NAME (where it is unclear, its lines); ls_others,
# the names beside them; ls_problem. With ls_do=write the lines ls_r_NAME stand for each of the names, and those in
# ls_dropped are taken out; all others stay byte for byte. With ls_copy="TO FROM" the name TO gets the value that FROM
# has, as it is written there.

function problem(says) { if (wrong == "") wrong = says }
function word(text) { gsub(/\047/, "\047\\\047\047", text); return "\047" text "\047" }
# A file is read in time that grows as its size does: `buf` is a short piece of line `at`, what comes next of it, and a
# value is put together from pieces.
function open_line(text) { line = text; size = length(line); next_at = 1; buf = "" }
function fill() {
    if (buf == "" && next_at <= size) { buf = substr(line, next_at, 512); next_at += 512 }
    return buf != ""
}
# Without a next line, the quote that began in line `first` is not closed.
function next_line() {
    if (at >= count) { problem("the quote in line " first " is not closed"); return 0 }
    open_line(plain[++at])
    return 1
}
function take(n,   text) { text = substr(buf, 1, n); buf = substr(buf, n + 1); return text }
function rest_of_line(   text) { text = buf substr(line, next_at); open_line(""); return text }
function add(text) { piece = piece text; if (length(piece) > 4096) { value = value piece; piece = "" } }
# Reads up to the quote that ends a text, over as many lines as it takes; 0 where there is none. A backslash in it is one
# (`none`), keeps what follows from ending it (`raw`), or is taken away before $ ` " \ and the end of a line (`taken`).
function quoted(quote, escapes,   n, sign) {
    for (;;) {
        while (!fill()) { if (!next_line()) return 0; add("\n") }
        n = escapes == "taken" ? match(buf, /["\\$`]/) : escapes == "none" ? index(buf, quote) \
            : quote == "\"" ? match(buf, /["\\]/) : quote == "\047" ? match(buf, /[\047\\]/) : match(buf, /[`\\]/)
        if (!n) { add(take(512)); continue }
        add(take(n - 1)); sign = take(1)
        if (sign == quote) return 1
        if (sign != "\\") { clear = clear && dialect != "shell"; add(sign); continue }
        if (fill()) sign = take(1); else { if (!next_line()) return 0; sign = "\n" }
        if (escapes == "raw" || !index("$`\"\\\n", sign)) add("\\" sign)
        else if (sign != "\n") add(sign)
    }
}
function dotenv(text,   quote) {
    sub(/^[ \t]+/, "", text); quote = substr(text, 1, 1)
    if (quote != "\"" && quote != "\047" && quote != "`") {
        if (match(text, /(^|[ \t])#/)) text = substr(text, 1, RSTART - 1)
        sub(/[ \t\r]+$/, "", text); value = text
        clear = value !~ /#|\$\{/
        return
    }
    open_line(substr(text, 2)); clear = quoted(quote, "raw"); value = value piece; piece = ""
    clear = clear && quote != "`" && rest_of_line() ~ /^[ \t\r]*(#.*)?$/ && value !~ /\$\{/ \
        && value !~ (quote == "\"" ? "\\\\[\\\\\047\"abftv]" : "\\\\[\\\\\047]")
    if (quote == "\"") { gsub(/\\n/, "\n", value); gsub(/\\r/, "\r", value) }
}
# As systemd's parse_env_file_internal does it.
function systemd(   sign, bare, blanks) {
    while (fill()) {
        if (!bare) {
            if (!match(buf, /[^ \t\r]/)) { buf = ""; continue }
            take(RSTART - 1); sign = substr(buf, 1, 1)
            if (sign == "\"" || sign == "\047") {
                take(1)
                if (!quoted(sign, sign == "\"" ? "taken" : "none")) return
                continue
            }
            bare = 1
        }
        if (match(buf, /^[^ \t\r\\]+/)) { add(blanks); add(take(RLENGTH)); blanks = ""; continue }
        if (match(buf, /^[ \t\r]+/)) { blanks = blanks take(RLENGTH); continue }
        take(1)
        if (fill()) { add(blanks); add(take(1)); blanks = "" } else if (!next_line()) return
    }
}
# `rest_behind` is what stands behind the value, from the first sign that ends it.
function shell(   sign, plain_text, tail) {
    while (fill()) {
        sign = substr(buf, 1, 1)
        if (sign == "\"" || sign == "\047") {
            take(1)
            if (!quoted(sign, sign == "\"" ? "taken" : "none")) return
            if (behind && length(tail) < 4096) tail = tail "_"
        } else if (sign == "\\") {
            take(1); if (behind && length(tail) < 4096) tail = tail "_"
            if (fill()) add(take(1)); else if (!next_line()) return
        } else if (sign ~ /[ \t]/) break
        else {
            plain_text = take(match(buf, /[\047"\\ \t]/) ? RSTART - 1 : 512)
            if (plain_text ~ /[$`;&|<>()*?[~]/) clear = 0
            if (!behind && match(plain_text, /[`;&|<>()]/)) { behind = 1; tail = "_" substr(plain_text, RSTART) }
            else if (behind && length(tail) < 4096) tail = tail plain_text
            add(plain_text)
        }
    }
    if ((rest_behind = rest_of_line()) !~ /^[ \t]*([ \t]#.*)?$/) { clear = 0; behind = 1 }
    rest_behind = tail rest_behind
}
# The lines that set each of the names, in order.
function sets(key, where) { where = (key in places ? places[key] ", " : "") where; places[key] = where }
# Commands. A name that is set otherwise than alone in its line is unclear. Whatever may set names that nobody sees here, or
# decides which lines are read, is a problem: all but a few commands that do neither.
function commands(text) {
    if (text ~ /^[ \t]*(#|\r?$)/) return
    if (length(text) > 4096 || decides(text))
        problem("line " at " is a command that decides what is set, and cannot be read: write the variables alone, one a line")
    else assigns(text)
}
# Marks each of the names that stands before an `=` in a text.
function assigns(text,   n, parts, part, key) {
    parts = split(text, part, "=")
    for (n = 1; n < parts; n++) if (match(part[n], /[A-Za-z_][A-Za-z0-9_]*[ \t]*[-:+*\/%&|^<>]*$/)) {
        key = substr(part[n], RSTART); sub(/[^A-Za-z0-9_].*$/, "", key)
        if (key in mine) { sets(key, at); state[key] = "unclear"; values[key] = raw[at] "\n" }
    }
}
function decides(text,   n, parts, part) {
    # ${NAME:?} ends the reading where NAME is not set.
    if (text ~ /\(\(.*(\+\+|--)/ || text ~ /\$[{][A-Za-z0-9_]+:?[?]/) return 1
    gsub(/\\./, "%", text); gsub(/\047[^\047]*\047|"[^"]*"|`[^`]*`/, "%", text); sub(/(^|[ \t;&|])#.*/, "", text)
    # What a subshell sets is lost, and what is printed in one becomes words.
    while (sub(/\$\([^()]*\)/, "%", text) || sub(/\([^()]*\)/, "@", text)) continue
    gsub(/[0-9]*[<>]&[0-9-]+/, "", text)
    if (text ~ /[()\047"`]|<<|\\$/) return 1
    parts = split(text, part, /[;&|]/)
    for (n = 1; n <= parts; n++) if (!is_harmless(part[n])) return 1
    return 0
}
function is_harmless(text) {
    sub(/^[ \t]*(![ \t]+)?/, "", text); sub(/[ \t]+$/, "", text)
    if (text ~ /^export([ \t]+[A-Za-z_][A-Za-z0-9_]*([+]?=[^ \t]*)?)*$/) return 1
    while (sub(/^[A-Za-z_][A-Za-z0-9_]*[+]?=[^ \t]*[ \t]*/, "", text)) continue
    # Of the options of `set`, -e and -u may end the reading, and -n does.
    if (text ~ /^printf[ \t]+-/ || (text ~ /^set([ \t]|$)/ && text !~ /^set[ \t]+[-+](a|o[ \t]+allexport)$/)) return 0
    return text ~ /^(@|((:|true|\[|test|echo|printf|set|umask|ulimit|env|cd)([ \t].*)?))?$/
}
# Marks the names that the value of another sets: by ${NAME:=WORD}, and by $((NAME=1)) within quotes.
function inner_sets(text,   n, parts, part) {
    if (text ~ /\(\(/) { if (text ~ /\+\+|--/) commands(text); else assigns(text) }
    parts = split(text, part, /\$[{]/)
    for (n = 2; n <= parts; n++) {
        if (part[n] ~ /^[A-Za-z0-9_]+:?[?]/) commands("${" part[n])
        if (match(part[n], /^[A-Za-z_][A-Za-z0-9_]*:?=/)) assigns(substr(part[n], 1, RLENGTH))
    }
}
# The name that a line sets; `value` is what, and `clear` whether its readers read that alike.
function entry(text,   key, rest) {
    key = substr(text, 1, RLENGTH); rest = substr(text, RLENGTH + 1)
    sub(/^[ \t]*/, "", key); sub(/[ \t]*=$/, "", key); sub(/^export[ \t]+/, "", key)
    first = at; behind = 0; value = piece = ""; clear = 1
    if (dialect == "dotenv") {
        dotenv(rest)
        # `NAME: VALUE`, which dotenv of npm reads (without a value there, the next line is it), and a name in quotes.
        if (gsub(/[\047":][ \t]*/, "", key)) {
            clear = 0
            if (at > first || rest ~ /^[ \t]*$/) problem("line " first " is read by some readers together with the next one, by others not: write " key "=VALUE")
        }
    }
    else { open_line(rest); if (dialect == "systemd") systemd(); else shell() }
    value = value piece; piece = ""
    if (bom && first == 1) clear = 0
    return key
}
function set_dialect(which) {
    dialect = which
    begins = dialect == "systemd" ? "^[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*=" \
        : dialect == "shell" ? "^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=" \
        : "^[ \t]*(export[ \t]+)?([A-Za-z_0-9][A-Za-z0-9_.-]*([ \t]*=|:([ \t]|$))|(\047[A-Za-z0-9_.-]+\047|\"[A-Za-z0-9_.-]+\")[ \t]*=)"
}
# A file of any dialect is one of dotenv, unless a line exports, or is a command.
function guess() {
    for (at = 1; at <= count; at++) {
        if (plain[at] ~ /^[ \t]*([#;].*)?$/) continue
        if (plain[at] ~ /^[ \t]*export[ \t]/ || !match(plain[at], begins)) break
        entry(plain[at])
    }
    wrong = ""
    if (at > count) return
    set_dialect("shell"); bom = 0
    for (at = 1; at <= count; at++) plain[at] = raw[at]
}
function lines_of(key) { return copies && key == copy[1] ? copied : ENVIRON["ls_r_" key] }
function assignments() {
    print "ls_problem=" word(wrong) "\nls_others=\047"
    for (n = 1; n <= others; n++) print (n > 1 ? " " : "") other[n]
    print "\047\n"
    for (n = 1; n <= names; n++) {
        print "ls_s_" name[n] "=" (name[n] in state ? state[name[n]] : "absent") "\n"
        print "ls_f_" name[n] "=" (name[n] in state ? word(values[name[n]]) : "") "\n"
    }
}
BEGIN {
    ORS = ""; writes = ENVIRON["ls_do"] == "write"
    names = split(ENVIRON["ls_names"], name, " "); for (n = 1; n <= names; n++) mine[name[n]] = 1
    copies = split(ENVIRON["ls_copy"], copy, " ") == 2
    dropped = split(ENVIRON["ls_dropped"], gone, " "); for (n = 1; n <= dropped; n++) drop[gone[n]] = 1
    set_dialect(ENVIRON["ls_dialect"] == "any" ? "dotenv" : ENVIRON["ls_dialect"])
}
{ raw[NR] = $0; if (NR == 1 && dialect == "dotenv") bom = sub(/^\357\273\277/, ""); if (dialect == "dotenv") sub(/\r$/, ""); plain[NR] = $0; count = NR }
END {
    if (ENVIRON["ls_dialect"] == "any") guess()
    for (at = 1; copies && at <= count && wrong == ""; at++) if (match(plain[at], begins)) {
        begin = RLENGTH
        if (entry(plain[at]) != copy[2]) continue
        value = piece = ""; add((dialect == "shell" ? "export " : "") copy[1] "=" substr(raw[first], begin + 1))
        for (n = first + 1; n <= at; n++) add("\n" raw[n])
        copied = value piece
    }
    if (copies && copied == "") problem(copy[2] " is not set")
    for (at = 1; at <= count && wrong == ""; at++) {
        if (dialect == "systemd" && plain[at] ~ /^[ \t]*[#;].*\\$/) problem("line " at " is a comment that ends with a backslash, which versions of systemd read differently")
        if (!match(plain[at], begins)) { if (dialect == "shell") commands(plain[at]); out[++kept] = raw[at]; continue }
        begin = RLENGTH; key = entry(plain[at])
        if (behind) commands((plain[first] ~ /^[ \t]*export/ ? "export _=" : "_=") rest_behind)
        for (n = first; n <= at && dialect == "shell" && !clear; n++) inner_sets(n > first ? raw[n] : substr(raw[n], begin + 1))
        for (n = first; n <= at && dialect == "dotenv"; n++)
            if (plain[n] ~ /\r/) problem("line " n " holds a carriage return, which some readers take for the end of a line")
        if (writes && (key in mine || key in drop)) {
            if (behind) problem("line " first " has more than the value of " key ", which would be lost: write it on lines of its own")
            if (key in mine && !(key in put)) { out[++kept] = lines_of(key); put[key] = 1 }
            continue
        }
        for (n = first; n <= at; n++) out[++kept] = raw[n]
        if (key in mine) {
            sets(key, first)
            state[key] = clear ? "set" : "unclear"
            if (!clear) { value = ""; for (n = first; n <= at; n++) add(raw[n] "\n"); value = value piece; piece = "" }
            values[key] = value
        }
        else if (!(key in seen)) { seen[key] = 1; other[++others] = key }
    }
    if (writes) {
        if (wrong != "") { print wrong "\n"; exit 3 }
        for (n = 1; n <= names; n++) if (!(name[n] in put)) out[++kept] = lines_of(name[n])
        for (n = 1; n <= kept; n++) print out[n] "\n"
        exit 0
    }
    if (ENVIRON["ls_do"] == "read") assignments()
}
