# shellcheck shell=sh
# Where a copy goes: into the folder that is there, or itself in its place; and what is at that path now.

ls_at=$ls_target ls_how=itself
if [ -d "$ls_at" ] && [ -n "$ls_name" ]; then ls_at=${ls_at%/}/$ls_name ls_how=inside; fi
if [ -d "$ls_at" ]; then echo "= $ls_how folder"
elif [ -L "$ls_at" ]; then echo "= $ls_how link $(readlink -f -n -- "$ls_at" | base64 -w 0)"
elif [ -f "$ls_at" ]; then echo "= $ls_how file"
elif [ -e "$ls_at" ]; then echo "= $ls_how other"
else echo "= $ls_how none"; fi
