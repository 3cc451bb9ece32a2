# shellcheck shell=sh
# `read_journal` prints how long the journal is, the last records of releases and of their beginning, the last one
# of a run that was cut off, and how many lines are no record. Needs `there` and `records`.

read_journal() {
    there "$journal" || return 0
    [ -f "$journal" ] || { echo "unreadable $journal: it is no file"; return 0; }
    ls_why=$(LC_ALL=C cat -- "$journal" 2>&1 >/dev/null) || { echo "unreadable $journal: ${ls_why##*: }"; return 0; }
    ls_size=$(wc -c <"$journal") || { echo "unreadable $journal: wc could not read it"; return 0; }
    echo "written $((ls_size))"
    records '
        function found(line) {
            if (line ~ /"event":"release"|"event":"begin",.*"step":"release"/) kept[++count] = line
            else if (line ~ /"event":"cut"/) cut = line
        }
        END {
            for (first = count; first > 0 && count - first < 800; first--) {
                size += length(kept[first]) + 9
                if (size > 200000) break
            }
            for (n = first + 1; n <= count; n++) print "journal " kept[n]
            if (cut != "") print "cut " cut
            if (damaged) print "damaged " damaged
        }' <"$journal" || echo "unreadable $journal: tr and awk could not read it"
}
