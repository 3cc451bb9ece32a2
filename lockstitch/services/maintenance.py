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
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from lockstitch.model.command import Command, Value
from lockstitch.model.probe import Probe, number, object_of

if TYPE_CHECKING:
    from lockstitch.services.release_context import ReleaseContext

MaintenanceWhen = Literal["never", "migrations", "always"]

# The last line of what a question about an app's health says where it is in maintenance.
AWAY = "in maintenance"
_PAGE_ANSWERS = rf"""
printf '%s\n' "$said"
if ls_on && ! ls_by "$run"; then
    case ${{said##*[!0-9]}} in 503 | 30? | "${{status:-503}}") printf '\n{AWAY}' ;; esac
fi
"""
# `ls_page`, `ls_on`, `ls_down` and `ls_up` are the mode's own. The marker's second line says which page it is about:
# one that somebody made later is theirs. Where a run was cut off while it made the page, that line is still empty.
_MARK = r"""
ls_which() { stat -L -c '%i %Y' "$ls_page" 2>/dev/null; }
ls_mark() {
    mkdir -p "$state" && printf '%s\n%s\n' "$marker" "$(ls_which)" >"$state/maintenance.new" &&
        mv -f "$state/maintenance.new" "$state/maintenance"
}
ls_fits() {
    ls_was=$(sed -n 2p "$state/maintenance" 2>/dev/null); ls_is=$(ls_which)
    [ -z "$ls_was" ] || { [ "$ls_was" = "$ls_is" ]; return; }
    [ $((${ls_is#* } - $(stat -c %Y "$state/maintenance"))) -le 300 ]
}
ls_by() {
    case $(sed -n 1p "$state/maintenance" 2>/dev/null) in *"\"run\":\"$1\""*) ls_on && ls_fits ;; *) return 1 ;; esac
}
ls_forget() { rm -f "$state/maintenance" "$state/maintenance.new"; }
"""
# A run that was cut off left it on: this one takes it over, and takes it up. `taken` is empty where it does not.
_DOWN = r"""
if ls_on; then
    if ls_by "$run" || ls_by "$taken"; then ls_mark; exit; fi
    echo "it is in maintenance already: it stays so"; exit 0
fi
ls_mark || exit 1
ls_down && ls_on && ls_mark || { ls_on || ls_forget; echo "it could not be put into maintenance"; exit 1; }
"""
_UP = r"""
if ls_on && ! ls_by "$run"; then echo "it was not this run that put it into maintenance: it stays so"; exit 0; fi
if ls_on; then ls_up; fi
if ls_on; then echo "it is still in maintenance"; exit 1; fi
ls_forget
"""
_DOWN_FOR_GOOD = r"""
if ls_on; then echo "it is in maintenance already: what its page says stays as it is"; ls_mark; exit; fi
ls_mark || exit 1
ls_down && ls_on && ls_mark || { ls_on || ls_forget; echo "it could not be put into maintenance"; exit 1; }
"""
_UP_FOR_GOOD = r"""
if ls_on; then ls_up; else echo "it was not in maintenance"; fi
if ls_on; then echo "it is still in maintenance"; exit 1; fi
ls_forget
"""
_LOOK = r"""
ls_look
ls_on || {
    ls_why=$(LC_ALL=C stat -L -- "$ls_page" 2>&1 >/dev/null)
    case $ls_why in
        "" | *'No such file or directory'* | *'Not a directory'*) ;;
        *) echo "unknown $ls_page cannot be looked at: ${ls_why##*: }" ;;
    esac
}
if ls_on && [ -r "$state/maintenance" ] && ls_fits; then echo "marker $(sed -n 1p "$state/maintenance")"; fi
exit 0
"""


@dataclass(frozen=True)
class Page:
    """What a person asks the maintenance page to say. Empty: as the inventory has it."""

    retry: str = ""
    secret: Value = ""
    message: str = ""


@dataclass(frozen=True)
class MaintenanceState:
    """Whether an app is in maintenance on one host, since when (seconds since the epoch), and who put it there.

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
    def left(self) -> bool:
        """Whether a run that was cut off has left it on: the next one takes it up again."""
        return self.on and self.kind not in ("", "maintenance")

    @property
    def meant(self) -> bool:
        """Whether somebody wants it on."""
        return self.on and not self.left

    def __str__(self) -> str:
        if not self.on:
            return self.unknown or "off"
        who = f" by {self.by}" if self.by else ""
        return f"on{who}" + (f", {self.page}" if self.page else "")


def parse_maintenance(text: str, code: int) -> MaintenanceState:
    """The state from a probe's lines."""
    on, since, page, unknown = False, None, "", ""
    marker: Mapping[str, object] = {}
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        match word:
            case "on":
                on, since = True, number(rest) or None
            case "with":
                page = rest
            case "marker":
                marker = object_of(rest) or {}
            case "unknown":
                unknown = rest
    told = {key: str(marker.get(key, "")) if on else "" for key in ("run", "by", "kind")}
    return MaintenanceState(on, since, page, unknown=unknown, **told)


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
        return Probe("maintenance", self._command(place, _LOOK, Page()), parse_maintenance)

    def unless(self, place: ReleaseContext, run: str, asking: Command) -> Command:
        """A question whose last line is an HTTP status. Where the page answers it, and this run did not put it there,
        the last line is AWAY: a URL that goes past the page is judged as ever."""
        text = f"said=$(\n{asking.text}\n)\n{_PAGE_ANSWERS}"
        command = self._command(place, text, Page(), run=run, **asking.values)
        return replace(command, env=asking.env)

    def down(self, place: ReleaseContext, run: str, by: str, kind: str, *, taken: str = "") -> Command:
        """Put it down for one run; what is down already stays as it is, unless the run `taken` left it so."""
        return self._command(place, _DOWN, self.page, run=run, taken=taken, marker=_marker(run, by, kind))

    def up(self, place: ReleaseContext, run: str) -> Command:
        """Take it up if that run has put it down."""
        return self._command(place, _UP, self.page, run=run)

    def on(self, place: ReleaseContext, run: str, by: str, page: Page) -> Command:
        """Put it down until somebody takes it up."""
        asked = Page(page.retry or self.page.retry, page.secret or self.page.secret, page.message or self.page.message)
        return self._command(place, _DOWN_FOR_GOOD, asked, run=run, marker=_marker(run, by, "maintenance"))

    def off(self, place: ReleaseContext) -> Command:
        """Take it up, whoever put it down."""
        return self._command(place, _UP_FOR_GOOD, self.page, run="")

    def _command(self, place: ReleaseContext, text: str, page: Page, **more: Value) -> Command:
        asked = {"retry": page.retry, "secret": page.secret, "message": page.message}
        return place.command(self.text + _MARK + text, **{**asked, **self.values, **more})


def _marker(run: str, by: str, kind: str) -> str:
    return json.dumps({"run": run, "by": by, "kind": kind}, separators=(",", ":"), ensure_ascii=False)


# A web server tests for the file, and serves it: docs/maintenance.md has the lines for nginx.
_FILE = r"""
ls_page=$page
ls_on() { [ -e "$page" ]; }
ls_up() { rm -f "$page"; }
ls_escaped() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }
ls_down() {
    ls_said=${message:-We are at work here, and back soon.}
    mkdir -p "$(dirname "$page")" || return 1
    {
        echo '<!doctype html><html lang="en"><meta charset="utf-8"><title>Maintenance</title>'
        [ -z "$retry" ] || echo "<meta http-equiv=\"refresh\" content=\"$retry\">"
        echo "<p>$(ls_escaped "$ls_said")</p></html>"
    } >"$page.new" && chmod 0644 "$page.new" && mv -f "$page.new" "$page"
}
ls_look() { if ls_on; then echo "on $(stat -c %Y "$page" 2>/dev/null || echo 0)"; fi; }
"""


def by_file(page: str) -> Maintenance:
    """Maintenance by a static page that the web server serves with a 503 as long as it is there."""
    return Maintenance(_FILE, {"page": page})
