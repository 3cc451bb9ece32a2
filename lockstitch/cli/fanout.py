"""What every command on many hosts shares: how it is carried out, its line in the journal, and how all of it ended."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstitch import plans
from lockstitch.cli.output import OutputDigest, PrefixedOutput, aside, tell
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import DAY, FanoutOptions, HostScript, run_on_hosts
from lockstitch.engine.journal import note, now, records
from lockstitch.engine.redact import redacted
from lockstitch.errors import CheckError, ExitCode, UsageError
from lockstitch.inventory import App, Fleet
from lockstitch.model.command import Command, Secret, words
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Site, Step
from lockstitch.model.results import HostResult, Observer, nobody, worst_exit_code
from lockstitch.remote.script import KEEP_CHARACTERS
from lockstitch.report import by_hand_text, done_json, done_text, grouped_text, quoted
from lockstitch.services.release_context import ReleaseContext

if TYPE_CHECKING:
    from lockstitch.inventory import Selection


def known_secrets(selection: Selection) -> list[Secret]:
    """Secrets of the selected environments whose source is `env:NAME` and is set; nothing is fetched."""
    return list(dict.fromkeys(_values(selection)))


def _values(selection: Selection) -> Iterator[Secret]:
    for fleet in selection.fleets:
        sources = [source for _, app in fleet.sites() for source in app.secrets.values()]
        sources += [database.url for database in fleet.inventory.databases.values()]
        for source in map(str, sources):
            if value := os.environ.get(source.removeprefix("env:")) if source.startswith("env:") else None:
                yield Secret(value, source)


# More lines than that tell less than those that failed.
_ALL = 20


def way(*, serial: bool = False, parallel: int = 0, timeout: float = 0, until_ok: int = 1) -> FanoutOptions:
    """How it was typed that it is to be carried out."""
    if serial and parallel > 1:
        raise UsageError("--serial is one host at a time, --parallel is several", hint="give one of them")
    if parallel < 0 or timeout < 0 or until_ok < 1:
        raise UsageError("--parallel, --timeout and --until-ok are numbers above 0; nothing was done")
    return FanoutOptions(1 if serial else parallel or FanoutOptions.at_once, until_ok, timeout=timeout)


def whose(*, sudo: bool, user: str) -> str:
    """Who does it on the hosts; empty for the login user."""
    if sudo and user not in ("", "root"):
        raise UsageError("--sudo is root, --user another", hint="give one of them")
    return "root" if sudo else user


def by_hand(
    session: Session,
    what: str,
    work: Sequence[HostScript],
    how: FanoutOptions | None = None,
    observe: Observer = nobody,
) -> dict[str, HostResult]:
    """Carry out work on many hosts; it is a line in the journal of this machine, also when it is cut off."""
    began, start = now(), time.monotonic()
    session.remote.one_script_each()
    done: dict[str, HostResult] = {}
    try:
        done = run_on_hosts(session.remote, work, observe, how, _at_once_said(session, len(work)))
        return done
    finally:
        ended = {one.label: done.get(one.label) for one in work}
        record(session, what, ended, began, time.monotonic() - start)


def _at_once_said(session: Session, of: int) -> Callable[[str, HostResult], None]:
    """What went wrong on one host is said while the others go on, which may take long."""

    def say(label: str, one: HostResult) -> None:
        if one.code not in (ExitCode.DONE, ExitCode.INTERRUPTED) and of > 1 and not session.json:
            aside(quoted(f"{label:<12} ! {one.words}"))

    return say


def record(session: Session, what: str, ended: Mapping[str, HostResult | None], began: str, seconds: float) -> None:
    """Who, when, what, where, and with which codes: a line of the file that `history --by-hand` shows."""
    codes = {label: one.exit if one and one.exit is not None else _word(one) for label, one in ended.items()}
    told = {
        "run": session.run_id,
        "by": session.by,
        "where": sorted({fleet.inventory.name for fleet in session.c.selection.fleets}),
        "what": redacted(what, known_secrets(session.c.selection)),
        "began": began,
        "seconds": round(seconds, 3),
        "codes": codes,
        "exit": int(worst_exit_code([one for one in ended.values() if one])),
    }
    try:
        note(commands_file(session), **told)
    except OSError as error:
        session.unrecorded = f"{commands_file(session)}: {(error.strerror or str(error)).lower()}"
        aside(f"this is in no journal: {session.unrecorded}")


def commands_file(session: Session) -> Path:
    return session.runs.parent / "commands.jsonl"


def show_by_hand(session: Session, limit: int) -> None:
    """What was done by hand on the selected hosts from this machine, the newest first; no host is asked."""
    names = {host.name for host in session.c.hosts}
    file = commands_file(session)
    try:
        every, damaged = records(file)
    except FileNotFoundError:
        every, damaged = [], 0
    except OSError as error:
        raise CheckError(f"{file} is unreadable: {error.strerror}", hint="see to that file of this machine") from error
    if damaged:
        session.note(f"{damaged} lines of {file} are no records, and are left out")
    mine = [line for line in every if any({label, label.rpartition("@")[2]} & names for label in _labels(line))]
    newest = mine[::-1][:limit]
    session.answer(lambda: newest, lambda: by_hand_text(newest))


def _labels(line: Any) -> Iterable[str]:
    """Whom a line is about; nobody, where something else has written it."""
    ours = isinstance(line, dict) and {"codes", "began", "by", "seconds", "what"} <= line.keys()
    return line["codes"] if ours else ()


def _word(one: HostResult | None) -> str:
    return one.code.name.lower() if one else "not told"


def show(session: Session, done: Mapping[str, HostResult], lost: str = "") -> None:
    """How each ended, and the exit code of all; `lost` is why not all that hosts printed could be written here."""
    if session.json:
        session.answer(lambda: done_json(done), str)
    else:
        aside(done_text(done, all_of_them=len(done) <= _ALL))
    if lost:
        aside(f"not all that the hosts printed could be written here: {lost}")
    end([*done.values(), *([HostResult(ExitCode.CHECK_SAID_NO, lost)] if lost else [])])


def end(done: Sequence[HostResult]) -> None:
    """End with the exit code of all."""
    sys.exit(int(worst_exit_code(done)))


CommandFactory = Callable[[App, ReleaseContext], Command | None]


def on_sites(session: Session, only: str, what: str, make: CommandFactory, lacking: str, *, once: bool = False) -> None:
    """Run a command of each app on all its hosts, or on the first of each app with `once`."""
    work = site_work(session.fleet(only), make, lacking, reveal=not session.dry)
    if once:
        work = list({one.script.app: one for one in reversed(work)}.values())[::-1]
    if session.dry:
        for one in work:
            session.note(f"{one.label}: {one.script.steps[0].command.shown()}")
        return
    with PrefixedOutput(sys.stdout, [one.host.name for one in work]) as prefixed:
        done = by_hand(session, what, work, observe=prefixed)
    show(session, done, prefixed.lost)


def site_work(fleet: Fleet, make: CommandFactory, lacking: str, *, reveal: bool = True) -> list[HostScript]:
    """The work of every site whose app has such a command. Raises UsageError, saying `lacking`, where none has."""
    known = plans.environments(fleet, reveal=reveal)
    made = [(host, app, plans.site(host.name, app)) for host, app in fleet.sites()]
    work = [one for host, app, site in made if (one := _work(host, app, site, known, make))]
    if not work:
        raise UsageError(f"none of {', '.join(fleet.apps)} {lacking}; nothing was done")
    return work


def _work(host: Host, app: App, site: Site, known: plans.Environments, make: CommandFactory) -> HostScript | None:
    place = ReleaseContext(app.name, site.layout, "", "", known.get(site, {}))
    command = make(app, place)
    if command is None:
        return None
    script = Script((Step("run", "", command, timeout=DAY),), app=app.name, user=site.user)
    return HostScript(str(site), host, script)


# The interpreter gets the file as an argument, so that it runs where /tmp may hold nothing that is executed.
_SCRIPT = """
lockstitch_file=$(mktemp) || exit 1
trap 'rm -f -- "$lockstitch_file"' EXIT
trap 'exit 143' HUP INT TERM
printf '%s' "$lockstitch_text" >"$lockstitch_file" || exit 1
"""


def run_everywhere(
    session: Session,
    line: str,
    way: FanoutOptions,
    *,
    user: str = "",
    cwd: str = "",
    script: str = "",
    group: bool = False,
) -> None:
    """Run it, show what it prints as it comes or grouped, and end with 7 where it failed, 3 where a host is away."""
    command = _scripted(script, line, cwd) if script else Command(line, cwd=cwd or None)
    if not command.text.strip():
        raise UsageError("there is no command to run", hint="fab -H ENV run -- uptime")
    if session.dry:
        session.note("\n".join([f"on {', '.join(host.name for host in session.c.hosts)}:", line or script]))
        return
    steps = (Step("run", "", command, timeout=DAY),)
    work = [
        HostScript(host.name, host, Script(steps, user=user or None, unseen=bool(script))) for host in session.c.hosts
    ]
    _shown(session, _what(line, user, cwd, script), work, way, group=group)


def _shown(session: Session, what: str, work: list[HostScript], way: FanoutOptions, *, group: bool) -> None:
    sums = OutputDigest()
    if not session.json and not group:
        with PrefixedOutput(sys.stdout, [one.label for one in work]) as prefixed:
            done = by_hand(session, what, work, way, prefixed)
        show(session, done, prefixed.lost)
    done = by_hand(session, what, work, way, sums)
    cut = {label: size > KEEP_CHARACTERS for label, size in sums.sizes.items()}
    if session.json:
        session.answer(lambda: done_json(done, cut=cut), str)
        end(list(done.values()))
    tell(grouped_text(done, sums.sums))
    for label in [label for label, is_cut in cut.items() if is_cut]:
        aside(f"{label}: only the last {KEEP_CHARACTERS // 1024} KiB are shown")
    aside(done_text(done, all_of_them=False))
    end(list(done.values()))


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
