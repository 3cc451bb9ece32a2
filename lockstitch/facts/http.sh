# shellcheck shell=sh
# Asks `url` from the host itself, with what it has: nothing is installed there. Prints the body, and the status on a
# line of its own; 000 is no answer. A proxy is for what lies beyond the host; and what ~/.curlrc, PYTHON* and
# NODE_OPTIONS say is for other programs.

no_proxy=${no_proxy:-${NO_PROXY:-}}
[ "$no_proxy" = "*" ] || no_proxy=${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1
export no_proxy
if command -v curl >/dev/null 2>&1; then
    # What it says on stderr is why there is no answer, and never part of one.
    { said=$(curl -q -sS --max-time "$timeout" -H 'Connection: close' -w '\n%{http_code}' "$url" 2>&1 >&3 3>&-) ||
        printf '\n\036%s' "$said"; } 3>&1
elif command -v python3 >/dev/null 2>&1; then
    python3 -I -c '
import sys, urllib.request, urllib.error
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2]))
except urllib.error.HTTPError as error:
    answer = error
except Exception as error:
    print(error, "000", sep="\n", end=""); sys.exit()
print(answer.read().decode("utf-8", "replace"), answer.status, sep="\n", end="")' "$url" "$timeout"
elif command -v node >/dev/null 2>&1; then
    NODE_OPTIONS='' node -e '
fetch(process.argv[1], { redirect: "manual", signal: AbortSignal.timeout(1000 * process.argv[2]) })
    .then(async (a) => process.stdout.write((await a.text()) + "\n" + a.status))
    .catch((e) => process.stdout.write(String(e.cause || e) + "\n000"))' "$url" "$timeout"
else
    printf '%s\n000' "this host has none of curl, python3 and node to ask with"
fi
