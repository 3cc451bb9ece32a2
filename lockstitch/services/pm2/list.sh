# shellcheck shell=sh
# Functions that ask PM2's daemon for the process `name`.
#
# Asking a daemon that is not there would start it, with a banner; and a new one asks its maker for news: not here. The
# list holds the processes' environment, secrets included: only the named fields leave node. `ls_instances` ends with 1
# where what PM2 prints is no list: that is not an empty one.

export PM2_DISABLE_VERSION_CHECK=1 PM2_HOME="${PM2_HOME:-$HOME/.pm2}"
# Where its package is, from `bin/pm2` in it.
ls_package() { dirname "$(dirname "$(readlink -f "$(command -v pm2)")")"; }
ls_daemon() { kill -0 "$(cat "$PM2_HOME/pm2.pid" 2>/dev/null || echo x)" 2>/dev/null; }
# A line for each instance: ID PID STATUS RESTARTS MILLISECONDS MODE FOLDER; with `logs`, the paths of its logs; with `gone`,
# the ids of those that have the variable of that name; with `drift`, also what is not as it should be: lines `drift TEXT`.
# That compares with the environment of this script (`names`, and `gone`, which must not be there) and with the ecosystem
# file at `ls_file`, whose own variables count where `whole` says that this environment has the secrets.
ls_instances() {
    ls_daemon || return 0
    ls_node=${NODE_OPTIONS-}
    # shellcheck disable=SC2016,SC2097,SC2098  # these are of node
    ls_node="$ls_node" NODE_OPTIONS='' node -e '
const [at, name, ask, file, names, whole, gone] = process.argv.slice(1);
// The daemon itself is asked: `pm2 jlist` loads all of PM2 to do the same, with three times the CPU. Older versions have
// these two modules as packages. What cannot be asked so in five seconds is asked of the program.
function daemon(done) {
  const { DEBUG, PM2_HOME, PM2_DAEMON_RPC_PORT } = process.env;
  let client;
  delete process.env.DEBUG;
  try {
    const load = require("module").createRequire(at + "/index.js");
    const part = (name) => { try { return load("./modules/" + name) } catch { return load(name) } };
    const socket = part("pm2-axon").socket("req"), { Client } = part("pm2-axon-rpc");
    socket.connect(PM2_DAEMON_RPC_PORT || PM2_HOME + "/rpc.sock");
    client = new Client(socket);
  } catch { /* the program is asked */ }
  if (DEBUG !== undefined) process.env.DEBUG = DEBUG;
  if (!client) return done(program());
  client.call("getMonitorData", {}, (error, list) => done(Array.isArray(list) ? list : program()));
  setTimeout(() => done(program()), 5000);
}
function program() {
  const env = { ...process.env, NODE_OPTIONS: process.env.ls_node };
  const how = { env, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8", maxBuffer: Infinity };
  const said = require("child_process").spawnSync("pm2", ["jlist", "--silent"], how).stdout || "";
  return said.split("\n").map(read).find(Array.isArray);
}
const read = (line) => { try { return JSON.parse(line) } catch { return null } };
const text = (value) => typeof value == "object" ? JSON.stringify(value) : String(value);
function settings() {
  if (!/\.(c?js|json)$/.test(file)) return {};
  const write = process.stdout.write; process.stdout.write = () => true;
  try {
    const all = require(file), list = all.apps || all.pm2 || all;
    return [].concat(list).find((a) => a.name === name) || {};
  } catch { return {} } finally { process.stdout.write = write }
}
function drift(rows) {
  const app = settings(), want = {}, told = {};
  const ours = file && (!app.name || app.filter_env) ? [] : names.split(" ").filter(Boolean);
  for (const key of ours) want[key] = key == "NODE_OPTIONS" ? process.env.ls_node : process.env[key];
  for (const [key, value] of Object.entries(app.env || {})) if (whole) want[key] = text(value); else delete want[key];
  delete want[app.increment_var];
  const cpus = require("os").cpus().length, n = app.instances === "max" ? 0 : Number(app.instances === undefined ? 1 : app.instances);
  const count = n > 0 ? n : Math.max(1, cpus + n);
  if (app.name && count !== rows.length) console.log(`drift ${rows.length} instances of ${name} run, and ${app_file()} says ${count}`);
  const say = (id, what) => (told[what] = told[what] || []).push(id);
  for (const p of rows) {
    if (gone && p.pm2_env[gone] !== undefined) say(p.pm_id, `was started with other values of ${gone}`);
    const e = p.pm2_env, join = (args) => [].concat(args || []).join(" ");
    const others = Object.keys(want).filter((key) => want[key] !== undefined && (e[key] === undefined || text(e[key]) !== want[key]));
    if (others.length) say(p.pm_id, `was started with other values of ${others.sort().join(" ")}`);
    const mode = app.exec_mode && (/^cluster/.test(app.exec_mode) ? "cluster_mode" : "fork_mode");
    if (mode && mode !== e.exec_mode) say(p.pm_id, `runs in ${e.exec_mode}, and ${app_file()} says ${mode}`);
    if (app.args && join(app.args) !== join(e.args)) say(p.pm_id, `was started with other args than ${app_file()} has`);
  }
  for (const [what, ids] of Object.entries(told)) console.log(`drift instance ${ids.join(", ")} of ${name} ${what}`);
}
const app_file = () => require("path").basename(file);
daemon((list) => {
  if (!list) process.exit(1);
  const rows = list.filter((p) => p.name === name);
  for (const p of rows) {
    const e = p.pm2_env;
    if (ask == "gone") { if (e[gone] !== undefined) console.log(p.pm_id) }
    else if (ask == "logs") console.log([e.pm_out_log_path, e.pm_err_log_path].join("\n"));
    else console.log([p.pm_id, p.pid, e.status, e.restart_time, Date.now() - e.pm_uptime, e.exec_mode, e.pm_cwd].join(" "));
  }
  if (ask == "drift" && rows.length) drift(rows);
  process.exit(0);
})' "$(ls_package)" "$name" "${1:-}" "${ls_file:-}" "${names:-}" "${whole:-}" "${gone:-}" ||
        { echo "PM2 gave no list of its processes" >&2; return 1; }
}
# The exit code of pm2 is believed when its list says the same.
ls_ended() {
    ls_still=$(ls_instances) || return 1
    ! printf '%s\n' "$ls_still" | grep -q '^[0-9]* [0-9]* \(online\|launching\) ' && return 0
    echo "pm2 ended with 0, and $name is still online"; return 1
}
