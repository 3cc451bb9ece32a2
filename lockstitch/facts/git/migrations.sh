# shellcheck shell=sh
# A list of words, split on purpose.
# shellcheck disable=SC2086
# The migrations that `to` has and `from` has not: files that were added, each one a line.

show_migrations() {
    [ -n "$globs" ] && [ -n "$1" ] && [ "$1" != "$2" ] || return 0
    (set -f; IFS='
'; git diff --name-only --diff-filter=A --no-renames "$1" "$2" -- $globs 2>/dev/null | sed 's/^/migration /')
}
