"""`env.check` and its relatives: an app's settings asked of the hosts, and changed by a plan."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from typing import Literal

from lockstitch import plans
from lockstitch.cli.deploy import deploy
from lockstitch.cli.run_plan import carry_out
from lockstitch.cli.session import Session, words
from lockstitch.engine.ask import Query, ask
from lockstitch.errors import ExitCode, UsageError
from lockstitch.facts.settings import SettingFacts, setting_facts
from lockstitch.facts.settings_since import FormerKey, former_key
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Value
from lockstitch.model.plan import Plan, Site
from lockstitch.report.settings import settings_json, settings_text
from lockstitch.report.text import counted


def check_settings(session: Session, only: str, *, all_of_them: bool = True) -> None:
    """Compare what is declared, what is in the files and what runs, and end with 7 where they differ or cannot be told;
    without `all_of_them` only those are shown."""
    fleet = with_settings(session.fleet(only))
    known, lacking = values_of(fleet)
    names = {(app.name, name) for _, app in fleet.sites() for name in app.settings}
    session.note(f"asking for {counted(len(names), 'setting')}")
    facts, away = asked(session, fleet, known)
    rows = plans.setting_rows(fleet, facts, lacking, away)
    code = ExitCode.CHECK_SAID_NO if any(row.problem for row in rows) else ExitCode.DONE
    code = ExitCode.UNREACHABLE if away else code
    others = {site: each.others for site, each in facts.items()}
    shown = rows if all_of_them else tuple(row for row in rows if row.problem)
    session.answer(lambda: settings_json(shown, others, int(code)), lambda: settings_text(shown, others))
    sys.exit(int(code))


def change_settings(session: Session, verb: Literal["push", "undo"], only: str) -> None:
    """Plan it, show it, ask where it must be asked, carry it out."""
    words_of = words(only)

    def meant() -> tuple[Fleet, tuple[str, ...]]:
        every = session.fleet("")
        apps = [word for word in words_of if word in every.inventory.apps]
        names = tuple(word for word in words_of if word not in apps)
        fleet = with_settings(every.only(apps) if apps else every)
        kept = tuple(dict.fromkeys(app.name for _, app in fleet.sites() if app.env_file))
        if not kept:
            raise UsageError(
                f"no app of {fleet.inventory.name} has an env_file; nothing was changed",
                hint="write env_file: {path: .env}, or let a deploy give its commands their environment",
            )
        fleet = fleet.only(kept)
        plans.refuse_names(fleet, names)
        return fleet, names

    def options(fleet: Fleet, names: tuple[str, ...]) -> tuple[plans.SettingsOptions, Survey, dict[Site, SettingFacts]]:
        known, lacking = values_of(fleet)
        if lacking and verb == "push":
            raise UsageError("\n".join([*lacking.values(), "nothing was changed"]))
        survey = session.survey(fleet, plans.rollback_asks(fleet, ""))
        plans.raise_unreachable(survey)
        facts, _ = asked(session, fleet, known if verb == "push" else {site: {} for site in known})
        given = plans.SettingsOptions(session.run_id, session.by, verb, names, session.message, known, env=known)
        return given, survey, facts

    def make() -> Plan:
        fleet, names = meant()
        given, survey, facts = options(fleet, names)
        return (plans.push_settings if verb == "push" else plans.undo_settings)(fleet, survey, facts, given)

    fleet, names = meant()
    if verb == "push" and any(each.when == "build" for _, app in fleet.sites() for each in app.settings.values()):
        given, survey, facts = options(fleet, names)
        if sites := plans.settings_to_build(fleet, survey, facts, given):
            session.message = session.message or "env.push"
            revision, app = sites[0].job.revision, sites[0].app.name
            deploy(session, revision, app, force=True, first=lambda plan: plans.with_written(plan, sites, given))
            return
    carry_out(session, make)


def rotate(session: Session, name: str, only: str, *, at_once: bool) -> None:
    """Carry out the next phase of the rotation of a key."""

    def make() -> Plan:
        fleet = plans.rotation_fleet(session.fleet(only), name)
        known, lacking = values_of(fleet)
        if lacking:
            raise UsageError("\n".join([*lacking.values(), "nothing was changed"]))
        survey = session.survey(fleet, plans.rollback_asks(fleet, ""))
        plans.raise_unreachable(survey)
        apps = {plans.site(host.name, app): app for host, app in fleet.sites()}
        rotations = {site: each for site, app in apps.items() if (each := app.settings[name].rotate)}
        # What the other key is, only the file says.
        others = {site: (each.accept,) if each.accept else () for site, each in rotations.items()}
        facts, _ = asked(session, fleet, known, others)
        env = {site: {n: v for n, v in mine.items() if n not in others[site]} for site, mine in known.items()}
        given = plans.SettingsOptions(session.run_id, session.by, "rotate", (name,), session.message, known, env=env)
        if former := next(iter(rotations.values())).former:
            if at_once:
                raise UsageError(
                    f"--at-once: a provider issues {name}, and no overlap is waited for; nothing was changed"
                )
            return plans.rotate_provider_key(fleet, survey, facts, former_keys(session, fleet, name, former), given)
        return plans.rotate_settings(fleet, survey, facts, given, at_once=at_once)

    carry_out(session, make)


def former_keys(session: Session, fleet: Fleet, name: str, reference: str) -> dict[Site, FormerKey]:
    """Ask where each site has the former key. Raises UsageError where it cannot be had on this machine."""
    value = resolve_secret(reference)
    at = {plans.site(host.name, app): (host, app) for host, app in fleet.sites()}
    queries = [
        Query(str(site), host, (former_key(app, name, value),), app.name, app.user) for site, (host, app) in at.items()
    ]
    replies = ask(session.remote, queries, session.limits)
    return {
        site: replies[str(site)].facts[0]
        if replies[str(site)].facts
        else FormerKey(problem=replies[str(site)].result.words)
        for site in at
    }


def with_settings(fleet: Fleet) -> Fleet:
    """Return the part of a fleet whose apps have settings. Raises UsageError where none has."""
    names = tuple(dict.fromkeys(app.name for _, app in fleet.sites() if app.settings))
    if not names:
        raise UsageError(f"no app of {fleet.inventory.name} has settings", hint="docs/settings.md shows the first one")
    return fleet.only(names)


def values_of(fleet: Fleet) -> tuple[dict[Site, dict[str, Value]], dict[str, str]]:
    """Return the declared values by site and name, with what only a service needs; and why references cannot be
    resolved."""
    resolved: dict[str, Value] = {}
    lacking: dict[str, str] = {}
    known: dict[Site, dict[str, Value]] = {}
    for host, app in fleet.sites():
        mine = known.setdefault(plans.site(host.name, app), {})
        mine |= app.env
        for name, reference in app.secrets.items():
            if reference not in resolved and reference not in lacking:
                try:
                    resolved[reference] = resolve_secret(reference)
                except UsageError as error:
                    lacking[reference] = error.message
            if reference in resolved:
                mine[name] = resolved[reference]
    return known, lacking


def asked(
    session: Session,
    fleet: Fleet,
    known: Mapping[Site, Mapping[str, Value]],
    followed: Mapping[Site, tuple[str, ...]] | None = None,
) -> tuple[dict[Site, SettingFacts], dict[str, str]]:
    """Ask each site for its settings. Returns the facts, and why hosts could not be asked."""
    # Of this question alone: what a host answers is of no use to anybody later.
    salt = secrets.token_hex(16)
    at = {plans.site(host.name, app): (host, app) for host, app in fleet.sites()}
    queries = [
        Query(
            str(site),
            host,
            (setting_facts(app, known[site], salt, (followed or {}).get(site, ())),),
            app.name,
            app.user,
            exact=True,
        )
        for site, (host, app) in at.items()
    ]
    replies = ask(session.remote, queries, session.limits)
    facts, away = {}, {}
    for site in at:
        reply = replies[str(site)]
        if reply.away or not reply.facts:
            away[site.host] = reply.result.words
        else:
            (facts[site],) = reply.facts
    return facts, away
