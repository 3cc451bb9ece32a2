"""The hosts' half. A file is named by its device and inode, `KEY`, which a rotation does not change.

Values of all: `tag` begins what is ours; `sources` are lines `N PATTERN`. Names of files are read as lines, so one with
a newline in it is passed over.
"""

from __future__ import annotations

_SAY = r"""
LC_ALL=C; export LC_ALL
nl='
'
say() { printf '%s %s\n' "$tag" "$*"; }
piece() { tail -c "+$(($2 + 1))" -- "$1" 2>/dev/null | head -c "$3"; echo .; }
stat_all() { stat -L -c '%d_%i %s %Y %f %n' -- "$@" 2>/dev/null; }
# --sudo: relative paths begin at the home of the user who would have read them.
case ${owner:-} in
    '') ;;
    -) owner=${SUDO_USER:-root} ;;
esac
if [ -n "${owner:-}" ]; then
    HOME=$(getent passwd "$owner" | cut -d : -f 6); cd "${HOME:-/}" || exit 1
fi
"""
# What only the host knows: `before` is the text that makes HOME what it is for the rest.
ASK = _SAY

# `lines`: how many lines are wanted at least; `cut`: since when, in seconds since the epoch, or `-SECONDS` before now;
# `files`: how many files of a pattern; `most` and `limit`: how many bytes of a file are looked through, at most.
FIND = (
    _SAY
    + r"""
say clock "$(date '+%s.%N %z')" "$(id -un)"
case $cut in -*) cut=$(($(date +%s) + cut)) ;; esac
one() {
    # Of the file that was read into the variables; 1 where older ones need not be looked at.
    case $mode in 8???) ;; *) return 0 ;; esac
    [ -z "$cut" ] || [ "$changed" -ge $((cut - 1)) ] || { say old "$1" "$key" "$size"; return 1; }
    case $file in *.gz | *.xz | *.bz2 | *.zst | *.zip) say packed "$1" "$file"; return 1 ;; esac
    [ -r "$file" ] || { say denied "$1" "$file"; return 0; }
    from=0; [ "$size" -gt "$most" ] && from=$((size - most))
    set -- "$1" $(tail -c "+$((from + 1))" -- "$file" | head -c $((size - from)) | tail -n "$lines" | wc -lc)
    say file "$1" "$key" "$size" "$changed" $((size - ${3:-$size})) "$file"
    left=$((left - ${2:-0}))
    [ -n "$cut" ] || return 0
    back=262144
    while [ $back -lt "$size" ]; do
        say head "$key" $((size - back)); piece "$file" $((size - back)) 8192; say end
        [ $back -lt "$limit" ] || break
        back=$((back * 2))
        [ $back -le "$limit" ] || back=$limit
    done
}
each() {
    found=$(IFS=; stat_all $2 | sort -rn -k 3,3)
    [ -n "$found" ] || return 0
    printf '%s\n' "$found" | while read -r key size changed mode file; do
        say seen "$1" "$key" "$size" "$file"
    done
    # The newest are enough; what was rotated away is looked at where the file itself has not all that is wanted.
    printf '%s\n' "$found" | head -n "$files" | while read -r key size changed mode file; do
        left=$lines
        one "$1" || continue
        [ $left -gt 0 ] || [ -n "$cut" ] || continue
        for old in "$file".[0-9]* "$file"-[0-9]* "${file%.log}"__[0-9]*; do
            [ -f "$old" ] && stat_all "$old"
        done | sort -rn -k 3,3 | head -n "$files" | while read -r key size changed mode file; do
            one "$1" || break
            [ $left -gt 0 ] || [ -n "$cut" ] || break
        done
    done
}
printf '%s\n' "$sources" | while read -r n pattern; do [ -z "$n" ] || each "$n" "$pattern"; done
"""
)

# `ranges` are lines `KEY FROM TO PATH`.
READ = (
    _SAY
    + r"""
key_of() { stat -L -c '%d_%i' -- "$1" 2>/dev/null; }
printf '%s\n' "$ranges" | while read -r key from to file; do
    [ -n "$key" ] || continue
    for here in "$file".1 "$file"; do [ "$(key_of "$here")" = "$key" ] && break; done
    say begin "$key" "$from"; piece "$here" "$from" $((to - from)); say end "$key" "$to"
done
"""
)

# `patterns` and `around` (where a rotation may put them) are lines; `known` are lines `KEY FROM N PRINT`, of files that
# were there before. A file that is not known is read from its beginning. PRINT tells whether what was read is still
# what stands before FROM: a file that was emptied may already be longer than it was.
FOLLOW = (
    _SAY
    + r"""
print_of() {
    print=0 whole=yes; [ "$2" -gt 0 ] || return 0
    first=0; [ "$2" -gt 256 ] && first=$(($2 - 256))
    print=$(tail -c "+$((first + 1))" -- "$1" 2>/dev/null | head -c $(($2 - first)) | cksum)
    [ "${print#* }" = $(($2 - first)) ] || whole=
    print=${print%% *}
}
emit() {
    # KEY FROM TO PATH N. Where the file was turned over while it was read, the next look takes it up from there.
    at=$2
    while [ "$at" -lt "$3" ]; do
        some=$(($3 - at)); [ $some -gt 1048576 ] && some=1048576
        say begin "$1" "$at" "$5"; piece "$4" "$at" $some
        good=$print; print_of "$4" $((at + some))
        [ -n "$whole" ] || { say torn "$1"; print=$good; return 0; }
        at=$((at + some)); say end "$1" "$at" "$print" "$5"
    done
}
number_of() {
    while read -r n pattern; do
        case $1 in $pattern) return 0 ;; esac
    done <<END
$sources
END
    n=
}
list() { (IFS=$nl; stat_all $1); }
# The copy of a file that was emptied has what was written to it in between.
recover() {
    # KEY FROM N PRINT
    copies=$(list "$around")
    while read -r other size changed mode file; do
        case $mode in 8???) ;; *) continue ;; esac
        eval "other_at=\${at_$other:-}"
        [ -z "$other_at" ] && [ "$size" -ge "$2" ] || continue
        print_of "$file" "$2"; [ "$print" = "$4" ] || continue
        emit "$1" "$2" "$size" "$file" "$3"
        break
    done <<END
$copies
END
    say turned "$1" "$3"
}
look() {
    # KEY SIZE PATH, and a word where it is not in its place: then it is read only if it is known.
    eval "at=\${at_$1:-} n=\${n_$1:-} was=\${print_$1:-} wrote=\${wrote_$1:-} left=\${left_$1:-0}"
    if [ -z "$at" ]; then
        [ -z "${4:-}" ] || return 0
        number_of "$3"; [ -n "$n" ] || return 0
        at=0 was=0; eval "n_$1=\$n"
    fi
    print=$was same=yes
    # Emptied and as long as before: seen by the content, as long as the time of its last change may be that second's.
    [ "$changed" = "$wrote" ] || left=6
    [ $left -eq 0 ] || left=$((left - 1))
    eval "wrote_$1=\$changed left_$1=\$left"
    if [ "$2" -lt "$at" ]; then same=
    elif [ "$2" -gt "$at" ] || [ -z "$was" ] || [ $left -gt 0 ]; then
        print_of "$3" "$at"; [ "$print" = "${was:-$print}" ] || same=
    fi
    if [ -z "$same" ]; then
        [ "$(stat -L -c '%d_%i' -- "$3" 2>/dev/null)" = "$1" ] || return 0
        recover "$1" "$at" "$n" "$was"; at=0 print=0; eval "n=\$n_$1"
    fi
    if [ "$2" -gt "$at" ]; then emitted=yes; emit "$1" "$at" "$2" "$3" "$n"; fi
    eval "at_$1=\$at print_$1=\$print"
}
while read -r key from n print; do
    [ -z "$key" ] || eval "at_$key=\$from n_$key=\$n print_$key=\${print#-}"
done <<END
$known
END
before=- turned=1
while :; do
    listing=$(list "$patterns") keys=
    while read -r key size changed mode file; do keys="$keys $key"; done <<END
$listing
END
    # A file went from its place: what it is called now is looked for, as long as something is still written to it.
    [ "$keys" = "$before" ] || turned=60
    before=$keys
    if [ $turned -gt 0 ]; then
        moved=$(list "$around") turned=$((turned - 1)) emitted=
        while read -r key size changed mode file; do
            case $mode:$file in
                *.gz | *.xz | *.bz2 | *.zst | *.zip) ;;
                8???:*) [ -r "$file" ] && look "$key" "$size" "$file" moved ;;
            esac
        done <<END
$moved
END
        [ -z "$emitted" ] || turned=60
    fi
    while read -r key size changed mode file; do
        case $mode in 8???) [ -r "$file" ] && look "$key" "$size" "$file" ;; esac
    done <<END
$listing
END
    sleep 0.25
done
"""
)

# `units` are words; `lines` is how many of each, `since` and `cursor` where to begin.
_JOURNAL = (
    _SAY
    + r"""
command -v journalctl >/dev/null || { say nojournal; exit 0; }
told=$(journalctl -n 0 2>&1 >/dev/null)
case $told in *"not seeing messages"* | *"insufficient permissions"*) say limited "$(id -un)" ;; esac
set -- --no-pager -q -a -o json
fields=MESSAGE,_PID,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT
journalctl --output-fields="$fields" -n 0 -q >/dev/null 2>&1 && set -- "$@" --output-fields="$fields"
case $since in
    '') ;;
    -*) set -- "$@" --since="@$(($(date +%s) + since))" ;;
    *) set -- "$@" --since="@$since" ;;
esac
[ -z "$cursor" ] || set -- "$@" --after-cursor="$cursor"
"""
)
JOURNAL_READ = (
    _JOURNAL
    + r"""
[ -z "$lines" ] || set -- "$@" -n "$lines"
for unit in $units; do
    say begin "$unit" 0; journalctl "$@" -u "$unit" 2>/dev/null; code=$?; echo .; say end "$unit" $code
done
"""
)
# Nothing else is said after that, so that each line is an entry.
JOURNAL_FOLLOW = (
    _JOURNAL
    + r"""
for unit in $units; do set -- "$@" -u "$unit"; done
say begin; exec journalctl --no-tail -f "$@" 2>/dev/null
"""
)
