# shellcheck shell=sh
# What is at `ls_path`. Of a file also what changes with its content. Of a folder, as base64: kind, mode and size, path, and destination of a link for each entry; at
# the end the exit code of find.

if [ -f "$ls_path" ]; then echo "= file $(stat -L -c '%a %s %i,%.Y,%.Z' -- "$ls_path")"
elif [ -d "$ls_path" ]; then
    echo "= folder"
    { LC_ALL=C find "$ls_path/" -printf '%y %m %s\0%P\0%l\0' 2>/dev/null; printf 'end %s\0\0\0' "$?"; } | base64 -w 4000
elif [ -e "$ls_path" ]; then echo "= other"
else echo "= none"; fi
