"""The way a rollback treats settings that have changed since the release it goes back to."""

from __future__ import annotations

import sys

from lockstitch import plans
from lockstitch.cli.confirmation import asked
from lockstitch.cli.session import Session
from lockstitch.engine.ask import Query, ask
from lockstitch.errors import UsageError
from lockstitch.facts.settings_since import changed_settings
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.plan import Plan, Site
from lockstitch.text import oneline

_WAYS = ("keep", "back")


class SettingsChoice:
    """A choice as typed, or as answered once, however often the rollback is planned."""

    def __init__(self, session: Session, typed: str) -> None:
        self._session, self._answer = session, typed
        if typed and typed not in _WAYS:
            raise UsageError(f"--settings cannot be {typed}{did_you_mean(typed, _WAYS)}; nothing was changed")

    def former(self, fleet: Fleet, plan: Plan) -> tuple[dict[Site, str], tuple[str, ...]]:
        """Return the kept files that are put back, by the runs before which they were, and the notes for the plan.

        Asks the person where some have changed and nothing was typed; raises UsageError without a terminal.
        """
        apps = {plans.site(host.name, app): (host, app) for host, app in fleet.sites() if app.env_file}
        queries = {
            change.site: Query(str(change.site), host, (changed_settings(app, change.release),), app.name, app.user)
            for change in plan.changes
            if change.site in apps
            for host, app in [apps[change.site]]
        }
        replies = ask(self._session.remote, tuple(queries.values())) if queries else {}
        since = {site: replies[str(site)].facts[0] for site in queries if replies[str(site)].facts}
        words = plans.changed_words(since)
        if not self._answer and not self._session.dry and any(each.changed for each in since.values()):
            self._answer = self._asked(words)
        if self._answer != "back":
            return {}, words
        former = plans.former_files(since)
        return former, (
            *words,
            *(f"{site}: the file from before run {run} is put back" for site, run in former.items()),
        )

    def _asked(self, words: tuple[str, ...]) -> str:
        for line in words:
            self._session.note(oneline(line))
        if not sys.stdin.isatty():
            raise UsageError(
                "it was not said what becomes of the settings that have changed since; nothing was changed",
                hint="give --settings keep or --settings back",
            )
        answer = asked(lambda: self._session.note("what becomes of the settings? type keep or back"))
        if answer not in _WAYS:
            raise UsageError("neither keep nor back; nothing was changed")
        return answer
