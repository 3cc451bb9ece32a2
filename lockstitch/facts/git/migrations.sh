# shellcheck shell=sh
# A list of words, split on purpose.
# shellcheck disable=SC2086
# The migrations that `to` has and `from` has not: files that were added, each one a line.

show_migrations() {
    [ -n "$globs" ] && [ -n "$1" ] && [ "$1" != "$2" ] || return 0
    (set -f; IFS='
'; git diff --name-only --diff-filter=A --no-renames "$1" "$2" -- $globs 2>/dev/null | sed 's/^/migration /')
}

# All migrations that a revision has, each a line `has`, after a line `listed`; nothing where git cannot tell.
show_migration_files() {
    [ -n "$globs" ] && empty=$(git hash-object -t tree --stdin </dev/null) || return 0
    all=$(set -f; IFS='
'; git diff --name-only --diff-filter=A --no-renames "$empty" "$1" -- $globs 2>/dev/null) || return 0
    echo listed
    [ -z "$all" ] || printf '%s\n' "$all" | sed 's/^/has /'
}
