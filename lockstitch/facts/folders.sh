# shellcheck shell=sh
# The `top` largest folders in a folder, after the folder itself, in KiB, on the same file system.

[ -e "$path" ] || { echo "$path is not there"; exit 1; }
{
    timeout 300 du -xk --max-depth=1 -- "$path" 2>/dev/null
    [ $? -ne 124 ] || echo late
} | sort -rn | awk -v most="$((top + 1))" '
    $0 == "late" { late = 1; next }
    NR <= most
    END { if (late) { print "it takes longer than five minutes to look through all of that"; exit 1 } }'
