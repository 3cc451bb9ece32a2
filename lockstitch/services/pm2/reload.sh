# shellcheck shell=sh
# Start the process `name`, reload it, or restart it where `anew` is not empty. observe.sh and list.sh come before it; the
# values are `ecosystem`, `line`, `kind` of the layout, the milliseconds `steady`, the `names` of variables, and in
# `gone` the name of one that no process may have.

# An action of PM2 with an ecosystem file leaves other variables as they were when the process was first started. So it gets
# a file of ours, which adds those of the app to the file of the app; what that says itself stays. No value is in it.
ls_pm2() {
    ls_verb=$1 ls_given=$at/$ecosystem
    case $names:$ecosystem in ?*:*.js | ?*:*.cjs | ?*:*.json)
        ls_given=$state/pm2.config.js
        cat >"$ls_given" <<'OURS'
const path = require("path"), { ls_ecosystem: file, ls_names: names } = process.env;
delete process.env.ls_ecosystem; delete process.env.ls_names;
const all = require(file), apps = [].concat(all.apps || all.pm2 || all);
for (const app of apps) {
  const given = {};
  for (const name of names.split(" ")) given[name] = process.env[name];
  app.cwd = app.cwd || path.dirname(file);
  if (!app.filter_env) app.env = Object.assign(given, app.env);
}
module.exports = { apps };
OURS
    esac
    shift
    ls_ecosystem=$at/$ecosystem ls_names=$names pm2 "$ls_verb" "$ls_given" --only "$name" "$@"
}
# shellcheck disable=SC2034  # ls_instances reads it
ls_drift() { [ -z "$ecosystem" ] || (ls_file=$at/$ecosystem names='' && ls_instances drift) | grep '^drift '; }
# PM2 neither starts nor ends instances when it reloads or restarts.
ls_count() {
    ls_wanted=$(ls_drift | sed -n 's/^drift [0-9]* instances of .* says \([0-9]*\)$/\1/p')
    [ -z "$ls_wanted" ] || pm2 scale "$name" "$ls_wanted" --silent ||
        echo "pm2 scale $name $ls_wanted failed: in fork mode only a restart changes that"
}

# PM2 compares the id of the worker that is ready with the one it was told, a number with a text when the command line
# told it, and then waits for the whole listen_timeout of an app with wait_ready. Its module can be told a number.
ls_reload_one() {
    NODE_OPTIONS='' PM2_PROGRAMMATIC=true node -e '
let pm2; try { pm2 = require(process.argv[1]) } catch { process.exit(66) }
pm2.connect((e) => e ? process.exit(66) : pm2.reload(Number(process.argv[2]), { updateEnv: false }, (e) => {
  if (e) console.log(e.message || e); process.exit(e ? 1 : 0); }))' "$(ls_package)" "$1"
    [ $? != 66 ] || pm2 reload "$1" --silent
}
ls_start() {
    if [ -n "$ecosystem" ]; then ls_pm2 start
    elif [ -n "$line" ]; then eval "$line"
    else echo "PM2 has no process $name, and the inventory has neither ecosystem: nor start: for it"; exit 1; fi
}
# A process that was stopped keeps its place in the list, with the folder it was first started in.
ls_restart() {
    if [ -n "$ecosystem" ]; then
        # Neither its mode nor, in fork mode, the number of instances is changed by a restart.
        case $(ls_drift):$found in *' runs in '* | *' instances of '*:*' fork_mode '*)
            pm2 delete "$name" --silent && ls_start; return ;;
        esac
        ls_pm2 startOrRestart --update-env && ls_count
    else pm2 restart "$name" --update-env; fi
}
# One instance takes the new code first, and the rest only if it stays up.
ls_reload() {
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
        # Long, since the others serve meanwhile, and on a host without a free CPU each question takes seconds.
        end=$(($(date +%s) + 120 + steady / 1000)) now=
        # On a slow host PM2 does not count a crash as one, and would start it again for ever.
        # shellcheck disable=SC2016  # these are of awk
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
    if [ -n "$ecosystem" ]; then ls_pm2 startOrReload --update-env && ls_count
    else pm2 reload "$name" --update-env; fi
}

mkdir -p "$PM2_HOME" && { [ -e "$PM2_HOME/touch" ] || : >"$PM2_HOME/touch"; }
# The daemon stays for good where it was started: in a release's folder it would keep that from being removed.
ls_daemon || (cd && pm2 ping --silent >/dev/null)
state=$(cd "$state" && pwd -P) || exit 1
at=$(cd "$(dirname "$current")" && pwd -P)/$(basename "$current")
cd "$at" || exit 1
found=$(ls_instances) || exit 1
printf '%s\n' "$found" | awk 'NF { print $1, $4 }' >"$state/restarts"
if [ -z "$found" ]; then ls_start
# PM2 takes no variable out of the environment of a process: only a new process lacks it.
elif [ -n "${gone:-}" ] && [ -n "$ecosystem$line" ] && ls_instances gone | grep -q .; then
    pm2 delete "$name" --silent && ls_start
elif [ -n "$anew" ]; then ls_restart
else ls_reload; fi
code=$?
[ $code -eq 0 ] || echo "pm2 ended with exit code $code"
exit $code
