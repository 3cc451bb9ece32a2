# shellcheck shell=sh
# `read_history` prints what the journal says of each run, without its steps: `entry RECORD`, and `open RECORD`, the first
# record of a run that has left no other one; `about RECORD` is what a run was about to change: it ends none. `from` and `to` are times in UTC; either may be empty. With `all` it prints
# `met TIME RUN` as well, the first time that a run reloaded the app. `cut` says that there
# are older ones. `read_run` prints what it says of the one `run`: `line RECORD`, and `before RECORD` with the beginning
# and the end of the same step the last time it was done well. Both need `there` and `records`.

readable() {
    there "$journal" || return 1
    [ -f "$journal" ] || { echo "unreadable $journal: it is no file"; return 1; }
    ls_why=$(LC_ALL=C cat -- "$journal" 2>&1 >/dev/null) || { echo "unreadable $journal: ${ls_why##*: }"; return 1; }
}
read_history() {
    readable || return 0
    export from to all
    records '
        function value(line, key) {
            return match(line, "\"" key "\":\"[^\"]*\"") ? substr(line, RSTART + length(key) + 4, RLENGTH - length(key) - 5) : ""
        }
        function keep(line, at) {
            at = value(line, "at")
            if (at >= ENVIRON["from"] && (ENVIRON["to"] == "" || at < ENVIRON["to"])) kept[++count] = line
        }
        function found(line, run) {
            run = value(line, "run")
            if (line ~ /"event":"begin".*"step":"(activate|reload)[" ]/ && !(run in met)) {
                met[run] = value(line, "at"); meets[++reloads] = run
            }
            if (line ~ /"event":"(settings|flag)"/) { keep("about " line); if (!(run in first) && !(run in ended)) { first[run] = line; runs[++number] = run } }
            else if (line !~ /"event":"(begin|end|cut)"/) { delete first[run]; ended[run]; keep("entry " line) }
            else if (line ~ /"step":"unlock"/ && line ~ /"event":"end"/ && run in first) {
                keep("entry " first[run]); delete first[run]; ended[run]
            } else if (!(run in first) && !(run in ended)) { first[run] = line; runs[++number] = run }
        }
        END {
            for (n = 1; n <= number; n++) if (runs[n] in first) { keep("open " first[runs[n]]); delete first[runs[n]] }
            for (begin = count; begin > 0; begin--) if ((size += length(kept[begin]) + 1) > 200000) break
            if (begin > 0) print "cut " begin
            for (n = begin + 1; n <= count; n++) print kept[n]
            for (n = 1; n <= reloads; n++) if (ENVIRON["all"] && met[meets[n]] >= ENVIRON["from"]) print "met " met[meets[n]] " " meets[n]
            if (damaged) print "damaged " damaged
        }' <"$journal" || echo "unreadable $journal: tr and awk could not read it"
}
read_run() {
    readable || return 0
    export run
    records '
        function value(line, key) {
            return match(line, "\"" key "\":\"([^\"\\\\]|\\\\.)*\"") ? substr(line, RSTART + length(key) + 4, RLENGTH - length(key) - 5) : ""
        }
        function found(line, step) {
            step = value(line, "step")
            if (value(line, "run") == ENVIRON["run"]) {
                if (step in ends) { print "before " begins[step]; print "before " ends[step]; delete ends[step] }
                print "line " line
            } else if (line ~ /"event":"begin"/) begun[step] = line
            else if (line ~ /"event":"end"/ && line ~ /"code":0[,}]/) { begins[step] = begun[step]; ends[step] = line }
        }
        END { if (damaged) print "damaged " damaged }' <"$journal" ||
        echo "unreadable $journal: tr and awk could not read it"
}
# `read_kept` prints the record in the folder `kept` of the one `run`: `kept EVENT`. `read_kept_only` prints the first
# line of each that is in no journal, and with `all` of each: `head EVENT`.
read_kept() {
    case $run in */* | .* | "") return 0 ;; esac
    there "$kept/$run.jsonl" || return 0
    awk '{ print "kept " $0 }' <"$kept/$run.jsonl" 2>/dev/null || echo "unreadable $kept/$run.jsonl: awk could not read it"
}
read_kept_only() {
    there "$kept" || return 0
    { [ -d "$kept" ] && [ -r "$kept" ] && [ -x "$kept" ]; } || { echo "unreadable $kept: it cannot be listed"; return 0; }
    for ls_kept in "$kept"/*.jsonl; do
        [ -e "$ls_kept" ] || continue
        { IFS= read -r ls_line <"$ls_kept"; } 2>/dev/null || { echo "unreadable $ls_kept: it has no first line"; continue; }
        case $ls_line in *'"only":"yes"}') printf 'kept %s\n' "$ls_line" ;; esac
        [ -z "$all" ] || printf 'head %s\n' "$ls_line"
    done
}
