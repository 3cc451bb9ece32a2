"""What `artisan` and `queue.*` share: commands on many sites, each line with its host, and how all ended."""

from __future__ import annotations

import sys
from collections.abc import Callable

from lockstitch import plans
from lockstitch.cli.fanout import by_hand, show
from lockstitch.cli.output import Prefixed
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import DAY, Work
from lockstitch.errors import UsageError
from lockstitch.inventory import App, Fleet
from lockstitch.model.command import Command
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Site, Step
from lockstitch.services.release_context import Place

Make = Callable[[App, Place], Command | None]


def on_sites(session: Session, only: str, what: str, make: Make, lacking: str, *, once: bool = False) -> None:
    """Run a command of each app on all its hosts, or on the first of each app with `once`."""
    work = site_work(session.fleet(only), make, lacking, reveal=not session.dry)
    if once:
        work = list({one.script.app: one for one in reversed(work)}.values())[::-1]
    if session.dry:
        for one in work:
            session.note(f"{one.label}: {one.script.steps[0].command.shown()}")
        return
    with Prefixed(sys.stdout, [one.host.name for one in work]) as prefixed:
        done = by_hand(session, what, work, observe=prefixed)
    show(session, done, prefixed.lost)


def site_work(fleet: Fleet, make: Make, lacking: str, *, reveal: bool = True) -> list[Work]:
    """The work of every site whose app has such a command. Raises UsageError, saying `lacking`, where none has."""
    known = plans.environments(fleet, reveal=reveal)
    made = [(host, app, plans.site(host.name, app)) for host, app in fleet.sites()]
    work = [one for host, app, site in made if (one := _work(host, app, site, known, make))]
    if not work:
        raise UsageError(f"none of {', '.join(fleet.apps)} {lacking}; nothing was done")
    return work


def _work(host: Host, app: App, site: Site, known: plans.Environments, make: Make) -> Work | None:
    place = Place(app.name, site.layout, "", "", known.get(site, {}))
    command = make(app, place)
    if command is None:
        return None
    script = Script((Step("run", "", command, timeout=DAY),), app=app.name, user=site.user)
    return Work(str(site), host, script)
