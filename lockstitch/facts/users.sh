# shellcheck shell=sh
# Every user with a login shell, and root. The number of keys is `?` where the file cannot be read: most belong to
# others.

terminals=$(who 2>/dev/null)
set -f
getent passwd | while IFS=: read -r name _ uid _ _ home shell; do
    case "$uid:$shell" in 0:*) ;; *:*/nologin | *:*/false | *:*/sync | *:*/halt | *:*/shutdown) continue ;; esac
    keys=$home/.ssh/authorized_keys
    if [ -r "$keys" ]; then count=$(grep -c '^[^#[:space:]]' "$keys")
    elif [ -x "$home" ] && [ ! -e "$home/.ssh" ]; then count=0
    else count='?'; fi
    IFS='
'
    sessions=0; for line in $terminals; do case $line in "$name "*) sessions=$((sessions + 1)) ;; esac; done
    printf 'account\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$uid" "$shell" "$home" "$count" "$sessions" \
        "$(id -nG "$name" 2>/dev/null)"
done
