"""Programs that must be there, and their versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from lockstitch.checks.check import Check, failed, passed, unknown
from lockstitch.model.command import Command, Value
from lockstitch.model.finding import Finding
from lockstitch.model.probe import Probe
from lockstitch.model.version import shown, told, within

NAME = "tools"

# Each program has its own way to tell its version; one that tells none by the first is asked by the next.
_ASK = r"""
# Servers lie where only root looks, and are there all the same.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
[ -z "$current" ] || cd "$current" 2>/dev/null
for tool in $tools; do
    at=$(command -v "$tool" 2>/dev/null) || { echo "missing $tool"; continue; }
    said=
    for word in --version -V version -v; do
        said=$(timeout 5 "$at" "$word" </dev/null 2>&1 | head -n 3 | tr '\n\r' '  ')
        case $said in *[0-9].[0-9]*) break ;; esac
    done
    echo "tool $tool $said"
done
exit 0
"""


def tools(wanted: Mapping[str, str], current: str = "", env: Mapping[str, Value] | None = None) -> Check:
    """Whether each program is found, and within its range."""
    values = {"tools": " ".join(wanted), "current": current}
    return Check(NAME, Probe(NAME, Command(_ASK, values=values, env=env or {}), parse), partial(judge, wanted))


def parse(text: str, code: int) -> dict[str, str | None]:
    """What each program tells of itself; None for one that is missing."""
    found: dict[str, str | None] = {}
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        tool, _, said = rest.partition(" ")
        if word == "missing":
            found[tool] = None
        elif word == "tool":
            found[tool] = said.strip()
    return found


def judge(wanted: Mapping[str, str], found: Mapping[str, str | None]) -> Iterator[Finding]:
    """A finding for each program."""
    for tool, versions in wanted.items():
        if tool not in found:
            yield unknown(NAME, f"{tool}: the host did not tell", f"look there: command -v {tool}")
        elif (said := found[tool]) is None:
            yield failed(
                NAME, f"{tool} is not found", f"install {tool}{_range(versions)}, or put it on this user's PATH"
            )
        elif versions == "*":
            yield passed(NAME, f"{tool} is there")
        elif (version := told(said)) is None:
            yield unknown(NAME, f"{tool} does not tell its version: {said[:80]!r}", f"look there: {tool} --version")
        elif within(version, versions):
            yield passed(NAME, f"{tool} is {shown(version)}, within {versions}")
        else:
            yield failed(NAME, f"{tool} is {shown(version)}, wanted is {versions}", f"install {tool} {versions}")


def _range(versions: str) -> str:
    return "" if versions == "*" else f" {versions}"
