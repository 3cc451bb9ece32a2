# shellcheck shell=sh
# Asks `url` from the host itself, with what it has: nothing is installed there. Prints the body, and the status on a
# line of its own; 000 is no answer. A proxy is for what lies beyond the host; and what ~/.curlrc, PYTHON* and
# NODE_OPTIONS say is for other programs.

no_proxy=${no_proxy:-${NO_PROXY:-}}
[ "$no_proxy" = "*" ] || no_proxy=${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1
export no_proxy
# `headers`, a line each, come by stdin: a command line can be read by all users of a host.
given() { [ -z "${headers:-}" ] || printf '%s\n' "$headers"; }
if command -v curl >/dev/null 2>&1; then
    set -- -sS --max-time "$timeout" -H 'Connection: close' -w '\n%{http_code}' "$url"
    # What it says on stderr is why there is no answer, and never part of one.
    { said=$({ if [ -z "${headers:-}" ]; then curl -q "$@"
        else given | sed 's/[\\"]/\\&/g; s/.*/header = "&"/' | curl -q -K - "$@"; fi; } 2>&1 >&3 3>&-) ||
        printf '\n\036%s' "$said"; } 3>&1
elif command -v python3 >/dev/null 2>&1; then
    given | python3 -I -c '
import sys, urllib.request, urllib.error
class Here(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
try:
    headers = dict(line.rstrip("\n").split(": ", 1) for line in sys.stdin)
    asked = urllib.request.Request(sys.argv[1], headers=headers)
    answer = urllib.request.build_opener(Here).open(asked, timeout=float(sys.argv[2]))
except urllib.error.HTTPError as error:
    answer = error
except Exception as error:
    print(error, "000", sep="\n", end=""); sys.exit()
print(answer.read().decode("utf-8", "replace"), answer.status, sep="\n", end="")' "$url" "$timeout"
elif command -v node >/dev/null 2>&1; then
    given | NODE_OPTIONS='' node -e '
const headers = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean).map((line) => {
    const at = line.indexOf(": "); return [line.slice(0, at), line.slice(at + 2)] })
fetch(process.argv[1], { redirect: "manual", headers, signal: AbortSignal.timeout(1000 * process.argv[2]) })
    .then(async (a) => process.stdout.write((await a.text()) + "\n" + a.status))
    .catch((e) => process.stdout.write(String(e.cause || e) + "\n000"))' "$url" "$timeout"
else
    printf '%s\n000' "this host has none of curl, python3 and node to ask with"
fi
