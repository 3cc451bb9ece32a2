"""The checks of a selection, asked and judged, for `check` and `deploy`; and the answers of `check` and `facts`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lockstitch.checks import NAMES, CheckGroup, Context, gathered
from lockstitch.checks.check import findings, refuse
from lockstitch.checks.declared import databases, known, references, usual_host
from lockstitch.cli.context import plain_host
from lockstitch.cli.databases import limits_of
from lockstitch.cli.fanout import record
from lockstitch.cli.service_checks import service_findings
from lockstitch.cli.session import Session, words
from lockstitch.databases.health_check import judge
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.journal import now
from lockstitch.engine.survey import DatabaseFacts, find_keepers, survey_databases
from lockstitch.errors import ExitCode, HostLostError, LockstitchError, UsageError
from lockstitch.facts.host import fact_probes
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import Database
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Value
from lockstitch.model.finding import Finding
from lockstitch.model.plan import Plan
from lockstitch.model.results import HostResult, worst_exit_code
from lockstitch.report.checks import (
    CheckedHost,
    ReportedHost,
    checks_json,
    checks_text,
    facts_json,
    facts_text,
    in_its_environment,
)


def database_findings(session: Session, fleet: Fleet, context: Context, *, implied: bool) -> dict[str, CheckedHost]:
    """Return the findings of each checked database, by the host that asks it."""
    named = {name: fleet.inventory.databases[name] for name in databases(fleet, implied=implied)}
    meant = find_keepers(session.remote, named, session.note)
    urls: dict[str, Value] = {}
    hosts: dict[str, CheckedHost] = {}
    for name, database in meant.items():
        try:
            urls[name] = resolve_secret(database.url)
        except UsageError as error:
            says = f"it cannot be asked: {error.message}"
            _add(hosts, database, (Finding("database", "warn", says, error.hint or "make it available here"),))
    asked = {name: database for name, database in meant.items() if name in urls}
    for name, answer in survey_databases(session.remote, asked, urls, state=True).items():
        at = asked[name]
        if isinstance(answer, DatabaseFacts):
            _add(hosts, at, tuple(_judged(fleet.inventory.name, at, answer, context.now)))
        elif isinstance(answer, LockstitchError):
            hosts[at.host.name] = CheckedHost(away=answer.message, hint=answer.hint)
    return hosts


def _add(hosts: dict[str, CheckedHost], database: Database, said: Sequence[Finding]) -> None:
    before = hosts.get(database.host.name, CheckedHost())
    if not before.away:
        more = ((database.name, finding) for finding in said)
        hosts[database.host.name] = replace(before, findings=(*before.findings, *more))


def _judged(environment: str, database: Database, answer: DatabaseFacts, now: datetime) -> Iterator[Finding]:
    """Judge a database: its problems, or one pass where there is none."""
    on, limits = f"fab -H {environment}", limits_of(database)
    differ = database.engine.versions(answer.vault.server.server, answer.vault.server.tool)
    noted = [
        finding
        for finding in judge(answer.state, limits, answer.vault, now, on, differ)
        if finding.level in ("warn", "fail")
    ]
    for finding in noted:
        yield Finding(
            "database",
            finding.level,
            f"{finding.check}: {finding.says}",
            finding.hint or f"{on} database.check tells more",
        )
    if not any(finding.level == "fail" for finding in noted):
        version = answer.state.version.partition(" ")[0]
        yield Finding("database", "pass", f"it answers, {database.engine.kind} {version}")


_CODES = {"unreachable": ExitCode.UNREACHABLE, "failed": ExitCode.CHECK_SAID_NO}


def show_checks(session: Session, only: str, skip: str) -> None:
    """Judge every selected host and app, and end with 7 where one fails, 3 where one cannot be asked."""
    began, start = now(), time.monotonic()
    skipped = known(words(skip))
    fleets = [fleet.only(words(only)) if only else fleet for fleet in session.c.selection.fleets]
    if only and not fleets:
        raise UsageError("--only names apps, and the selection has none", hint="fab -H ENV check --only APP")
    asked = [(fleet, context_of(fleet, implied=True)) for fleet in fleets]
    askings = [asking for fleet, context in asked for asking in gathered(fleet, context, skipped, implied=True)]
    plain = [usual_host(plain_host(name)) for name in session.c.selection.plain]
    askings += [replace(asking, checks=tuple(c for c in asking.checks if c.name not in skipped)) for asking in plain]
    answers = ask(session.remote, [query_of(asking) for asking in askings], session.limits)
    hosts = judged(askings, answers)
    if "database" not in skipped and not interrupted(answers):
        for fleet, context in asked:
            _beside(hosts, database_findings(session, fleet, context, implied=True))
    if not interrupted(answers):
        for fleet in fleets:
            _beside(hosts, _reached(hosts, service_findings(session, fleet, skipped)))
    ended = {name: codes(checked) for name, checked in hosts.items()}
    typed = [part for name, value in (("--only", only), ("--skip", skip)) if value for part in (name, value)]
    record(session, " ".join(["check", *typed]), ended, began, time.monotonic() - start)
    code = worst_exit_code([*ended.values(), *interrupted(answers)])
    hosts = in_its_environment(hosts, session.environment)
    session.answer(lambda: checks_json(hosts, int(code)), lambda: checks_text(hosts))
    sys.exit(int(code))


def context_of(fleet: Fleet, *, reveal: bool = True, implied: bool = False) -> Context:
    """The time, and the secrets that the checks need; with `reveal` off none is looked up."""
    values: dict[str, Value] = {}
    lacking: dict[str, str] = {}
    for reference in references(fleet, implied=implied) if reveal else ():
        try:
            values[reference] = resolve_secret(reference)
        except UsageError as error:
            lacking[reference] = error.message
    return Context(datetime.now(UTC), values, lacking)


def query_of(group: CheckGroup) -> Query:
    """Return the query for the probes of a group of checks."""
    return Query(group.label, group.host, tuple(c.probe for c in group.checks), group.app, group.user)


def judged(askings: Sequence[CheckGroup], answers: Mapping[str, Reply]) -> dict[str, CheckedHost]:
    """The findings of every host, those of its apps after its own."""
    hosts: dict[str, CheckedHost] = {}
    for asking in askings:
        answer, name = answers[asking.label], asking.host.name
        before = hosts.get(name, CheckedHost())
        if answer.away and asking.user and answer.connected:
            hosts[name] = replace(before, findings=(*before.findings, (asking.app, _refused(asking, answer))))
        elif answer.away:
            hosts[name] = _away(answer)
        elif not before.away:
            said = findings(asking, answer.facts, answer.result.words)
            hosts[name] = replace(before, findings=(*before.findings, *((asking.app, finding) for finding in said)))
    return hosts


def _away(answer: Reply) -> CheckedHost:
    return CheckedHost(away=answer.result.words, hint=answer.error.hint if answer.error else "")


def interrupted(answers: Mapping[str, Reply]) -> list[HostResult]:
    """Return the results of questions that were interrupted."""
    return [answer.result for answer in answers.values() if answer.interrupted]


def _refused(asking: CheckGroup, answer: Reply) -> Finding:
    """The host is there, and nothing can be asked as the app's user."""
    hint = f"a file in /etc/sudoers.d must let the login user act as {asking.user}: fab -H ENV doctor looks"
    return Finding("user", "fail", f"it cannot be asked as {asking.user}: {answer.result.words}", hint)


def _beside(hosts: dict[str, CheckedHost], more: Mapping[str, CheckedHost]) -> None:
    for name, checked in more.items():
        before = hosts.get(name, CheckedHost())
        hosts[name] = checked if checked.away else replace(before, findings=(*before.findings, *checked.findings))


def _reached(hosts: Mapping[str, CheckedHost], more: Mapping[str, CheckedHost]) -> dict[str, CheckedHost]:
    """Return what was found later. A host that has answered before is there: what cannot be asked of it then, such as
    by a user that nobody may become, has failed."""
    later = {}
    for name, checked in more.items():
        if checked.away and (before := hosts.get(name)) and before.findings and not before.away:
            says = f"it cannot be asked: {checked.away.removeprefix(f'{name}: ')}"
            checked = CheckedHost((("", Finding("service", "fail", says, checked.hint)),))
        later[name] = checked
    return later


def codes(checked: CheckedHost) -> HostResult:
    """Return the result that the findings of a host count as."""
    code = _CODES.get(checked.result, ExitCode.DONE)
    return HostResult(code, checked.away or checked.result, exit=None if checked.away else int(code))


def before_deploy(session: Session, fleet: Fleet, skip: str) -> tuple[str, ...]:
    """Ask what the inventory declares; notes for the plan. Raises CheckError for a no that is not waived."""
    skipped = known(words(skip))
    context = context_of(fleet, reveal=not session.dry)
    askings = gathered(fleet, context, implied=False)
    hosts: dict[str, CheckedHost] = {}
    if askings:
        session.note(f"checking {', '.join(dict.fromkeys(asking.host.name for asking in askings))}")
        answers = ask(session.remote, [query_of(asking) for asking in askings])
        if interrupted(answers):
            raise KeyboardInterrupt
        if lost := [error for answer in answers.values() if (error := answer.connect_error)]:
            raise lost[0]
        hosts = judged(askings, answers)
    _beside(hosts, database_findings(session, fleet, context, implied=False))
    said = [(name, about, finding) for name, checked in hosts.items() for about, finding in checked.findings]
    for name, checked in hosts.items():
        if checked.away:
            raise HostLostError(
                name, f"{checked.away.removeprefix(f'{name}: ')}; nothing was changed", hint=checked.hint
            )
    noes = [(f"{_where(n, a)}: {f.check}: {f.says}", f.check) for n, a, f in said if f.level == "fail"]
    refused = [(text, name) for text, name in noes if name not in skipped]
    refuse([text for text, _ in refused], [name for _, name in refused if name in NAMES])
    waives = [f"waived by --skip-checks {name}: {text}" for text, name in noes]
    return (*waives, *(f"{_where(n, a)}: {f.check}: {f.says}" for n, a, f in said if f.level == "warn"))


def _where(host: str, about: str) -> str:
    return f"{host}: {about}" if about else host


def with_notes(plan: Plan, notes: Sequence[str]) -> Plan:
    return replace(plan, notes=(*notes, *plan.notes)) if notes else plan


def show_facts(session: Session) -> None:
    """Show the facts of every selected host."""
    began, start = now(), time.monotonic()
    paths: dict[str, list[str]] = {}
    for fleet in session.c.selection.fleets:
        for host, app in fleet.sites():
            paths.setdefault(host.name, []).append(app.path)
    queries = [Query(h.name, h, fact_probes(paths.get(h.name, []))) for h in session.c.hosts]
    answers = ask(session.remote, queries, session.limits)
    complete = {name: answer for name, answer in answers.items() if len(answer.facts) == 3}
    reported = {
        name: ReportedHost(answer.facts[1], answer.facts[0], answer.facts[2]) for name, answer in complete.items()
    }
    away = {name: _away(answer) for name, answer in answers.items() if name not in complete}
    ended = {name: answer.result for name, answer in answers.items()}
    record(session, "facts", ended, began, time.monotonic() - start)
    code = worst_exit_code(list(ended.values()))
    session.answer(lambda: facts_json(reported, away, int(code)), lambda: facts_text(reported, away))
    sys.exit(int(code))
