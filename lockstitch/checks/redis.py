"""Check that a Redis answers and has free memory, asked from the host by redis-cli or python3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from lockstitch.checks.check import Check, Context, failed, finding, level, unknown
from lockstitch.inventory.checks import RedisChecks
from lockstitch.model.command import Command, Value
from lockstitch.model.finding import Finding
from lockstitch.model.format import sized
from lockstitch.model.probe import Probe, number
from lockstitch.model.redis_client import ASK, asking

NAME = "redis"

_INFO = ASK + """ls_redis INFO | tr -d '\\r' | grep -v '^#'\n"""
_NO_PROGRAM = "this host has neither"


def redis(settings: RedisChecks, context: Context) -> Check:
    """Return the check that Redis answers, and of how much of its memory is used."""
    probe, missing = info_probe(settings.url, context.known, context.lacking)
    return Check(NAME, probe, partial(judge, settings, missing))


def info_probe(
    url: str, known: Mapping[str, Value], lacking: Mapping[str, str]
) -> tuple[Probe[Mapping[str, str]], str]:
    """Return the question for what a Redis tells of itself, and why it cannot be asked; `url` may be a reference."""
    at = url if "://" in url else known.get(url, "")
    missing = lacking.get(url, "" if at else "its URL was not looked up")
    values = asking(at, url)
    if at and values["redis_port"] == "0":
        missing = "its URL cannot be read: in a password %2F is written for /, %3F for ?, %23 for # and %40 for @"
    return Probe(NAME, Command(_INFO if at and not missing else ":", values=values), parse), missing


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
        if problem.startswith(_NO_PROGRAM):
            yield unknown(NAME, f"{where}: {problem}", "install redis-tools there")
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
        says = f"{where} uses {percent} % of its {sized(most)}; fails from {settings.fail} % on"
        hint = "see what is large: redis-cli --bigkeys; or raise maxmemory"
        yield finding(NAME, level(percent, settings.warn, settings.fail), says, hint)
    if info.get("loading") == "1":
        yield failed(NAME, f"{where} is still loading its data", "wait until it has")
