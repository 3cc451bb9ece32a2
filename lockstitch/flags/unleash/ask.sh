# shellcheck shell=sh
# `ls_unleash [VALUE]` prints the value of the flag, after it was set where one is given. The URL and the token go by
# stdin: a command line can be read by all users of the host. Each request is over when its time is, however the server
# stretches it. The paths are those of the admin API of Unleash 5 and newer.
# shellcheck disable=SC2154

ls_unleash() {
    command -v python3 >/dev/null 2>&1 || { echo "unreadable this host has no python3 to ask with"; return 1; }
    printf '%s\n' "$flag_url" "$flag_token" "$flag_project" "$flag_feature" "$flag_environment" "$flag_strategy" \
        "$flag_timeout" "${1-}" | python3 -I -c '
import json, re, signal, sys, urllib.error, urllib.parse, urllib.request
url, token, project, feature, environment, wanted, timeout, to = sys.stdin.read().split("\n")[:8]
path = "/".join(urllib.parse.quote(word, safe="") for word in (project, "features", feature))
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
def end(says):
    print("unreadable " + " ".join(says.split())[:400]); sys.exit(1)
def late(*_):
    raise TimeoutError("it did not answer in time")
signal.signal(signal.SIGALRM, late)
def ask(method, more="", body=None):
    headers = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": token}
    data = None if body is None else json.dumps(body).encode()
    try:
        signal.setitimer(signal.ITIMER_REAL, float(timeout))
        where = "%s/api/admin/projects/%s%s" % (url.rstrip("/"), path, more)
        asked = urllib.request.Request(where, data, headers, method=method)
        text = urllib.request.build_opener(Stay).open(asked, timeout=float(timeout)).read(4000000)
    except urllib.error.HTTPError as error:
        refuse(error.code, said(error))
    except Exception as error:
        end("Unleash does not answer: %s" % getattr(error, "reason", error))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return text
def said(error):
    try:
        return str(json.loads(error.read(100000))["message"]).split("\n")[0]
    except Exception:
        return "which is no answer of its admin API"
def refuse(code, message):
    words = {
        401: "the token is not accepted", 403: "the token may not do that",
        404: "there is no flag %s in project %s, or it is archived" % (feature, project),
        409: "it conflicts with what is there", 429: "it was asked too often",
    }
    end("%s: Unleash answered %d, %s" % (words.get(code, "it failed"), code, message))
def look():
    text = ask("GET")
    try:
        known = json.loads(text)
        places = {place["name"]: place for place in known["environments"]}
    except Exception:
        end("its answer is none of the admin API of Unleash: is url that of the server itself, without /api?")
    if known.get("archived"):
        end("%s is archived" % feature)
    if environment not in places:
        end("%s has no environment %s: it has %s" % (feature, environment, ", ".join(sorted(places)) or "none"))
    place = places[environment]
    try:
        return place["enabled"] is True, chosen(place["strategies"])
    except (KeyError, TypeError, AttributeError):
        end("its answer is none of the admin API of Unleash: %s has no strategies to read" % environment)
def chosen(strategies):
    kinds = ("flexibleRollout", "gradualRolloutUserId", "gradualRolloutSessionId", "gradualRolloutRandom")
    gradual = [each for each in strategies if each["name"] in kinds]
    some = [each for each in gradual if wanted in (each["id"], each.get("title"))] if wanted else gradual
    if len(some) == 1:
        if some[0].get("disabled"):
            # Unleash lets everybody in where it switches an environment on whose strategies are all off.
            end("the rollout strategy in %s is switched off by itself: switch it on in Unleash" % environment)
        return some[0]
    called = ", ".join("%s (%s)" % (each.get("title") or "no title", each["id"]) for each in gradual)
    if not gradual:
        end("%s has no gradual rollout in %s: add the strategy in Unleash, with 0 %%" % (feature, environment))
    if wanted:
        end("%s has no one rollout strategy %s in %s: it has %s" % (feature, wanted, environment, called))
    end("%s has several rollout strategies in %s, say which with strategy: %s" % (feature, environment, called))
def key(strategy):
    return "rollout" if strategy["name"] == "flexibleRollout" else "percentage"
def share(strategy):
    found = strategy["parameters"][key(strategy)]
    if isinstance(found, bool) or not re.match(r"\d{1,3}(\.\d+)?\Z", str(found)) or float(found) > 100:
        end("its share is %r, which is no percentage" % (found,))
    return found
def switch(way):
    ask("POST", "/environments/%s/%s" % (urllib.parse.quote(environment, safe=""), way))
enabled, strategy = look()
try:
    if to:
        on, number = not to.startswith("off "), to[4:] if to.startswith("off ") else to
        if enabled and not on:
            switch("off")
        old = share(strategy)
        if str(old) != number:
            value = number if isinstance(old, str) else json.loads(number)
            where = "/environments/%s/strategies/%s" % (urllib.parse.quote(environment, safe=""), strategy["id"])
            ask("PATCH", where, [{"op": "replace", "path": "/parameters/" + key(strategy), "value": value}])
        if on and not enabled:
            switch("on")
        enabled, strategy = look()
    print("value %s%s" % ("" if enabled else "off ", share(strategy)))
except (KeyError, TypeError):
    end("the strategy has no share to read")' 2>&1
}
