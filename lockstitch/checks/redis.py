"""Check that a Redis answers and has free memory, asked from the host by redis-cli or python3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from urllib.parse import unquote, urlsplit

from lockstitch.checks.check import UNKNOWN, Check, Context, failed, finding, level, unknown
from lockstitch.inventory.checks import RedisChecks
from lockstitch.model.command import Command, Secret, Value
from lockstitch.model.finding import Finding
from lockstitch.model.format import sized
from lockstitch.model.probe import Probe, number
from lockstitch.model.shell import shell_text

NAME = "redis"

_ASK = shell_text(__package__, "redis.sh")


def redis(settings: RedisChecks, context: Context) -> Check:
    """Return the check that Redis answers, and of how much of its memory is used."""
    url = settings.url if "://" in settings.url else context.known.get(settings.url, "")
    missing = context.lacking.get(settings.url, "" if url else "its URL was not looked up")
    values = login(url)
    if url and values["port"] == "0":
        missing = "its URL cannot be read: in a password %2F is written for /, %3F for ?, %23 for # and %40 for @"
    asked = _ASK if url and not missing else ":"
    return Check(NAME, Probe(NAME, Command(asked, values=values), parse), partial(judge, settings, missing))


def login(url: Value) -> dict[str, Value]:
    """Return a URL as the variables of the script; port 0 for one that cannot be parsed: what looks like its host may
    be the end of a password."""
    plain = url.reveal() if isinstance(url, Secret) else url
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname or "127.0.0.1", parts.port or 6379
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":
            raise ValueError
    except ValueError:
        return {"socket": "", "host": "127.0.0.1", "port": "0", "user": "", "password": "", "tls": ""}
    return {
        "socket": parts.path if parts.scheme == "unix" else "",
        "host": host,
        "port": str(port),
        "user": unquote(parts.username or ""),
        "password": Secret(unquote(parts.password)) if parts.password else "",
        "tls": "yes" if parts.scheme == "rediss" else "",
    }


def parse(text: str, code: int) -> Mapping[str, str]:
    """Parse the lines of INFO by their keys; `problem` has the output of a failure."""
    said = dict(line.split(":", 1) for line in text.split("\n") if ":" in line and not line.startswith("#"))
    if "used_memory" in said:
        return said
    lines = [line for line in text.strip().splitlines() if line]
    return {"problem": lines[-1] if lines else "nothing was said"}


def judge(settings: RedisChecks, missing: str, info: Mapping[str, str]) -> Iterator[Finding]:
    where = settings.url
    if missing:
        yield unknown(NAME, f"{where}: not asked: {missing}", "make its URL available on this machine")
        return
    if problem := info.get("problem"):
        if problem.startswith(UNKNOWN):
            yield unknown(NAME, f"{where}: {problem.removeprefix(UNKNOWN)}", "install redis-tools there")
        else:
            yield failed(NAME, f"{where} does not answer: {problem}", "does it run, and may this host connect to it?")
        return
    used, most = number(info.get("used_memory", "")), number(info.get("maxmemory", ""))
    if used is None:
        yield unknown(NAME, f"{where} does not tell how much it uses", "redis-cli INFO memory")
    elif not most:
        says = f"{where} uses {sized(used)}, and has no maxmemory: it may take all the host has"
        yield unknown(NAME, says, "set maxmemory and maxmemory-policy in its configuration")
    else:
        percent = used * 100 // most
        says = f"{where} uses {percent} % of its {sized(most)}; no from {settings.fail} % on"
        hint = "see what is large: redis-cli --bigkeys; or raise maxmemory"
        yield finding(NAME, level(percent, settings.warn, settings.fail), says, hint)
    if info.get("loading") == "1":
        yield failed(NAME, f"{where} is still loading its data", "wait until it has")
