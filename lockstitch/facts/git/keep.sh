# shellcheck shell=sh
# A live revision that is not part of the next is the only name of its commits, once its branch is gone.

here cat-file -e "$before^{commit}" 2>/dev/null || exit 0
here update-ref "refs/lockstitch/kept/$before" "$before"
