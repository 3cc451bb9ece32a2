# shellcheck shell=sh
# `ls_http METHOD URL BODY` prints what a flag is, by the answer to a request. The URL, the token and the body go by stdin: a
# command line can be read by all users of the host. A proxy is for what lies beyond the host.
# shellcheck disable=SC2154

ls_http() {
    command -v python3 >/dev/null 2>&1 || { echo "unreadable this host has no python3 to ask with"; return 1; }
    printf '%s\n' "$1" "$2" "$flag_header" "$flag_token" "$flag_timeout" "$flag_value" "$3" | python3 -I -c '
import json, sys, urllib.error, urllib.request
method, url, header, token, timeout, key, body = sys.stdin.read().split("\n", 6)
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
def end(says, code=0):
    print(says); sys.exit(code)
headers = {"Accept": "application/json"}
if token:
    headers[header] = "Bearer " + token if header == "Authorization" else token
data = None
if method != "GET":
    headers["Content-Type"], data = "application/json", body.rstrip("\n").encode()
try:
    asked = urllib.request.Request(url, data, headers, method=method)
    text = urllib.request.build_opener(Stay).open(asked, timeout=float(timeout)).read(1000000)
except urllib.error.HTTPError as error:
    if error.code == 404 and method == "GET":
        end("unset")
    end("unreadable the server answered %d" % error.code, method != "GET")
except Exception as error:
    end("unreadable there is no answer: %s" % getattr(error, "reason", error), method != "GET")
if method != "GET":
    sys.exit()
try:
    found = json.loads(text)
    for part in key.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
except Exception:
    end("unreadable the answer has no %s" % key)
if found is None:
    end("unset")
if isinstance(found, (dict, list)):
    end("unreadable %s is no single value" % key)
if isinstance(found, float) and found == int(found):
    found = int(found)
end("value %s" % (str(found).lower() if isinstance(found, bool) else found))' 2>&1
}
