"""Commands on many hosts: carrying them out, their line in the journal, and showing their results."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstitch.cli.output import PrefixedOutput, aside
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import DAY, HostScript, run_on_hosts
from lockstitch.engine.journal import note, now, records
from lockstitch.engine.redact import redacted
from lockstitch.errors import CheckError, ExitCode, UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.command import Command, Secret
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Site, Step
from lockstitch.model.results import HostResult, Observer, nobody, worst_exit_code
from lockstitch.report.fanout import by_hand_text, code_word, results_json, results_text
from lockstitch.services.release_context import ReleaseContext
from lockstitch.text import quoted

if TYPE_CHECKING:
    from lockstitch.inventory.selection import Selection
    from lockstitch.plans import Environments
    from lockstitch.report.history import HistoryFilter


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


def by_hand(
    session: Session,
    what: str,
    work: Sequence[HostScript],
    observe: Observer = nobody,
) -> dict[str, HostResult]:
    """Carry out work on many hosts; it is a line in the journal of this machine, also when it is cut off."""
    began, start = now(), time.monotonic()
    session.remote.one_script_each()
    results: dict[str, HostResult] = {}
    try:
        results = run_on_hosts(session.remote, work, observe, session.limits, _at_once_said(session, len(work)))
        return results
    finally:
        ended = {script.label: results.get(script.label) for script in work}
        record(session, what, ended, began, time.monotonic() - start)


def _at_once_said(session: Session, of: int) -> Callable[[str, HostResult], None]:
    """Return an observer that prints a failure on one host while the others go on, which may take long."""

    def say(label: str, result: HostResult) -> None:
        if result.code not in (ExitCode.DONE, ExitCode.INTERRUPTED) and of > 1 and not session.json:
            aside(quoted(f"{label:<12} ! {result.words}"))

    return say


def record(session: Session, what: str, ended: Mapping[str, HostResult | None], began: str, seconds: float) -> None:
    """Write who did what, when, where and with which codes, as a line of the file that `history --by-hand` shows."""
    codes = {
        label: result.exit if result and result.exit is not None else _word(result) for label, result in ended.items()
    }
    entry = {
        "run": session.run_id,
        "by": session.by,
        "where": sorted({fleet.inventory.name for fleet in session.c.selection.fleets}),
        "what": redacted(what, known_secrets(session.c.selection)),
        "began": began,
        "seconds": round(seconds, 3),
        "codes": codes,
        "exit": int(worst_exit_code([result for result in ended.values() if result])),
    }
    try:
        note(commands_file(session), **entry)
    except OSError as error:
        session.unrecorded = f"{commands_file(session)}: {(error.strerror or str(error)).lower()}"
        aside(f"this is in no journal: {session.unrecorded}")


def commands_file(session: Session) -> Path:
    return session.runs.parent / "commands.jsonl"


def show_by_hand(session: Session, shown: HistoryFilter, since: datetime | None, until: datetime | None) -> None:
    """Show what was done by hand on the selected hosts from this machine, the newest first; no host is asked."""
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
    hosts = [{*_labels(line), *(label.rpartition("@")[2] for label in _labels(line))} for line in every]
    begin, end = (at.astimezone(UTC).isoformat() if at else "" for at in (since, until))
    mine = [
        line
        for line, some in zip(every, hosts, strict=True)
        if some & names and shown({"hosts": some, "by": line["by"]}) and _within(line["began"], begin, end)
    ]
    newest = mine[::-1][: shown.limit or None]
    session.answer(lambda: {"commands": newest}, lambda: by_hand_text(newest, datetime.now(UTC)))


def _within(at: str, begin: str, end: str) -> bool:
    return at >= begin and (not end or at < end)


def _labels(line: Any) -> Iterable[str]:
    """Whom a line is about; nobody, where something else has written it."""
    ours = isinstance(line, dict) and {"codes", "began", "by", "seconds", "what"} <= line.keys()
    return line["codes"] if ours else ()


def _word(result: HostResult | None) -> str:
    return code_word(result.code.name) if result else "not told"


def show(session: Session, results: Mapping[str, HostResult], lost: str = "") -> None:
    """Show each host's result, and end with the exit code of all; `lost` is why output could not be written here."""
    if session.json:
        session.answer(lambda: results_json(results), str)
    else:
        aside(results_text(results, all_of_them=len(results) <= _ALL))
    if lost:
        aside(f"not all that the hosts printed could be written here: {lost}")
    end([*results.values(), *([HostResult(ExitCode.CHECK_SAID_NO, lost)] if lost else [])])


def end(results: Sequence[HostResult]) -> None:
    """End with the exit code of all."""
    sys.exit(int(worst_exit_code(results)))


CommandFactory = Callable[[App, ReleaseContext], Command | None]


def on_sites(
    session: Session,
    only: str,
    what: str,
    make: CommandFactory,
    lacking: str,
    *,
    once: bool = False,
    confirm: bool = True,
) -> None:
    """Run a command of each app on all its hosts, or on the first of each app with `once`. A protected environment is
    confirmed first, unless the command only reads."""
    work = site_work(session.fleet(only), make, lacking, reveal=not session.dry)
    if once:
        work = list({script.script.app: script for script in reversed(work)}.values())[::-1]
    if session.dry:
        for script in work:
            session.note(f"{script.label}: {script.script.steps[0].command.shown()}")
        return
    if confirm:
        session.confirm_all()
    with PrefixedOutput(sys.stdout, [script.host.name for script in work]) as prefixed:
        results = by_hand(session, what, work, observe=prefixed)
    show(session, results, prefixed.lost)


def site_work(fleet: Fleet, make: CommandFactory, lacking: str, *, reveal: bool = True) -> list[HostScript]:
    """The work of every site whose app has such a command. Raises UsageError, saying `lacking`, where none has."""
    # Start-up: `run` needs no plans.
    from lockstitch import plans

    known = plans.environments(fleet, reveal=reveal)
    made = [(host, app, plans.site(host.name, app)) for host, app in fleet.sites()]
    work = [script for host, app, site in made if (script := _work(host, app, site, known, make))]
    if not work:
        raise UsageError(f"none of {', '.join(fleet.apps)} {lacking}; nothing was done")
    return work


def _work(host: Host, app: App, site: Site, known: Environments, make: CommandFactory) -> HostScript | None:
    place = ReleaseContext(app.name, site.layout, "", "", known.get(site, {}))
    command = make(app, place)
    if command is None:
        return None
    script = Script((Step("run", "", command, timeout=DAY),), app=app.name, user=site.user)
    return HostScript(str(site), host, script)
