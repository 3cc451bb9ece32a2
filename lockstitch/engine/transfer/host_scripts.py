"""What a host is asked and told about files, as constant shell text.

Lists of paths travel as one value that holds quoted words, so that any name arrives as it is. What answers us begins
with `= `; everything else is what a program complained of. Names that a host tells come as base64.
"""

from __future__ import annotations

# Where it goes: into the folder that is there, or itself in its place; and what stands there now.
WHERE = r"""
ls_at=$ls_target ls_how=itself
if [ -d "$ls_at" ] && [ -n "$ls_name" ]; then ls_at=${ls_at%/}/$ls_name ls_how=inside; fi
if [ -d "$ls_at" ]; then echo "= $ls_how folder"
elif [ -L "$ls_at" ]; then echo "= $ls_how link $(readlink -f -n -- "$ls_at" | base64 -w 0)"
elif [ -f "$ls_at" ]; then echo "= $ls_how file"
elif [ -e "$ls_at" ]; then echo "= $ls_how other"
else echo "= $ls_how none"; fi
"""

FOLDERS = r"""
eval "set -- $ls_list"
for ls_one do
    ls_open=no
    if [ -w "$ls_one" ] && [ -x "$ls_one" ]; then ls_open=yes; fi
    if [ -d "$ls_one" ] && [ ! -L "$ls_one" ]; then echo "= folder $ls_open"
    elif [ -d "$ls_one" ]; then echo "= link $ls_open"
    elif [ -e "$ls_one" ] || [ -L "$ls_one" ]; then echo "= other no"
    else echo "= none no"; fi
done
"""

FREE = r"""
df -k --output=avail -- "$ls_folder" | awk 'NR == 2 { print "= " $1 }'
"""

# `ls_sha SIZE`: the checksum of stdin. Of much, which has eight digits, openssl makes it in a fraction of the time.
SHA = r"""
ls_sha() {
    if [ ${#1} -ge 8 ] && openssl dgst -sha256 -r </dev/null >/dev/null 2>&1; then openssl dgst -sha256 -r
    else sha256sum; fi
}
"""

# Of each path and size: what is there; its checksum only where the size is the same.
FILES = (
    SHA
    + r"""
eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ -L "$1" ]; then echo "= link"
    elif [ -f "$1" ]; then
        ls_stat=$(stat -c '%a %s' -- "$1") || ls_stat="0 -1"
        ls_sum=
        if [ "${ls_stat#* }" = "$2" ]; then ls_sum=$(ls_sha "$2" <"$1"); fi
        echo "= file $ls_stat ${ls_sum%% *}"
    elif [ -d "$1" ]; then echo "= folder"
    elif [ -e "$1" ]; then echo "= other"
    else echo "= none"; fi
    shift 2
done
"""
)

# Of each part: how much of it there is, and the checksum of that.
PARTS = (
    SHA
    + r"""
eval "set -- $ls_list"
for ls_one do
    if [ -f "$ls_one" ] && [ ! -L "$ls_one" ] && [ -O "$ls_one" ]; then
        ls_size=$(stat -c %s -- "$ls_one")
        ls_sum=$(ls_sha "$ls_size" <"$ls_one")
        echo "= $ls_size ${ls_sum%% *}"
    else echo "= 0"; fi
done
"""
)

DROP = r"""
eval "set -- $ls_list"
rm -f -- "$@"
"""

MAKE = r"""
eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    mkdir -m "$2" -- "$1" || [ -d "$1" ] || exit 1
    shift 2
done
"""

# Of each part, target, checksum and mode: put in place what has arrived whole. Where all parts of a batch have, which
# `ls_parts` and `ls_sums` tell at once, only their moves take a process each. `ls_size` is that of a file alone.
INSTALL = (
    SHA
    + r"""
eval "set -- $ls_parts"
ls_whole=no
if [ ${#ls_size} -lt 8 ] && ls_found=$(sha256sum -- "$@" 2>/dev/null) \
    && [ "$(printf '%s\n' "$ls_found" | LC_ALL=C sed 's/^\\//; s/ .*//')" = "$ls_sums" ] \
    && sync -- "$@" && { [ -z "$ls_mode" ] || chmod "$ls_mode" -- "$@"; }; then ls_whole=yes; fi
eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    ls_sum="$3 -"
    [ $ls_whole = yes ] || ls_sum=$(ls_sha "$ls_size" <"$1") || ls_sum=
    if [ ! -f "$1" ]; then echo "= gone"
    elif [ "${ls_sum%% *}" != "$3" ]; then rm -f -- "$1"; echo "= differs"
    elif { [ $ls_whole = yes ] || sync -- "$1"; } \
        && { [ $ls_whole = yes ] && [ -n "$ls_mode" ] || chmod "$4" -- "$1"; } \
        && mv -fT -- "$1" "$2"; then echo "= ok"
    else rm -f -- "$1"; echo "= refused"; fi
    shift 4
done
"""
)

# The same as another user, who may not read the part and gets it on stdin. `$1` … `$4`: target, checksum, mode, and
# the temporary name beside the target.
AS_USER = r"""
cd || exit 1
umask 077
trap 'rm -f -- "$4"' EXIT
trap 'exit 143' HUP INT TERM
rm -f -- "$4" && set -C && cat >"$4" || exit 3
ls_sum=$(sha256sum <"$4") && [ "${ls_sum%% *}" = "$2" ] || exit 4
sync -- "$4" && chmod "$3" -- "$4" && mv -fT -- "$4" "$1" || exit 3
"""

# Of each part, target, checksum, mode and temporary name.
INSTALL_AS = r"""
eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ ! -f "$1" ]; then echo "= gone"
    else
        sudo -n -H -u "$ls_user" sh -c "$ls_as" sh "$2" "$3" "$4" "$5" <"$1"
        case $? in 0) echo "= ok" ;; 4) echo "= differs" ;; *) echo "= refused" ;; esac
        rm -f -- "$1"
    fi
    shift 5
done
"""

# Of each link, what it leads to, and a temporary name beside it.
LINKS = r"""
eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ -L "$1" ] && [ "$(readlink -n -- "$1"; echo .)" = "$2." ]; then echo "= same"
    elif [ -d "$1" ] && [ ! -L "$1" ]; then echo "= folder"
    elif rm -f -- "$3" && ln -s -- "$2" "$3" && mv -fT -- "$3" "$1"; then echo "= ok"
    else rm -f -- "$3"; echo "= refused"; fi
    shift 3
done
"""

MODES = r"""
eval "set -- $ls_list"
while [ $# -gt 0 ]; do
    if [ -O "$1" ] && [ "$(stat -c %a -- "$1")" != "$2" ]; then chmod "$2" -- "$1" || exit 1; fi
    shift 2
done
"""

STAGE = r"""
umask 077
mkdir -p -- "$ls_stage" && chmod 700 -- "$ls_stage" || exit 1
find "$ls_stage" -type f -name '.lockstitch-*' -mtime +1 -exec rm -f -- {} + 2>/dev/null || :
"""

# What is to be fetched. Of a folder: kind, mode, size; path; what a link leads to; and at the end how `find` ended.
LIST = r"""
if [ -f "$ls_path" ]; then echo "= file $(stat -L -c '%a %s' -- "$ls_path")"
elif [ -d "$ls_path" ]; then
    echo "= folder"
    { LC_ALL=C find "$ls_path/" -printf '%y %m %s\0%P\0%l\0' 2>/dev/null; printf 'end %s\0\0\0' "$?"; } | base64 -w 4000
elif [ -e "$ls_path" ]; then echo "= other"
else echo "= none"; fi
"""

WHY = r"""
find "$ls_path/" 2>&1 >/dev/null | head -n 3
exit 1
"""

SUMS = r"""
find "$ls_path/" -type f -exec sha256sum -z -- {} + 2>/dev/null | base64 -w 4000
"""

# The checksum of the first bytes of a file; and how many there are now, and the checksum of all of them.
BEGINNING = (
    SHA
    + r"""
[ -r "$ls_path" ] || { echo "$ls_path cannot be read: permission denied"; exit 1; }
ls_sum=$(head -c "$ls_size" -- "$ls_path" | ls_sha "$ls_size") && echo "= ${ls_sum%% *}"
"""
)
NOW = (
    SHA
    + r"""
ls_size=$(stat -L -c %s -- "$ls_path") && ls_sum=$(head -c "$ls_size" -- "$ls_path" | ls_sha "$ls_size") || exit 1
echo "= $ls_size ${ls_sum%% *}"
"""
)

# A file that only another user may read, copied to where the login user may.
COPY = r"""
umask 077
rm -f -- "$ls_copy"
sudo -n -H -u "$ls_user" sh -c 'cd && head -c "$2" -- "$1"' sh "$ls_path" "$ls_size" >"$ls_copy" || {
    rm -f -- "$ls_copy"; exit 1
}
"""
