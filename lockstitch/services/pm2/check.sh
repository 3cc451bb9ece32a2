# shellcheck shell=sh
# Whether the ecosystem file of the release has the process `name`: PM2 itself ends with 0 where it starts none. What
# node cannot read is left to PM2, which then says why.

cd "$release" || exit 1
[ -f "$ecosystem" ] || { echo "the release has no $ecosystem, which the inventory names as its ecosystem file"; exit 1; }
case $ecosystem in *.js | *.cjs | *.json) ;; *) exit 0 ;; esac
# shellcheck disable=SC2016  # these are of node
NODE_OPTIONS='' node -e '
const path = require("path"), [file, name] = process.argv.slice(1), write = process.stdout.write;
process.stdout.write = () => true;
let list;
try { const all = require(path.resolve(file)); list = [].concat(all.apps || all.pm2 || all) } catch { process.exit(0) }
process.stdout.write = write;
const names = list.map((app) => String(app.name || path.parse(String(app.script)).name));
if (names.includes(name)) process.exit(0);
console.log(`${file} has no process ${name}, which the inventory names; it has: ${names.join(", ") || "none"}`);
process.exit(1);' "$ecosystem" "$name"
