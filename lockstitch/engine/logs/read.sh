# shellcheck shell=sh
# Parts of files: `ranges` are lines `KEY FROM TO PATH`.

key_of() { stat -L -c '%d_%i' -- "$1" 2>/dev/null; }
printf '%s\n' "$ranges" | while read -r key from to file; do
    [ -n "$key" ] || continue
    for here in "$file".1 "$file"; do [ "$(key_of "$here")" = "$key" ] && break; done
    say begin "$key" "$from"; piece "$here" "$from" $((to - from)); say end "$key" "$to"
done
