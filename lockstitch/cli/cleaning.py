"""`disk.clean`: what can go is looked for, shown, and removed under the apps' locks."""

from __future__ import annotations

import threading

from lockstitch import plans
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import Work, everywhere
from lockstitch.errors import CheckError, ExitCode
from lockstitch.model.plan import Script, Step
from lockstitch.text import listed

_LONGEST = 300.0


def clean_disks(session: Session, only: str, message: str, *, yes: bool) -> None:
    """Survey, look, plan, show, ask where it must be asked, and carry it out."""
    fleet = session.fleet(only)

    def make() -> plans.Plan:
        found = session.survey(fleet, plans.usual_asks(fleet))
        cleaning = plans.Cleaning(fleet, found, session.run_id, session.by, message)
        hosts = {host.name: host for host in fleet.hosts}
        probes = cleaning.asks()
        work = [
            Work(
                str(site),
                hosts[site.host],
                Script((Step(probe.name, "", probe.command, timeout=_LONGEST),), app=site.app, user=site.user),
            )
            for site, probe in probes.items()
        ]
        stopped = threading.Event()
        done = everywhere(session.remote, work, stopped=stopped)
        if stopped.is_set():
            raise KeyboardInterrupt
        if bad := [f"{label}: {one.words}" for label, one in done.items() if one.code is not ExitCode.DONE]:
            raise CheckError(listed([*bad, "what can go could not be seen there; nothing was changed"]))
        results = {site: done[str(site)].results[0] for site in probes}
        left = {site: probe.parse(results[site].output, results[site].code) for site, probe in probes.items()}
        return plans.clean(cleaning, left)

    session.carry_out(make, yes=yes)
