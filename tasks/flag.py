"""`fab flag.status`, `flag.set`, `flag.rollout` and `flag.undo`."""

from __future__ import annotations

from lockstitch import cli

_BLIND = "metric gates that may be blind, with commas: it goes on without what they would say"


@cli.session_task(needs="flags", options=cli.FANOUT)
def status(session: cli.Session, only: str = "") -> None:
    """
    Show each feature flag on each host.

    The value, what `flag.undo` goes back to, and whether the app's processes have that value.

        fab -H prod flag.status
        fab -H prod flag.status --only api --json

    Exit codes: 0 every flag is the same everywhere, 2 no app has flags, 3 a host is unreachable, 7 hosts differ, a
    process has another value, or a flag cannot be read.
    """
    cli.flags.show_flags(session, only)


@cli.session_task(
    takes="name",
    name="set",
    needs="flags",
    options=cli.CHANGE,
    help={"name": "NAME=VALUE: the flag, and what it is set to"},
)
def set_flag(session: cli.Session, name: str, only: str = "") -> None:
    """
    Set a feature flag on all hosts, or on none.

    One step without metric gates: the value is recorded, set, read back, and proven in the app's processes.

        fab -H prod flag.set PHASE_1=0 --message "the API is slow"
        fab -H prod flag.set PHASE_1=25 --only api

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 failed and the value before is back everywhere, 6 the hosts
    that are named need a person, 7 the flag cannot be read, 130 interrupted.
    """
    cli.flags.change_flag(session, "set", name, only)


@cli.session_task(
    takes="name",
    needs="flags",
    options=cli.CHANGE,
    help={"name": "the flag", "blind_gates": _BLIND},
)
def rollout(session: cli.Session, name: str, only: str = "", blind_gates: str = "") -> None:
    """
    Raise a flag in steps, watched by its gates.

    Raise a feature flag in steps, watched by its gates.

    The `steps` of the flag, one after the other: each is set on all hosts, read back, and watched for as long as it
    says. Steps that it has passed already are left out. Where one fails, the value before the rollout is put back.

        fab -H prod flag.rollout PHASE_1
        fab --dry -H prod flag.rollout PHASE_1

    Exit codes: as `flag.set`.
    """
    cli.flags.change_flag(session, "rollout", name, only, blind_gates)


@cli.session_task(takes="name", needs="flags", options=cli.CHANGE, help={"name": "the flag"})
def undo(session: cli.Session, name: str, only: str = "") -> None:
    """
    Put back what a flag was before.

    Put back the value that a feature flag had before the last `flag.rollout` or `flag.set`, as its hosts recorded it.

        fab -H prod flag.undo PHASE_1

    Exit codes: as `flag.set`; 7 too where no change of it is recorded.
    """
    cli.flags.change_flag(session, "undo", name, only)


namespace = cli.Collection("flag", status, set_flag, rollout, undo)
