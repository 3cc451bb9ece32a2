# shellcheck shell=sh
# Compare the backup `name` with the lines of sha256sum `sums` and `manifest`: `none`, `other`, `older` (its manifest is
# another one, as before a proof) or `same`.

cd -- "$directory/$name" 2>/dev/null || { [ -e "$directory/$name" ] && echo other || echo none; exit 0; }
if ! printf '%s\n' "$sums" | sha256sum -c - >/dev/null 2>&1; then echo other
elif ! printf '%s\n' "$manifest" | sha256sum -c - >/dev/null 2>&1; then echo older
else echo same; fi
