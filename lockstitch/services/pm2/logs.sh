# shellcheck shell=sh
# Print the paths of its logs. The ecosystem file may have put them anywhere; a daemon that does not run is not started
# to say where. list.sh comes before it.

found=$(ls_instances logs 2>/dev/null)
if [ -n "$found" ]; then printf '%s\n' "$found" | sort -u
else printf '%s\n' "$PM2_HOME/logs/$name-out*.log" "$PM2_HOME/logs/$name-error*.log"; fi
