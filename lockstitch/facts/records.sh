# shellcheck shell=sh
# `records PROGRAM <JOURNAL` runs awk with the function `whole`, which tells JSON from what a power loss or a full
# disk has left; the program defines `found`, which is called with each line that is whole. A NUL ends a line here,
# so that what stands behind it counts. Only records of releases are parsed in full.

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
