"""Checks of an app on its hosts: its repository, tools and folders, a clean checkout, its queues and units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lockstitch.checks.check import Check, Context, failed, finding, passed, unknown
from lockstitch.databases.migrations import Pending
from lockstitch.facts import queries
from lockstitch.facts.git import PLACE, SETTINGS
from lockstitch.facts.git.failure import git_failure
from lockstitch.facts.queries import SiteQuery, code_values, parse_place, probes
from lockstitch.facts.settings import shared_hint
from lockstitch.facts.site import CheckoutFacts, HostFacts
from lockstitch.facts.state_files import THERE
from lockstitch.inventory.checks import QueueChecks
from lockstitch.inventory.model import App
from lockstitch.model.command import Command, Value
from lockstitch.model.finding import Finding, Level
from lockstitch.model.folder import folder_hint
from lockstitch.model.format import sized
from lockstitch.model.host import Host
from lockstitch.model.probe import Probe, collect, fields
from lockstitch.model.shell import shell_text
from lockstitch.services.queues import QueueState
from lockstitch.services.release_context import ReleaseContext, Unwritable
from lockstitch.services.state import ServiceState
from lockstitch.services.systemd_unit import UNIT_HINT, unit_problem

_GIT = shell_text(__package__, "repository.sh")
_BOOT = r"""
command -v systemctl >/dev/null 2>&1 || { echo "unknown no systemctl"; exit 0; }
for unit in $units; do echo "unit $unit $(systemctl is-enabled "$unit" 2>/dev/null || :)"; done
"""
# Those that start by themselves, or by what starts.
_STARTS = ("enabled", "enabled-runtime", "static", "alias", "generated", "indirect", "linked")


def repository(app: App) -> Check:
    """Return the check that the app's repository answers this host, asked as the user who fetches from it."""
    command = Command(SETTINGS + _GIT, values=code_values(app), env=app.env)
    return Check("git", Probe("git", command, parse_git), partial(judge_git, app))


def parse_git(text: str, code: int) -> tuple[bool, str]:
    """Return whether the repository answered, and the output."""
    return code == 0, text.strip()


def judge_git(app: App, answer: tuple[bool, str]) -> Iterator[Finding]:
    answers, said = answer
    if answers:
        yield passed("git", f"{app.repository} answers, {' '.join(said.split())}")
    else:
        who = f" as {app.user}" if app.user else ""
        why = git_failure(said, app.repository)
        hint = why.hint or f"try it on the host{who}: git ls-remote {app.repository}"
        yield failed("git", f"{app.repository} does not answer: {why.reason or 'nothing was said'}", hint)


def place(host: Host, app: App) -> Check:
    """Return the check of the service's tools, of folders that must be writable, and of the free space that a deploy
    needs."""
    probe = probes(SiteQuery(host, app))[1]
    return Check("place", probe, partial(judge_place, app))


def judge_place(app: App, facts: HostFacts) -> Iterator[Finding]:
    for tool in facts.missing:
        says = f"{tool} is not found, which a deploy needs{facts.search.words(tool)}"
        yield failed("place", says, facts.search.hint(tool))
    if facts.unwritable:
        yield failed("place", "\n".join(map(str, facts.unwritable)), folder_hint(facts.unwritable))
    for unit, load in facts.units:
        yield failed("place", unit_problem(unit, load), UNIT_HINT)
    yield from _judge_shared(app, facts)
    if facts.free is None:
        yield unknown("place", f"how much is free at {app.path} is not told", "look there: df -P")
    elif facts.free < app.min_free:
        says = f"{sized(facts.free)} are free at {app.path}, {sized(app.min_free)} are wanted (min_free)"
        yield failed("place", says, f"make room: du -xh {app.path} | sort -h | tail")
    elif not (facts.missing or facts.unwritable or facts.units or facts.unshared):
        yield passed("place", f"{app.path} can be written, {sized(facts.free)} are free, the service's tools are there")


def may_deploy(app: App, env: Mapping[str, Value]) -> Check | None:
    """Return the check that who deploys may make the service take new code; None where it needs no right."""
    command = app.service.may_deploy(ReleaseContext(app.name, app.layout_paths, "", "", env))
    return Check("sudo", Probe("sudo", command, parse_rule), judge_rule) if command else None


def parse_rule(text: str, code: int) -> tuple[str, str]:
    """Return what is not allowed, and the line that allows it; nothing where all is allowed."""
    says, _, rule = text.strip().partition("\n")
    return (says or f"it ended with exit code {code}", " ".join(rule.split())) if code else ("", "")


def judge_rule(refused: tuple[str, str]) -> Iterator[Finding]:
    says, rule = refused
    if says:
        hint = f"on the host: sudo visudo -f /etc/sudoers.d/deploy, with the line: {rule}" if rule else ""
        yield failed("sudo", says.removesuffix(": a file in /etc/sudoers.d must say"), hint)
    else:
        yield passed("sudo", "who deploys may have its service take new code")


def _judge_shared(app: App, facts: HostFacts) -> Iterator[Finding]:
    """Judge shared files that are not there. Before the first deploy the repository may still bring them."""
    at = app.layout_paths.shared
    for path in facts.unshared:
        hint = shared_hint(app, path, "ENV")
        if path in facts.lost:
            yield failed("place", f"{path} is shared and not in {at}: the release that serves links to nothing", hint)
        else:
            says = f"{path} is shared and not in {at}: a deploy needs it there, or in the repository"
            yield finding("place", "warn", says, hint)


def checkout(app: App) -> Check:
    """Return the check that nobody has changed the checkout that a deploy updates."""
    probe = Probe("checkout", Command(THERE + PLACE, values=code_values(app)), parse_place)
    return Check("checkout", probe, partial(judge_checkout, app))


def judge_checkout(app: App, facts: CheckoutFacts) -> Iterator[Finding]:
    if facts.foreign:
        yield failed("checkout", facts.foreign, "move it away, or correct `path` and `layout`")
    elif facts.broken:
        yield failed("checkout", f"{app.path}: {facts.broken}", f"look there: git -C {app.path} status")
    elif facts.dirty:
        more = f" and {len(facts.dirty) - 3} more" if len(facts.dirty) > 3 else ""
        says = f"uncommitted changes in {app.path}: {', '.join(line.strip() for line in facts.dirty[:3])}{more}"
        yield failed("checkout", says, "commit or copy them away; deploy --discard-changes moves them aside")
    elif facts.unpublished and app.layout == "in_place":
        says = f"{facts.unpublished} commits of what is deployed in no branch or tag that was fetched"
        yield finding("checkout", "warn", says, "push them; deploy --discard-changes keeps them on the host alone")
    elif facts.built:
        names = ", ".join(line[3:] for line in facts.built[:3])
        yield passed("checkout", f"no changes in {app.path} but those of its own build: {names}")
    elif not facts.cloned:
        yield passed("checkout", f"nothing lies at {app.path} yet")
    else:
        yield passed("checkout", f"no uncommitted changes in {app.path}")


def migrations(app: App, env: Mapping[str, Value], context: Context) -> Check | None:
    """Return the check of migrations that the deployed code has not applied; None for an app that cannot list them."""
    probe = queries.pending(app, ReleaseContext(app.name, app.layout_paths, "", "", env))
    lacking = [why for reference in app.secrets.values() if (why := context.lacking.get(reference))]
    return Check("migrations", probe, partial(judge_migrations, lacking)) if probe else None


def judge_migrations(lacking: Sequence[str], pending: Pending | None) -> Iterator[Finding]:
    if pending is None:
        yield passed("migrations", "nothing is deployed here yet")
    elif pending.problem:
        yield unknown("migrations", "; ".join([str(pending), *lacking]), "try it there, in the folder of the app")
    elif pending.names:
        yield Finding("migrations", "warn", str(pending), "fab -H ENV deploy applies them")
    else:
        yield passed("migrations", "none is pending in the code that serves")


def environment(app: App, env: Mapping[str, Value], context: Context) -> Check | None:
    """Return the check that what runs has the environment, the unit and the ecosystem file that are meant now; None
    where the service does not know its processes. No value leaves the host."""
    if not app.service.tells_drift():
        return None
    lacking = [why for reference in app.secrets.values() if (why := context.lacking.get(reference))]
    whole = set(app.secrets) <= set(env)
    at = ReleaseContext(app.name, app.layout_paths, "", "", env, has_secrets=whole, built=app.built)
    probe = replace(app.service.probe(at), name="environment")
    return Check("environment", probe, partial(judge_environment, app.name, () if whole else lacking))


def judge_environment(app: str, lacking: Sequence[str], state: ServiceState) -> Iterator[Finding]:
    for drift in state.drift:
        yield failed("environment", drift, f"with the pause of a restart: fab -H ENV service.restart {app}")
    if not state.running and not state.expected:
        yield passed("environment", "nothing is deployed here yet")
    elif not state.running:
        yield unknown("environment", f"nothing runs that could be asked: {state.note}", "fab -H ENV service.status")
    elif lacking:
        yield unknown("environment", f"its secrets are not compared: {'; '.join(lacking)}", "make them available here")
    elif not state.drift:
        yield passed("environment", "what runs is as its unit, its ecosystem file and the inventory now say")


def queue(app: App, limits: QueueChecks, env: Mapping[str, Value]) -> Check | None:
    """Return the check of how many jobs wait; None where the app's service has no queues."""
    queues = app.service.queue(ReleaseContext(app.name, app.layout_paths, "", "", env))
    return Check("queue", queues.status, partial(judge_queue, limits)) if queues else None


def judge_queue(limits: QueueChecks, state: QueueState) -> Iterator[Finding]:
    if state.problem:
        yield unknown("queue", f"it cannot be asked: {state.problem}", "fab -H ENV queue.status tells more")
        return
    known = [size for size in state.sizes.values() if size is not None]
    if not known:
        yield unknown("queue", "how many jobs wait is not told", "fab -H ENV queue.status tells more")
        return
    waiting = sum(known)
    level: Level = "fail" if waiting > limits.fail else "warn" if waiting > limits.warn else "pass"
    starting = f" and {len(state.starting)} about to start" if state.starting else ""
    says = f"{waiting} waiting, {len(state.workers)} workers{starting}; fails beyond {limits.fail}"
    yield finding("queue", level, says, "fab -H ENV queue.status, and see whether its workers run")
    if state.sizes and len(known) < len(state.sizes):
        yield unknown("queue", "not every queue could be asked", "fab -H ENV queue.status tells more")


def writable(app: App, env: Mapping[str, Value]) -> Check | None:
    """Return the check that the user who deploys and the one who serves may write where the app must; None where the
    service has no such probe."""
    probe = app.service.rights(ReleaseContext(app.name, app.layout_paths, "", "", env))
    return Check("writable", probe, partial(judge_writable, app)) if probe else None


def judge_writable(app: App, paths: tuple[Unwritable, ...] | None) -> Iterator[Finding]:
    if paths is None:
        yield unknown(
            "writable", "nothing is deployed there, or nobody could look", "after the first deploy, ask again"
        )
        return
    for path in paths:
        yield failed("writable", str(path), app.service.rights_hint(path))
    if not paths:
        yield passed("writable", "who deploys and who serves may write where the app must")


def at_boot(units: Sequence[str], off: Level) -> Check:
    """Return the check that units start with the host; `off` is the level of one that does not."""
    command = Command(_BOOT, values={"units": " ".join(units)})
    return Check("at_boot", Probe("at_boot", command, parse_boot), partial(judge_boot, tuple(units), off))


def parse_boot(text: str, code: int) -> dict[str, str] | None:
    """Parse the state of each unit; None where there is no systemctl."""
    if text.startswith("unknown"):
        return None
    return {unit: state.strip() for unit, state in (fields(line, 2) for line in collect(text)["unit"])}


def judge_boot(units: Sequence[str], off: Level, states: Mapping[str, str] | None) -> Iterator[Finding]:
    for unit in units:
        state = (states or {}).get(unit)
        if states is None or unit not in states:
            says = "this host has no systemctl" if states is None else "systemctl does not tell"
            yield unknown("at_boot", f"{unit}: {says}", f"look there: systemctl is-enabled {unit}")
        elif state in ("", "not-found"):
            # Only newer ones have a word for that.
            says = f"{unit} does not start with the host: systemctl does not know it"
            yield finding("at_boot", off, says, "install it, or correct its name in the inventory")
        elif state in _STARTS:
            yield passed("at_boot", f"{unit} starts with the host ({state})")
        else:
            hint = f"on the host: sudo systemctl enable {unit}"
            yield finding("at_boot", off, f"{unit} does not start with the host: it is {state}", hint)
