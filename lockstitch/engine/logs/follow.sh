# shellcheck shell=sh
# What is written from now on. `patterns` and `around` (where a rotation may put them) are lines; `known` are lines `KEY
# FROM N PRINT`, of files that were there before. A file that is not known is read from its beginning. PRINT tells
# whether what was read is still what stands before FROM: a file that was emptied may already be longer than it was.
#
# shellcheck disable=SC2034,SC2086,SC2254

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
    eval "at=\${at_$1:-} n=\${n_$1:-} was=\${print_$1:-} wrote=\${wrote_$1:-} checks=\${checks_$1:-0}"
    if [ -z "$at" ]; then
        [ -z "${4:-}" ] || return 0
        number_of "$3"; [ -n "$n" ] || return 0
        at=0 was=0; eval "n_$1=\$n"
    fi
    print=$was same=yes
    # Emptied and as long as before: seen by the content, as long as the time of its last change may be that second's.
    [ "$changed" = "$wrote" ] || checks=6
    [ $checks -eq 0 ] || checks=$((checks - 1))
    eval "wrote_$1=\$changed checks_$1=\$checks"
    if [ "$2" -lt "$at" ]; then same=
    elif [ "$2" -gt "$at" ] || [ -z "$was" ] || [ $checks -gt 0 ]; then
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
