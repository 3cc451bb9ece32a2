"""The shell texts of PM2. Facts in them were seen with PM2 7.0.4."""

from __future__ import annotations

# Asking a daemon that is not there would start it, with a banner; and a new one asks its maker for news: not here.
# The list holds the processes' environment, secrets included: only the named fields leave node. `ls_instances` ends with
# 1 where what PM2 prints is no list: that is not an empty one.
LIST = r"""
export PM2_DISABLE_VERSION_CHECK=1 PM2_HOME="${PM2_HOME:-$HOME/.pm2}"
ls_daemon() { kill -0 "$(cat "$PM2_HOME/pm2.pid" 2>/dev/null || echo x)" 2>/dev/null; }
ls_instances() {
    ls_daemon || return 0
    pm2 jlist --silent 2>/dev/null | NODE_OPTIONS= node -e '
let text = ""; process.stdin.on("data", (d) => text += d).on("end", () => {
  const read = (line) => { try { return JSON.parse(line) } catch { return null } };
  const list = text.split("\n").map(read).find(Array.isArray);
  if (!list) process.exit(1);
  for (const p of list) {
    const e = p.pm2_env; if (p.name !== process.argv[1]) continue;
    console.log([p.pm_id, p.pid, e.status, e.restart_time, Date.now() - e.pm_uptime, e.exec_mode, e.pm_cwd].join(" "));
  } })' "$name" || { echo "pm2 jlist printed no list of its processes" >&2; return 1; }
}
# The exit code of pm2 is believed when its list says the same.
ls_ended() {
    ls_still=$(ls_instances) || return 1
    ! printf '%s\n' "$ls_still" | grep -q '^[0-9]* [0-9]* \(online\|launching\) ' && return 0
    echo "pm2 ended with 0, and $name is still online"; return 1
}
"""

STATE = r"""
ls_place
# It comes up with the host where its daemon does and its list was saved with it in.
if [ "$(systemctl show --property=UnitFileState --value "pm2-$(id -un)" 2>/dev/null)" = enabled ] \
    && grep -q "\"name\": *\"$name\"" "$PM2_HOME/dump.pm2" 2>/dev/null; then echo "also enabled enabled"
else echo "also enabled disabled"; fi
if ! ls_daemon; then echo "down the PM2 daemon does not run"; exit 0; fi
found=$(ls_instances) || { echo "down PM2 does not tell which processes it has"; exit 0; }
[ -n "$found" ] || { echo "down PM2 has no process $name"; exit 0; }
echo "running in PM2"
[ -r "$state/restarts" ] && sed 's/^/also before /' "$state/restarts"
printf '%s\n' "$found" | while read -r id pid status restarts up mode folder; do
    echo "also instance $id $status $restarts $up"
    if [ "$pid" != 0 ]; then ls_process worker "$pid"; fi
done
printf '%s\n' "$found" | grep -qv '^[0-9]* [0-9]* online ' && echo "down not every instance is online"
exit 0
"""

# The ecosystem file may have put them anywhere; a daemon that does not run is not started to say where.
LOGS = r"""
export PM2_DISABLE_VERSION_CHECK=1 PM2_HOME="${PM2_HOME:-$HOME/.pm2}"
if kill -0 "$(cat "$PM2_HOME/pm2.pid" 2>/dev/null || echo x)" 2>/dev/null; then
    found=$(pm2 jlist --silent 2>/dev/null | NODE_OPTIONS= node -e '
let text = ""; process.stdin.on("data", (d) => text += d).on("end", () => {
  for (const p of JSON.parse(text.slice(text.indexOf("[")) || "[]")) if (p.name === process.argv[1])
    for (const key of ["pm_out_log_path", "pm_err_log_path"]) console.log(p.pm2_env[key] || ""); })' "$name" 2>/dev/null)
    printf '%s\n' "$found" | sort -u
fi
[ -n "$found" ] || printf '%s\n' "$PM2_HOME/logs/$name-out*.log" "$PM2_HOME/logs/$name-error*.log"
"""

STOP = r"""
ls_daemon || exit 0
found=$(ls_instances) || exit 1
[ -n "$found" ] || exit 0
pm2 delete "$name" --silent && ls_ended
"""

HALT = r"""
ls_daemon || exit 0
found=$(ls_instances) || exit 1
[ -n "$found" ] || exit 0
pm2 stop "$name" --silent && ls_ended
"""

# PM2 compares the id of the worker that is ready with the one it was told, a number with a text when the command line
# told it, and then waits for the whole listen_timeout of an app with wait_ready. Its module can be told a number.
_RELOAD_ONE = r"""
ls_reload_one() {
    ls_module=$(dirname "$(dirname "$(readlink -f "$(command -v pm2)")")")
    NODE_OPTIONS= PM2_PROGRAMMATIC=true node -e '
let pm2; try { pm2 = require(process.argv[1]) } catch { process.exit(66) }
pm2.connect((e) => e ? process.exit(66) : pm2.reload(Number(process.argv[2]), { updateEnv: false }, (e) => {
  if (e) console.log(e.message || e); process.exit(e ? 1 : 0); }))' "$ls_module" "$1"
    [ $? != 66 ] || pm2 reload "$1" --silent
}
"""

_BEGIN = r"""
mkdir -p "$PM2_HOME" && { [ -e "$PM2_HOME/touch" ] || : >"$PM2_HOME/touch"; }
# The daemon stays for good where it was started: in a release's folder it would keep that from being removed.
ls_daemon || (cd && pm2 ping --silent >/dev/null)
state=$(cd "$state" && pwd -P)
at=$(cd "$(dirname "$current")" && pwd -P)/$(basename "$current")
cd "$at" || exit 1
found=$(ls_instances) || exit 1
printf '%s\n' "$found" | awk 'NF { print $1, $4 }' >"$state/restarts"
if [ -z "$found" ]; then
    if [ -n "$ecosystem" ]; then pm2 start "$at/$ecosystem" --only "$name"
    elif [ -n "$line" ]; then eval "$line"
    else echo "PM2 has no process $name, and the inventory has neither ecosystem: nor start: for it"; exit 1; fi
    code=$?
"""
# A process that was stopped keeps its place in the list, with the folder it was first started in.
ANEW = (
    _BEGIN
    + r"""
elif [ -n "$ecosystem" ]; then pm2 startOrRestart "$at/$ecosystem" --only "$name" --update-env; code=$?
else pm2 restart "$name" --update-env; code=$?
fi
[ $code -eq 0 ] || echo "pm2 ended with exit code $code"
exit $code
"""
)

RELOAD = (
    _RELOAD_ONE
    + _BEGIN
    + r"""
else
    # A process that was started in a release's own folder can still go back to that one.
    folder=$(printf '%s\n' "$found" | head -n 1 | cut -d ' ' -f 7-)
    if [ "$kind" = releases ] && [ "$folder" != "$at" ] && [ "$folder" != "$(pwd -P)" ]; then
        echo "PM2 started $name in $folder and will keep to it: set cwd: '$at' in the ecosystem file, then once by hand"
        echo "    pm2 delete $name && pm2 start $at/${ecosystem:-FILE} && pm2 save"
        exit 1
    fi
    first=$(printf '%s\n' "$found" | awk '$3 == "online" && $6 == "cluster_mode" { print $1; exit }')
    if [ "$(printf '%s\n' "$found" | wc -l)" -gt 1 ] && [ -n "$first" ]; then
        was=$(printf '%s\n' "$found" | awk -v id="$first" '$1 == id { print $4 }')
        ls_reload_one "$first"
        end=$(($(date +%s) + 30 + steady / 1000)) now=
        # On a slow host PM2 does not count a crash as one, and would start it again for ever.
        test='$1 == id { print ($3 == "errored" || $4 > was + 3) ? "lost" : ($3 == "online" && $5 >= up) ? "up" : "" }'
        until [ "$now" = up ]; do
            if [ "$now" = lost ] || [ "$(date +%s)" -gt $end ]; then
                pm2 stop "$first" --silent
                echo "the first instance with the new code does not stay up; the others still run the old"
                tail -n 20 "$PM2_HOME/logs/$name"-error*.log 2>/dev/null; exit 1
            fi
            sleep 0.1
            now=$(ls_instances | awk -v id="$first" -v was="${was:-0}" -v up="$steady" "$test")
        done
    fi
    if [ -n "$ecosystem" ]; then pm2 startOrReload "$at/$ecosystem" --only "$name" --update-env
    else pm2 reload "$name" --update-env; fi
    code=$?
fi
[ $code -eq 0 ] || echo "pm2 ended with exit code $code"
exit $code
"""
)
