"""Maintenance mode: how an app tells its users that it is away, who put it there, and how it comes back.

Whoever put an app down is remembered in a file beside its journal, so that a run takes up only what it put down itself.
A probe prints these lines:

    on EPOCH        it is in maintenance, since then (0: not known)
    with WORDS      what its page says, such as `retry 60`; never the secret that passes it
    marker JSON     who put it down, where Lockstitch did
    unknown TEXT    why it could not be seen
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from lockstitch.model.command import Command, Value
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, last, number, object_of
from lockstitch.model.shell import shell_text

if TYPE_CHECKING:
    from lockstitch.services.release_context import ReleaseContext

MaintenanceWhen = Literal["never", "migrations", "always"]

# The last line of what a question about an app's health says where it is in maintenance.
AWAY = "in maintenance"

_text = partial(shell_text, __package__)


@dataclass(frozen=True)
class Page:
    """Options of a maintenance page that a person has given; an empty one is taken from the inventory."""

    retry: str = ""
    secret: Value = ""
    message: str = ""


@dataclass(frozen=True)
class MaintenanceState:
    """The maintenance of an app on one host: on or off, since when (seconds since the epoch), and who put it there.

    `kind` is that of the run which did; empty where it was somebody else.
    """

    on: bool = False
    since: int | None = None
    page: str = ""
    run: str = ""
    by: str = ""
    kind: str = ""
    unknown: str = ""

    @property
    def temporary(self) -> bool:
        """Tell whether a run put it there for its own time: the next run takes it up where that one was cut off."""
        return self.on and self.kind not in ("", "maintenance")

    @property
    def permanent(self) -> bool:
        """Tell whether it stays until a person takes it up."""
        return self.on and not self.temporary

    def __str__(self) -> str:
        if not self.on:
            return self.unknown or "off"
        who = f" by {self.by}" if self.by else ""
        return f"on{who}" + (f", {self.page}" if self.page else "")


def parse_maintenance(text: str, code: int) -> MaintenanceState:
    """Return the state from a probe's lines."""
    said = collect(text)
    marker = object_of(last(said, "marker")) or {}
    author = {key: str(marker.get(key, "")) if "on" in said else "" for key in ("run", "by", "kind")}
    since = number(last(said, "on")) or None
    return MaintenanceState("on" in said, since, last(said, "with"), unknown=last(said, "unknown"), **author)


@dataclass(frozen=True)
class Maintenance:
    """One way to be in maintenance. `text` defines the shell functions ls_on, ls_down, ls_up and ls_look, and $ls_page:
    the file that is there as long as it is on.

    `when` says at which deploys it is used. `ls_down` finds what the page is to say in $retry, $secret and $message.
    """

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    when: MaintenanceWhen = "never"
    page: Page = field(default_factory=Page)

    def probe(self, place: ReleaseContext) -> Probe[MaintenanceState]:
        return Probe("maintenance", self._command(place, _text("look.sh"), Page()), parse_maintenance)

    def unless(self, place: ReleaseContext, run: str, asking: Command) -> Command:
        """Return a question whose last line is an HTTP status with the line AWAY after it where the maintenance page
        answered, and this run did not put it there: a URL that is served past the page is judged as always."""
        text = f"said=$(\n{asking.text}\n)\n{_text('answers.sh')}"
        command = self._command(place, text, Page(), run=run, away=AWAY, **asking.values)
        return replace(command, env=asking.env)

    def down(self, place: ReleaseContext, run: str, by: str, kind: str, *, taken: str = "") -> Command:
        """Return the command that puts it down for a run. An app that is down stays so, unless the run `taken` left it."""
        return self._command(place, _text("down.sh"), self.page, run=run, taken=taken, marker=_marker(run, by, kind))

    def up(self, place: ReleaseContext, run: str) -> Command:
        """Return the command that takes it up if that run has put it down."""
        return self._command(place, _text("up.sh"), self.page, run=run)

    def on(self, place: ReleaseContext, run: str, by: str, page: Page) -> Command:
        """Return the command that puts it down until a person takes it up."""
        asked = Page(page.retry or self.page.retry, page.secret or self.page.secret, page.message or self.page.message)
        return self._command(place, _text("down.sh"), asked, run="", marker=_marker(run, by, "maintenance"))

    def off(self, place: ReleaseContext) -> Command:
        """Return the command that takes it up, whoever put it down."""
        return self._command(place, _text("up.sh"), self.page, run="")

    def _command(self, place: ReleaseContext, text: str, page: Page, **more: Value) -> Command:
        asked = {"retry": page.retry, "secret": page.secret, "message": page.message}
        return place.command(self.text + _text("marker.sh") + text, **{**asked, **self.values, **more})


def _marker(run: str, by: str, kind: str) -> str:
    return json.dumps({"run": run, "by": by, "kind": kind}, separators=(",", ":"), ensure_ascii=False)


def by_file(page: str) -> Maintenance:
    """Return maintenance by a static page that the web server serves with a 503 as long as it exists."""
    return Maintenance(_text("file.sh"), {"page": page})
