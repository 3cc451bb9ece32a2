# shellcheck shell=sh

commits() { git log --no-show-signature --max-count=200 --format="$1 %H%x1f%an%x1f%s" "$2..$3" -- 2>/dev/null; }
# `loses FROM TO` sets `gone` to the lines of the commits that TO lacks, or to `between` where git cannot tell them. It
# fails where none goes.
loses() {
    gone=
    [ -n "$1" ] && [ "$1" != "$2" ] || return 1
    gone=$(commits gone "$2" "$1") || gone=between
    [ -n "$gone" ]
}
# After `loses` with the same words.
show_log() {
    [ -n "$1" ] && [ "$1" != "$2" ] || return 0
    [ "$gone" != between ] && commits commit "$1" "$2" || { echo between; return; }
    [ -z "$gone" ] || printf '%s\n' "$gone"
}
# Who wrote what comes in, also as a co-author: the names are those of the commits, whatever a .mailmap among them says.
show_authors() {
    [ -n "$1" ] || { echo 'noauthors nothing is deployed yet'; return; }
    ls_most=5000
    ls_log=$(git log --no-show-signature --format='%x1e%nauthor: %an <%ae>%n%B' "--max-count=$((ls_most + 1))" "$1..$2" \
        -- 2>/dev/null) || { echo "noauthors git cannot tell what lies between"; return; }
    printf '%s\n' "$ls_log" | LC_ALL=C awk -v most="$ls_most" '
        $0 == "\036" && ++commits > most { print "noauthors more than " most " commits come in" }
        tolower($0) ~ /^[ \t]*(author|co-authored-by)[ \t]*:/ { sub(/^[^:]*:[ \t]*/, ""); print "author " $0 }
    ' | LC_ALL=C sort -u
    echo authors
}
# Something goes; `published` says whether a branch or tag of the server has it all the same.
goes() { [ -n "$1" ] && [ "$1" != "$2" ] && ! git merge-base --is-ancestor "$1" "$2" 2>/dev/null; }
published() { [ -n "$(git for-each-ref --count=1 --contains "$@" 2>/dev/null)" ]; }
# One that is told neither as a branch nor as a tag, as the head of a merged pull request is.
named() { git ls-remote "$repository" | grep -q "^$1[[:space:]]"; }
