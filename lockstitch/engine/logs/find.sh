# shellcheck shell=sh
# Which files there are, and from where on to read them. `lines`: how many lines are needed at least; `cut`: since when,
# in seconds since the epoch, or `-SECONDS` before now; `files`: how many files of a pattern; `most` and `limit`: how
# many bytes of a file are looked through, at most.
#
# shellcheck disable=SC2046,SC2086

say clock "$(date '+%s.%N %z')" "$(id -un)"
case $cut in -*) cut=$(($(date +%s) + cut)) ;; esac
examine() {
    # Of the file that was read into the variables; 1 where older ones need not be looked at.
    case $mode in 8???) ;; *) return 0 ;; esac
    [ -z "$cut" ] || [ "$changed" -ge $((cut - 1)) ] || { say old "$1" "$key" "$size"; return 1; }
    case $file in *.gz | *.xz | *.bz2 | *.zst | *.zip) say packed "$1" "$file"; return 1 ;; esac
    [ -r "$file" ] || { say denied "$1" "$file"; return 0; }
    from=0; [ "$size" -gt "$most" ] && from=$((size - most))
    set -- "$1" $(tail -c "+$((from + 1))" -- "$file" | head -c $((size - from)) | tail -n "$lines" | wc -lc)
    say file "$1" "$key" "$size" "$changed" $((size - ${3:-$size})) "$file"
    missing=$((missing - ${2:-0}))
    [ -n "$cut" ] || return 0
    span=262144
    while [ $span -lt "$size" ]; do
        say head "$key" $((size - span)); piece "$file" $((size - span)) 8192; say end
        [ $span -lt "$limit" ] || break
        span=$((span * 2))
        [ $span -le "$limit" ] || span=$limit
    done
}
search() {
    listing=$(IFS=; stat_all $2 | sort -rn -k 3,3)
    [ -n "$listing" ] || return 0
    printf '%s\n' "$listing" | while read -r key size changed mode file; do
        say seen "$1" "$key" "$size" "$file"
    done
    # The newest are enough; what was rotated away is looked at where the file itself has not all that is wanted.
    printf '%s\n' "$listing" | head -n "$files" | while read -r key size changed mode file; do
        missing=$lines
        examine "$1" || continue
        [ $missing -gt 0 ] || [ -n "$cut" ] || continue
        for old in "$file".[0-9]* "$file"-[0-9]* "${file%.log}"__[0-9]*; do
            [ -f "$old" ] && stat_all "$old"
        done | sort -rn -k 3,3 | head -n "$files" | while read -r key size changed mode file; do
            examine "$1" || break
            [ $missing -gt 0 ] || [ -n "$cut" ] || break
        done
    done
}
printf '%s\n' "$sources" | while read -r n pattern; do [ -z "$n" ] || search "$n" "$pattern"; done
