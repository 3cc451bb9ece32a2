# shellcheck shell=sh
# What an app's own build changes in a checkout, such as a lock file. `changes` prints a digest of what differs in tracked
# files; `as_built` tells whether that is what the last run left there (`$state/built`). settings.sh comes before it.

changes() {
    git -C "$path" diff --no-ext-diff --no-textconv --no-color --full-index HEAD -- 2>/dev/null | git hash-object --stdin
}
as_built() { [ -r "$state/built" ] && [ "$(cat "$state/built")" = "$(changes)" ]; }
