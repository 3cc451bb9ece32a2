"""What runs on the host that a backup is pushed to, as constant shell texts."""

from __future__ import annotations

# For `directory`, `name`, `sums` and `manifest`, the lines of sha256sum: `none`, `other`, `older` (its manifest is
# another one, as before a proof) or `same`.
LOOK = r"""
cd -- "$directory/$name" 2>/dev/null || { [ -e "$directory/$name" ] && echo other || echo none; exit 0; }
if ! printf '%s\n' "$sums" | sha256sum -c - >/dev/null 2>&1; then echo other
elif ! printf '%s\n' "$manifest" | sha256sum -c - >/dev/null 2>&1; then echo older
else echo same; fi
"""

# `needed` in KiB; `folders` are those of the files, a line each.
PREPARE = r"""
set -eu
umask 077
mkdir -p -- "$directory"; cd -- "$directory"
rm -rf -- ".$name.part"
free=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$needed" ] || { echo "$directory has room for $free KiB, and the backup needs $needed"; exit 1; }
mkdir -- ".$name.part"; cd -- ".$name.part"
printf '%s\n' "$folders" | while read -r folder; do [ -z "$folder" ] || mkdir -p -- "$folder"; done
"""

# It is on the disk before it has its name: a backup of that name is whole, whenever the power goes.
FINISH = r"""
set -eu
cd -- "$directory/.$name.part"
said=$(printf '%s\n' "$sums" "$manifest" | sha256sum -c - 2>&1) || {
    printf '%s\n' "$said" | grep -v ': OK$' | head -n 5; echo "what arrived is not what was sent"; exit 1
}
find . -type f -exec sync {} + ; sync .
cd ..
mv -T -- ".$name.part" "$name"; sync .
"""

# The new manifest lies beside the old one.
RENEW = r"""
set -eu
cd -- "$directory/$name"
said=$(cd .new && printf '%s\n' "$manifest" | sha256sum -c - 2>&1) || { echo "$said"; exit 1; }
sync .new/manifest.json; mv -T -- .new/manifest.json manifest.json; rmdir .new; sync .
"""

BESIDE = r"""
set -eu
umask 077
cd -- "$directory/$name"; rm -rf .new; mkdir .new
"""

CLEAN = r"""
cd -- "$directory" 2>/dev/null && rm -rf -- ".$name.part"
exit 0
"""

# An encrypted copy, `file`, with `note` beside it; `sums` is the line of sha256sum for the first.
SAME = r"""
cd -- "$directory" 2>/dev/null && printf '%s\n' "$sums" | sha256sum -c - >/dev/null 2>&1 && echo same || echo other
"""

ROOM = r"""
set -eu
umask 077
mkdir -p -- "$directory"; cd -- "$directory"
rm -f -- ".$file.part" ".$note.part"
free=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$needed" ] || { echo "$directory has room for $free KiB, and the copy needs $needed"; exit 1; }
"""

NAME = r"""
set -eu
cd -- "$directory"
found=$(sha256sum <".$file.part")
[ "${found%% *}" = "${sums%% *}" ] || { echo "what arrived is not what was sent"; exit 1; }
sync ".$file.part" ".$note.part"
mv -T -- ".$file.part" "$file"; mv -T -- ".$note.part" "$note"; sync .
"""

AWAY = r"""
cd -- "$directory" 2>/dev/null && rm -f -- ".$file.part" ".$note.part"
exit 0
"""
