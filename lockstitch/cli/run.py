"""`run`: a command or a script on every selected host."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lockstitch.cli.fanout import by_hand, end, show
from lockstitch.cli.output import OutputDigest, PrefixedOutput, aside, tell
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import DAY, HostScript
from lockstitch.errors import UsageError
from lockstitch.model.command import Command, words
from lockstitch.model.plan import Script, Step
from lockstitch.remote.script import KEEP_CHARACTERS
from lockstitch.report.fanout import grouped_text, results_json, results_text

# The interpreter gets the file as an argument, so that it runs where /tmp may hold nothing that is executed.
_SCRIPT = """
lockstitch_file=$(mktemp) || exit 1
# A second signal, as of a login that ends after its command was told to, must not end `rm`.
trap 'trap "" HUP INT TERM; rm -f -- "$lockstitch_file"' EXIT
trap 'trap "" HUP INT TERM; exit 143' HUP INT TERM
printf '%s' "$lockstitch_text" >"$lockstitch_file" || exit 1
"""


def run_everywhere(session: Session, *, cwd: str = "", script: str = "", group: bool = False) -> None:
    """Run it, show what it prints as it comes or grouped, and end with 7 where it failed, 3 where a host is away."""
    line, user = session.c.remainder, session.user
    command = _scripted(script, line, cwd) if script else Command(line, cwd=cwd or None)
    if not command.text.strip():
        raise UsageError("there is no command to run", hint="fab -H ENV run -- uptime")
    if session.dry:
        session.note("\n".join([f"on {', '.join(host.name for host in session.c.hosts)}:", line or script]))
        return
    session.confirm_all()
    steps = (Step("run", "", command, timeout=DAY),)
    work = [
        HostScript(host.name, host, Script(steps, user=user or None, unseen=bool(script))) for host in session.c.hosts
    ]
    run_and_show(session, _what(line, user, cwd, script), work, group=group)


def run_and_show(session: Session, what: str, work: Sequence[HostScript], *, group: bool) -> None:
    """Run scripts labelled by hosts, show their output as it comes or grouped, and end with the code of all."""
    sums = OutputDigest()
    if not session.json and not group:
        with PrefixedOutput(sys.stdout, [script.label for script in work]) as prefixed:
            results = by_hand(session, what, work, prefixed)
        show(session, results, prefixed.lost)
    results = by_hand(session, what, work, sums)
    cut = {label: size > KEEP_CHARACTERS for label, size in sums.sizes.items()}
    if session.json:
        session.answer(lambda: results_json(results, cut=cut), str)
        end(list(results.values()))
    tell(grouped_text(results, sums.sums))
    for label in [label for label, is_cut in cut.items() if is_cut]:
        aside(f"{label}: only the last {KEEP_CHARACTERS // 1024} KiB are shown")
    aside(results_text(results, all_of_them=False))
    end(list(results.values()))


def _scripted(file: str, line: str, cwd: str) -> Command:
    """A script of this machine, by the interpreter that its first line names; what stands after `--` are its words."""
    try:
        text = Path(file).expanduser().read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(f"{file}: {(error.strerror or str(error)).lower()}; nothing was done") from error
    first = text.partition("\n")[0]
    try:
        interpreter = words(*shlex.split(first[2:])) if first.startswith("#!") else ""
    except ValueError as error:
        raise UsageError(f"{file}: its first line cannot be read: {str(error).lower()}; nothing was done") from error
    run = f'{interpreter or "sh"} "$lockstitch_file" {line}'
    return Command(_SCRIPT + run, values={"lockstitch_text": text}, cwd=cwd or None)


def _what(line: str, user: str, cwd: str, script: str) -> str:
    """As it was typed, for the journal."""
    options = [("--user", user), ("--cwd", cwd), ("--script", script)]
    typed = words("run", *(part for name, value in options if value for part in (name, value)))
    return f"{typed} -- {line}" if line else typed
