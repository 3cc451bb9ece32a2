"""Shared by `reboot`, `packages.*` and `disk.clean`: hosts themselves, asked and then changed in turn."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import TypeVar

from lockstitch import plans
from lockstitch.cli.apps import limited
from lockstitch.cli.fanout import by_hand, end
from lockstitch.cli.run_plan import carry_out
from lockstitch.cli.session import Session, words
from lockstitch.engine.ask import Query, ask
from lockstitch.engine.fanout import HostScript
from lockstitch.errors import CheckError, ConnectError, ExitCode, LockstitchError, UsageError
from lockstitch.facts.packages import Packages, boot_probe, packages_probe
from lockstitch.facts.site import Survey
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.probe import Probe
from lockstitch.model.results import HostResult, worst_exit_code
from lockstitch.report.apps import packages_json, packages_text
from lockstitch.report.text import counted
from lockstitch.text import listed

T = TypeVar("T")
_MANY = 300.0


def reboot_hosts(session: Session, *, only_pending: bool, timeout: float) -> None:
    """Ask every host, plan it, show it, ask where it must be asked, carry it out."""
    if timeout <= 0:
        raise UsageError("--timeout is a number of seconds above 0; nothing was changed")

    def make() -> plans.Plan:
        turns = _turns(session)
        boots = _asked(session, boot_probe())
        mine = _boot_of_this_machine(session)
        if here := [name for name, boot in boots.items() if boot.identity == mine]:
            raise UsageError(f"{', '.join(here)}: that is the machine you type this on; nothing was changed")
        return plans.reboot(turns, boots, only_pending=only_pending, seconds=timeout)

    carry_out(session, make)


def show_updates(session: Session, *, refresh: bool) -> None:
    """Show the updates that apt has for every host; a line in the journal, as it may have fetched lists."""
    probe = packages_probe(refresh=refresh)
    script = Script((Step(probe.name, "", probe.command, timeout=_MANY),))
    work = [HostScript(host.name, host, script) for host in session.c.hosts]
    typed = "packages.updates --refresh" if refresh else "packages.updates"
    results = by_hand(session, typed, work)
    packages: dict[str, Packages | HostResult] = {}
    for host, answer in results.items():
        packages[host] = probe.parse(answer.results[0].output, answer.results[0].code) if answer.results else answer
    session.answer(lambda: packages_json(packages), lambda: packages_text(packages))
    bad = [answer for answer in packages.values() if isinstance(answer, Packages) and answer.problem]
    end([*results.values(), *([HostResult(ExitCode.CHECK_SAID_NO, "")] if bad else [])])


def upgrade_hosts(session: Session, only: str, *, security: bool, refresh: bool) -> None:
    """Ask apt on every host, plan it, show it, ask where it must be asked, carry it out."""

    def make() -> plans.Plan:
        turns = _turns(session)
        packages = _asked(session, packages_probe(refresh=refresh and not session.dry))
        chosen = {host: answer.chosen(security=security, only=words(only)) for host, answer in packages.items()}
        every = {update.name.partition(":")[0] for some in chosen.values() for update in some}
        for name in words(only):
            if name.partition(":")[0] not in every:
                session.note(f"{name} is to be upgraded nowhere")
        return limited(plans.upgrade(turns, packages, chosen), session.limits.timeout)

    carry_out(session, make)


def _turns(session: Session) -> plans.RollingHosts:
    """The hosts and what is known of their apps; of their groups' other hosts too, as far as they answer."""
    selection = session.c.selection
    hosts = session.c.hosts
    plain = ",".join(selection.plain)
    most = session.limits.at_once
    turns = plans.RollingHosts(session.run_id, session.by, plain, hosts, message=session.message, most=most)
    if not selection.fleets:
        return turns
    if selection.plain:
        raise UsageError("one environment, or plain hosts: not both at once; nothing was changed")
    fleet = session.fleet("")
    # All that runs on a host is concerned, whichever of its groups was named.
    groups = [group for group in fleet.inventory.groups if set(group.hosts) & set(hosts)]
    wide = replace(fleet, cells=tuple((group.name, host) for group in groups for host in group.hosts))
    survey = session.survey(wide, plans.usual_asks(wide))
    mine = {host.name for host in hosts}
    plans.raise_unreachable(Survey({}, {name: error for name, error in survey.unreachable.items() if name in mine}))
    env = plans.environments(wide, reveal=not session.dry)
    return replace(turns, environment=fleet.inventory.name, fleet=wide, survey=survey, env=env)


def _asked(session: Session, probe: Probe[T]) -> dict[str, T]:
    """Return the answer of every host. Raises where one gives none: nothing is changed on a part of them."""
    session.note(f"asking {counted(len(session.c.hosts), 'host')}")
    replies = ask(session.remote, [Query(host.name, host, (probe,), seconds=_MANY) for host in session.c.hosts])
    silent = [reply.result for reply in replies.values() if not reply.facts]
    if not silent:
        return {host: reply.facts[0] for host, reply in replies.items()}
    if worst_exit_code(silent) is ExitCode.INTERRUPTED:
        sys.exit(int(ExitCode.INTERRUPTED))
    error = _SilentError("\n".join([*(result.words for result in silent), "nothing was changed"]))
    error.exit_code = worst_exit_code(silent)
    raise error


def _boot_of_this_machine(session: Session) -> str:
    """The same question, asked here: a host of the inventory may be this machine, by whatever name."""
    probe = boot_probe()
    script = Script((Step(probe.name, "", probe.command, timeout=_MANY),))
    (result,) = session.remote.here.run(Host("this machine", Address("this machine"), local=True), script)
    return probe.parse(result.output, result.code).identity


class _SilentError(LockstitchError):
    exit_code = ConnectError.exit_code


_LONGEST = 300.0


def clean_disks(session: Session, only: str) -> None:
    """Survey, look, plan, show, ask where it must be asked, and carry it out."""
    fleet = session.fleet(only)

    def make() -> plans.Plan:
        survey = session.survey(fleet, plans.usual_asks(fleet))
        cleaning = plans.DiskCleanup(fleet, survey, session.run_id, session.by, session.message)
        hosts = {host.name: host for host in fleet.hosts}
        probes = cleaning.asks()
        queries = [
            Query(str(site), hosts[site.host], (probe,), site.app, site.user, _LONGEST, exact=True)
            for site, probe in probes.items()
        ]
        stopped = threading.Event()
        replies = ask(session.remote, queries, stopped=stopped)
        if stopped.is_set():
            raise KeyboardInterrupt
        if bad := [f"{name}: {r.result.words}" for name, r in replies.items() if r.result.code is not ExitCode.DONE]:
            raise CheckError(listed([*bad, "what can go could not be seen there; nothing was changed"]))
        return plans.clean(cleaning, {site: replies[str(site)].facts[0] for site in probes})

    carry_out(session, make)
