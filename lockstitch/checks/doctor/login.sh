# shellcheck shell=sh
# What the login user may: write in its home, use sudo, act as each of `users`; and which of `tools` are missing.

me=$(id -un) uid=$(id -u)
echo "user $me"
for tool in $tools; do command -v "$tool" >/dev/null 2>&1 || echo "missing $tool"; done
at=$(pwd); [ -w "$at" ] || echo "unwritable $at"
if [ "$uid" = 0 ]; then echo "sudo root"
elif ! command -v sudo >/dev/null 2>&1; then echo "sudo absent"
elif sudo -n true >/dev/null 2>&1; then echo "sudo all"
elif sudo -n -l >/dev/null 2>&1; then echo "sudo some"
else echo "sudo none"; fi
for user in $users; do
    if ! id "$user" >/dev/null 2>&1; then echo "as nouser $user"
    elif [ "$uid" = 0 ] || [ "$me" = "$user" ]; then echo "as may $user"
    elif sudo -n -H -u "$user" sh -c cd >/dev/null 2>&1; then echo "as may $user"
    elif sudo -n -u "$user" true >/dev/null 2>&1; then echo "as homeless $user"
    else echo "as maynot $user"; fi
done
exit 0
