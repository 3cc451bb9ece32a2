"""EFFECT: commands on many hosts at once; every host finishes, successes and failures are both kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lockstitch.at_once import at_once
from lockstitch.command import mask
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.host import Host
from lockstitch.plan import Script
from lockstitch.remote import Event, Observer, Remote, Result, StepOutput

DAY = 86400.0


@dataclass(frozen=True)
class Work:
    """A script for one host; `label` tells it from others on the same host."""

    label: str
    host: Host
    script: Script


@dataclass(frozen=True)
class Done:
    """How one ended: the code it counts as, that in words, and what its steps said."""

    code: ExitCode
    words: str
    results: tuple[Result, ...] = ()


def everywhere(remote: Remote, work: Sequence[Work], observe: Observer = lambda event: None) -> dict[str, Done]:
    """Carry out every script at once; how each ended, by its label."""
    errors = remote.connect(tuple(dict.fromkeys(one.host for one in work)))

    def one(given: Work) -> Done:
        if given.host.name in errors:
            return Done(ExitCode.UNREACHABLE, errors[given.host.name].message)
        secrets = {secret for step in given.script.steps for secret in step.command.secrets()}

        def masked(event: Event) -> None:
            observe(replace(event, line=mask(event.line, secrets)) if isinstance(event, StepOutput) else event)

        try:
            results = remote.run(given.host, given.script, masked if secrets else observe)
            results = tuple(replace(result, output=mask(result.output, secrets)) for result in results)
        except LockstitchError as error:
            return Done(error.exit_code, error.message)
        bad = next((result for result in results if not result.ok), None)
        if bad is None:
            return Done(ExitCode.DONE, "ok", results)
        return Done(ExitCode.CHECK_SAID_NO, f"exit code {bad.code}", results)

    return dict(zip([given.label for given in work], at_once(one, work, remote.interrupt, most=32), strict=True))


def worst(done: Sequence[Done]) -> ExitCode:
    """What all of them count as: a host that was not reached above everything else."""
    codes = [one.code for one in done]
    return max(codes, key=lambda code: (code == ExitCode.UNREACHABLE, code), default=ExitCode.DONE)
