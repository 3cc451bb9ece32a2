"""The values of a plan: Step, Script, Unit, Wave, Plan. Made before the first change, carried out by `run.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Literal

from lockstitch.model.command import Command
from lockstitch.model.flag import FlagChange
from lockstitch.model.gate import Gate
from lockstitch.model.hook import Hook
from lockstitch.model.identity import Identity
from lockstitch.model.layout import Layout
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import collect
from lockstitch.model.smoke_check import SmokeCheck
from lockstitch.model.wave_watch import WaveWatch

RunKind = Literal[
    "deploy",
    "rollback",
    "backup",
    "verify",
    "prove",
    "prune",
    "restore",
    "analyze",
    "maintenance",
    "clean",
    "start",
    "stop",
    "restart",
    "reload",
    "reboot",
    "upgrade",
    "flag",
    "settings",
]


@dataclass(frozen=True)
class Step:
    """One change on one host.

    `says` is the sentence a person reads, and `timeout` is in seconds. How it is undone is one of three:
    `undo` is a command that takes it back; `again` means that it is put back by doing it once more after all
    undos (a build, a reload); neither means that it leaves nothing behind that matters. The undo of a step that
    `wraps` what follows it comes after all of that is back, on every host (to come out of maintenance). `asks` marks
    a question that travels with the steps: its exit code is part of the answer, and stops nothing. `expects` is what
    the number in its `progress NUMBER TEXT` lines will come to, about; 0 where that is not known. `tells` is for whom
    its lines `told NAME VALUE` are kept: for the records of that name when the run ends. Of one that `warns`, the lines
    `warning TEXT` are shown with the outcome.
    """

    name: str
    description: str
    command: Command
    undo: Command | None = None
    redo_on_rollback: bool = False
    undo_last: bool = False
    is_query: bool = False
    timeout: float = 1800.0
    expects: int = 0
    outputs_for: str = ""
    warns: bool = False


@dataclass(frozen=True)
class Script:
    """Consecutive steps for one host that travel together over one channel.

    `journal` is the file on the host that records each step's beginning and end (None: nothing is recorded, for
    probes). With `keep_going` a failing step does not stop the next. `user` runs it as that user through sudo. One that
    is `unseen` never stands in a command line, where other users of the host read it. After one that is `final` most
    likely no other follows. `about` are words on the run that its first record has as well.
    """

    steps: tuple[Step, ...]
    run: str = ""
    by: str = ""
    app: str = ""
    journal: str | None = None
    keep_going: bool = False
    user: str | None = None
    unseen: bool = False
    final: bool = False
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """One app on one host: who, where, and as whom. Or one `database`, whose layout is its vault; or the `machine`
    itself, whose lock and journal are in the home of the user who logs in."""

    host: str
    app: str
    layout: Layout
    user: str | None = None
    database: bool = False
    machine: bool = False

    def __str__(self) -> str:
        return self.host if self.machine else f"{self.app}@{self.host}"


@dataclass(frozen=True)
class SitePlan:
    """The part of a wave for one site: its steps, the gates they must pass, and the gates that prove it went back.

    `after` is the unit of an earlier wave that this one continues on the same site: they are put back as one.
    """

    site: Site
    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    rollback_gates: tuple[Gate, ...] = ()
    continues: SitePlan | None = None


@dataclass(frozen=True)
class Condition:
    """A condition that decides, when its wave's turn comes, whether there is anything to do.

    A pass of `gate` on `site` says that there is, a fail that there is not, and then the wave is left out; anything
    else is a failure. A wave is never replaced by another one: what is learnt during a run leaves out, and stops.
    """

    site: Site
    gate: Gate


@dataclass(frozen=True)
class Wave:
    """Units that change at the same time. Only a `visible` wave changes what users meet.

    `pause` is how many seconds are waited after the gates have passed; then they are asked once more. Where `watch` has
    gates, they judge that time. A `preflight` wave that fails is a refusal: everything it did is undone, and nothing of
    the deploy was begun. What a wave that `stands` has done stays when a later one fails: its hosts are well, and there
    is no older state to go back to. The steps of `smoke` are run when its gates have passed.
    """

    name: str
    site_plans: tuple[SitePlan, ...]
    visible: bool = False
    preflight: bool = False
    keep_on_failure: bool = False
    pause: float = 0.0
    watch: WaveWatch | None = None
    only_if: Condition | None = None
    smoke: tuple[SmokeCheck, ...] = ()


@dataclass(frozen=True)
class Commit:
    """One commit between two revisions."""

    revision: str
    author: str
    subject: str


@dataclass(frozen=True)
class Change:
    """The change of one site, as shown to people: revisions are full ids, None where there is none. `coming` are
    the commits that only `after` has, and `going` those that only `before` has, newest first, 200 at most; `ref` is
    what `after` was asked for by, in full for a branch or tag. `migrations` are those that lie between, and those that
    wait: their files, or as their tool names them. `authors` have written what comes in, also as co-authors;
    `authors_unknown` is why not all of them are known."""

    site: Site
    before: str | None
    after: str
    release: str
    coming: tuple[Commit, ...] = ()
    going: tuple[Commit, ...] = ()
    ref: str = ""
    migrations: tuple[str, ...] = ()
    authors: tuple[Identity, ...] = ()
    authors_unknown: str = ""


@dataclass(frozen=True)
class Plan:
    """The ordered waves for a fleet.

    `finish` is done when every wave has passed, `failed` (marking the release bad) when one did not, and `stopped` when
    a person has to say whether the release is good; none is undone. `notes` are sentences shown with the plan; `logs`
    show the app's logs when something failed.
    `journal_sizes` is how long each site's journal was when the plan was made, and `whole_journals` which of them were
    undamaged; `empty_reason` says why there is nothing to do where that is so, `summary` what is shown at the end,
    `next_command` the command to type next.
    `first_dumps` are, by app, the dumps made before the first of several tries that failed; `refs` the branches, tags
    or commits that were asked for; `flags` the feature flags that it changes. `hooks` are the user's own
    commands that belong to such a run.
    """

    kind: RunKind
    environment: str
    run: str
    by: str
    message: str
    waves: tuple[Wave, ...]
    finish: tuple[SitePlan, ...] = ()
    failed: tuple[SitePlan, ...] = ()
    stopped: tuple[SitePlan, ...] = ()
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    logs: dict[Site, tuple[Step, ...]] = field(default_factory=dict)
    journal_sizes: dict[Site, int] = field(default_factory=dict)
    whole_journals: frozenset[Site] = frozenset()
    empty_reason: str = "every host already runs it"
    summary: tuple[str, ...] = ()
    next_command: str = ""
    first_dumps: dict[str, str] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()
    refs: dict[str, str] = field(default_factory=dict)
    flags: tuple[FlagChange, ...] = ()

    @property
    def sites(self) -> tuple[Site, ...]:
        """Every site that is locked and changed, each once, in the order of the plan."""
        return tuple(dict.fromkeys(unit.site for unit in self.units()))

    def units(self) -> Iterator[SitePlan]:
        for wave in self.waves:
            yield from wave.site_plans
        yield from self.finish

    @property
    def commits(self) -> dict[str, tuple[Commit, ...]]:
        """Return by app the commits that come in on any host, or is taken back by a rollback; newest first."""
        by_app: dict[str, tuple[Commit, ...]] = {}
        for change in self.changes:
            some = change.going if self.kind == "rollback" else change.coming
            by_app[change.site.app] = tuple(dict.fromkeys((*by_app.get(change.site.app, ()), *some)))
        return by_app

    @property
    def authors(self) -> dict[str, tuple[tuple[Identity, ...], str]]:
        """Return by app who wrote what comes in on any host, and why not all of them are known, if they are not."""
        by_app: dict[str, tuple[tuple[Identity, ...], str]] = {}
        for app in dict.fromkeys(change.site.app for change in self.changes):
            here = [change for change in self.changes if change.site.app == app and change.before]
            moved = [change for change in here if change.before != change.after]
            unknown = next((each.authors_unknown for each in moved if each.authors_unknown), "")
            names = dict.fromkeys(author for change in moved for author in change.authors)
            by_app[app] = tuple(names), unknown if here else "nothing is deployed yet"
        return by_app

    @property
    def empty(self) -> bool:
        """Nothing to do."""
        return not self.waves


def warnings_of(site: Site, lines: Iterable[str]) -> list[str]:
    """The warnings in what a step printed, each with its site."""
    return [f"{site}: {warning}" for warning in collect(lines)["warning"]]
