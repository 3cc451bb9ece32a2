# shellcheck shell=sh
# Functions that ask PM2's daemon for the process `name`.
#
# Asking a daemon that is not there would start it, with a banner; and a new one asks its maker for news: not here. The
# list holds the processes' environment, secrets included: only the named fields leave node. `ls_instances` ends with 1
# where what PM2 prints is no list: that is not an empty one.

export PM2_DISABLE_VERSION_CHECK=1 PM2_HOME="${PM2_HOME:-$HOME/.pm2}"
ls_daemon() { kill -0 "$(cat "$PM2_HOME/pm2.pid" 2>/dev/null || echo x)" 2>/dev/null; }
# A line for each instance: ID PID STATUS RESTARTS MILLISECONDS MODE FOLDER; with an argument, the paths of its logs.
ls_instances() {
    ls_daemon || return 0
    pm2 jlist --silent 2>/dev/null | NODE_OPTIONS='' node -e '
let text = ""; process.stdin.on("data", (d) => text += d).on("end", () => {
  const read = (line) => { try { return JSON.parse(line) } catch { return null } };
  const list = text.split("\n").map(read).find(Array.isArray);
  if (!list) process.exit(1);
  for (const p of list) {
    const e = p.pm2_env; if (p.name !== process.argv[1]) continue;
    if (process.argv[2]) console.log([e.pm_out_log_path, e.pm_err_log_path].join("\n"));
    else console.log([p.pm_id, p.pid, e.status, e.restart_time, Date.now() - e.pm_uptime, e.exec_mode, e.pm_cwd].join(" "));
  } })' "$name" "${1:-}" || { echo "pm2 jlist printed no list of its processes" >&2; return 1; }
}
# The exit code of pm2 is believed when its list says the same.
ls_ended() {
    ls_still=$(ls_instances) || return 1
    ! printf '%s\n' "$ls_still" | grep -q '^[0-9]* [0-9]* \(online\|launching\) ' && return 0
    echo "pm2 ended with 0, and $name is still online"; return 1
}
