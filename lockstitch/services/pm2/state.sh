# shellcheck shell=sh
# Print what PM2 runs, for `parse_state`. observe.sh and list.sh come before it.

ls_place
# It comes up with the host where its daemon does and its list was saved with it in.
if [ "$(systemctl show --property=UnitFileState --value "pm2-$(id -un)" 2>/dev/null)" = enabled ] \
    && grep -q "\"name\": *\"$name\"" "$PM2_HOME/dump.pm2" 2>/dev/null; then echo "also enabled enabled"
else echo "also enabled disabled"; fi
# shellcheck disable=SC2034  # ls_instances reads it
ls_file=${ecosystem:+$(cd "$(dirname "$current")" 2>/dev/null && pwd -P)/$(basename "$current")/$ecosystem}
if ! ls_daemon; then echo "down the PM2 daemon does not run"; exit 0; fi
said=$(ls_instances drift) || { echo "down PM2 does not tell which processes it has"; exit 0; }
found=$(printf '%s\n' "$said" | grep -v '^drift ')
[ -n "$found" ] || { echo "down PM2 has no process $name"; exit 0; }
echo "running in PM2"
[ -r "$state/restarts" ] && sed 's/^/also before /' "$state/restarts"
printf '%s\n' "$said" | sed -n 's/^drift /also &/p'
printf '%s\n' "$found" | while read -r id pid status restarts up _; do
    echo "also instance $id $status $restarts $up"
    if [ "$pid" != 0 ]; then ls_process worker "$pid"; fi
done
printf '%s\n' "$found" | grep -qv '^[0-9]* [0-9]* online ' && echo "down not every instance is online"
exit 0
