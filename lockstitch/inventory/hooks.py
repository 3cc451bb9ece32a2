"""Models of `hooks`: commands of the user's own before and after a deploy or a rollback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from lockstitch.inventory.merge import name_of
from lockstitch.inventory.settings import AlternativeForm, Settings
from lockstitch.inventory.types import WORD, CommandLine, Name, PositiveDuration, as_written
from lockstitch.inventory.validation import LOCAL, did_you_mean
from lockstitch.inventory.yaml_tree import Problem, YamlNode
from lockstitch.model.hook import Hook
from lockstitch.model.host import Host


class HookSettings(Settings):
    """One command. It is given the run as JSON on stdin: [hooks](hooks.md). The command alone is enough if nothing else
    is set."""

    run: CommandLine = Field(
        description="the command; here it runs in the project's folder, on a host in the user's home"
    )
    run_on: Name = Field(default=LOCAL, description="`local`: here; or a host, or a group, whose first host it is")
    timeout: PositiveDuration = Field(
        default=as_written("60s"), description="how long it may take; then it is ended, and has failed"
    )


def _alone(written: Any) -> Any:
    return {"run": written} if isinstance(written, str) else written


Commands = tuple[Annotated[HookSettings, AlternativeForm(_alone, {"type": "string", WORD: "command"})], ...]


class Hooks(Settings):
    """Commands of your own, in the order written. Those of `before_deploy` and `before_rollback` can refuse a run."""

    before_deploy: Commands = Field(
        default=(), description="before the first change of a deploy; one that fails refuses it, and nothing is changed"
    )
    after_deploy: Commands = Field(default=(), description="after a deploy that is done")
    before_rollback: Commands = Field(
        default=(), description="before the first change of a rollback; one that fails refuses it"
    )
    after_rollback: Commands = Field(default=(), description="after a rollback that is done")
    failed: Commands = Field(
        default=(),
        description="after a deploy or a rollback that ended in another way: refused, gone back, interrupted",
    )
    runbook: Commands = Field(
        default=(), description="when the run of a runbook begins, waits, fails, was interrupted or undone, or is done"
    )


def hooks(settings: Hooks, hosts: Mapping[str, Host]) -> tuple[Hook, ...]:
    """Return every hook, in the order written; `hosts` has the host that each value of `run_on` means."""
    return tuple(
        Hook(event, each.run, hosts[each.run_on], each.timeout)
        for event in Hooks.model_fields
        for each in getattr(settings, event)
    )


def misplaced(tree: YamlNode) -> Iterator[Problem]:
    """Return a problem for every hook whose `run_on` is no host and no group."""
    groups = tree.get("groups").entries
    known = [LOCAL, *groups, *(name_of(host) for group in groups.values() for host in group.get("hosts").items)]
    for event in tree.get("hooks").entries.values():
        for each in event.items:
            at = each.get("run_on")
            if isinstance(at.content, str) and at.content not in known:
                yield at.problem(f"there is no group or host {at.content}{did_you_mean(at.content, known)}")
