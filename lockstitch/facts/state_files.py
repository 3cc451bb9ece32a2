"""Shell texts that read and repair the files Lockstitch keeps on a host: the journal and the lock of a site.

What cannot be read is told as `unreadable PATH: REASON` and never taken for what is not there.
"""

from __future__ import annotations

# `there PATH`: whether it is there. Only an error that says so is an absence, and no link on the way leads nowhere.
THERE = r"""
there() {
    [ -e "$1" ] && return 0
    ls_why=$(LC_ALL=C stat -L -- "$1" 2>&1 >/dev/null) && return 0
    case $ls_why in *'No such file or directory'*) ;; *) echo "unreadable $1: ${ls_why##*: }"; return 1 ;; esac
    ls_up=$1
    until [ -e "$ls_up" ]; do
        if [ -L "$ls_up" ]; then echo "unreadable $1: $ls_up is a link to nothing"; return 1; fi
        case $ls_up in */*) ls_up=${ls_up%/*}; ls_up=${ls_up:-/} ;; *) ls_up=. ;; esac
    done
    return 1
}
"""

# `records PROGRAM <JOURNAL`: awk with the function `whole`, which tells JSON from what a power loss or a full disk has
# left. A NUL ends a line here, so that what stands behind it counts. Only records of releases are parsed in full.
_RECORDS = r"""
records() {
    LC_ALL=C tr -s '\000' '\001' | LC_ALL=C awk '
    function whole(line, deep) {
        if (line !~ /^[{].*[}]$/ || length(line) > 150000) return 0
        if (!index(line, "\"release\"")) return 1
        gsub(/"([^"\\]|\\.)*"/, "s", line); gsub(/[ \t]/, "", line)
        gsub(/true|false|null|-?[0-9][0-9.eE+-]*/, "v", line)
        while (deep++ < 20)
            if (!gsub(/[{](s:[sv](,s:[sv])*)?[}]/, "v", line) && !gsub(/\[([sv](,[sv])*)?\]/, "v", line)) break
        return line == "v"
    }
    {
        parts = split($0, part, "\001")
        if (parts > 1) damaged++
        for (i = 1; i <= parts; i++) {
            sub(/[ \t\r]+$/, "", part[i])
            if (part[i] == "") continue
            if (whole(part[i])) found(part[i]); else damaged++
        }
    }
    '"$1"
}
"""

# `read_journal`: how long it is, the last records of releases and of their beginning, and how much is no record.
_READ = r"""
read_journal() {
    there "$journal" || return 0
    [ -f "$journal" ] || { echo "unreadable $journal: it is no file"; return 0; }
    ls_why=$(LC_ALL=C cat -- "$journal" 2>&1 >/dev/null) || { echo "unreadable $journal: ${ls_why##*: }"; return 0; }
    echo "written $(($(wc -c <"$journal")))"
    records '
        function found(line) {
            if (line ~ /"event":"release"|"event":"begin",.*"step":"release"/) kept[++count] = line
        }
        END {
            for (first = count; first > 0 && count - first < 800; first--) {
                size += length(kept[first]) + 9
                if (size > 200000) break
            }
            for (n = first + 1; n <= count; n++) print "journal " kept[n]
            if (damaged) print "damaged " damaged
        }' <"$journal" || echo "unreadable $journal: tr and awk could not read it"
}
"""

# `lock_line WORD`: the lock as `WORD TIME OWNER`, by the time of its file. Who is without a name holds it all the same.
LOCK_LINE = r"""
lock_line() {
    printf '%s %s %s\n' "$1" "$(date -u -r "$lock" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo unknown)" \
        "$(head -c 4096 "$lock" 2>/dev/null | tr '\000\n' '  ')"
}
"""
READ = (
    THERE
    + _RECORDS
    + _READ
    + LOCK_LINE
    + r"""
read_lock() { if [ -L "$lock" ] || there "$lock"; then lock_line locked; fi; }
"""
)

# `heal_journal`: a damaged journal is kept aside as it is, and what is whole of it goes on. `end_journal`: its last line
# has an end, so that the next one begins on its own.
HEAL = (
    _RECORDS
    + r"""
end_journal() { [ ! -s "$journal" ] || [ -z "$(tail -c 1 "$journal")" ] || echo >>"$journal"; }
heal_journal() {
    [ -s "$journal" ] || return 0
    ls_none=$(records 'function found(line) { } END { print damaged + 0 }' <"$journal") || return 1
    if [ "$ls_none" = 0 ]; then end_journal; return; fi
    ls_aside=$journal.damaged-$run
    cp -p -- "$journal" "$ls_aside" && records 'function found(line) { print line }' <"$ls_aside" >"$journal.whole" &&
        mv -f -- "$journal.whole" "$journal" || { rm -f -- "$journal.whole"; return 1; }
    echo "warning the journal $journal was damaged ($ls_none lines are no records): it is kept as $ls_aside," \
        "and goes on with what is whole"
}
"""
)
