# shellcheck shell=sh
# `heal_journal` keeps a damaged journal aside as it is, and goes on with the lines that are whole. Needs `records`.
# `end_journal` gives its last line an end, so that the next one begins on its own.

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
