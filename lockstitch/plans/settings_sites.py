"""Pure: a site whose environment file is written: its steps, their way back, and the gate that proves what runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field, replace
from functools import partial
from typing import Literal

from lockstitch.facts.settings import (
    ENV_FILE,
    SettingFacts,
    env_path,
    file_values,
    kept_folder,
    setting_facts,
)
from lockstitch.inventory.model import App
from lockstitch.model.command import Command, Secret, Value, plain
from lockstitch.model.env_file import render
from lockstitch.model.gate import Gate, Verdict, failed, passed
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site, SitePlan, Step
from lockstitch.model.shell import shell_text
from lockstitch.plans.flag_sites import current
from lockstitch.plans.gates import gates
from lockstitch.plans.settings_state import judge_running
from lockstitch.plans.shell_texts import RECORD
from lockstitch.plans.steps import Deployment
from lockstitch.plans.taking import app_alone_reads, taking

_WRITE = ENV_FILE + shell_text(__package__, "settings_write.sh")
_RESTORE = ENV_FILE + shell_text(__package__, "settings_restore.sh")
EXPORT = ENV_FILE + shell_text(__package__, "settings_export.sh")


@dataclass(frozen=True)
class SettingsOptions:
    """The options of a change of settings: the verb, the `names` of those to write (all that have a value where there are
    none), the values by site, the `phase` of a rotation, the run, and who asks for it."""

    run: str
    by: str
    verb: Literal["push", "undo", "rotate"]
    names: tuple[str, ...] = ()
    message: str = ""
    known: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)
    phase: int = 0
    env: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)


@dataclass(frozen=True)
class SettingsSite:
    """A site whose environment file is written: how it is deployed, what was read there, and the values to write (None for
    a name that is taken out), or the run whose `former` file is put back. `copy` are two names: the first gets the value
    that the second has in the file."""

    job: Deployment
    facts: SettingFacts
    writes: Mapping[str, Value | None] = field(default_factory=dict)
    former: str = ""
    copy: tuple[str, str] | tuple[()] = ()

    @property
    def site(self) -> Site:
        return self.job.site

    @property
    def app(self) -> App:
        return self.job.app

    def changed(self) -> tuple[str, ...]:
        """Return the names whose values in the file are not those to write."""
        states = self.facts.states
        return tuple(n for n, value in self.writes.items() if states.get(n) != ("absent" if value is None else "same"))

    def settled(self) -> bool:
        """Tell whether there is nothing to do: the file has the values, and they run."""
        if self.former or self.changed():
            return False
        return self.job.old is None or judge_settings(self.app, tuple(self.writes), (), self.facts).passed

    def values(self, run: str) -> dict[str, Value]:
        """Return the values of the texts that write the file, or put it back."""
        dropped = " ".join(name for name, value in self.writes.items() if value is None)
        own = {"kept": kept_folder(self.app), "run": run, "former": self.former, "dropped": dropped}
        own["keep"] = str(self.app.env_file.keep) if self.app.env_file else ""
        return {**file_values(self.app), **own}

    def write_step(self, run: str) -> Step:
        """Return the step that writes the file; its way back puts the former one back."""
        file, known = self.app.env_file, self.values(run)
        assert file is not None
        written: dict[str, Value] = {}
        for name, value in self.writes.items():
            if value is not None:
                lines = render(file.format, name, plain(value))
                written[f"ls_r_{name}"] = Secret(lines, value.source) if isinstance(value, Secret) else lines
                written[f"ls_d_{name}"] = value
        given = {
            "env_names": " ".join((*(n for n, value in self.writes.items() if value is not None), *self.copy[:1])),
            "copy": " ".join(self.copy),
            "env_mode": file.mode,
            "env_owner": file.owner or "",
        }
        path, changed = env_path(self.app), ", ".join(self.changed())
        says = f"write {path} anew: {changed}" if changed else f"read {path}: it has the values"
        says = f"put back {path} as it was before run {self.former}" if self.former else says
        write = Command(_WRITE, values={**known, **given, **written})
        return Step("write settings", says, write, Command(_RESTORE, values=known), timeout=60)

    def unit(self, asked: SettingsOptions) -> SitePlan:
        """Return the steps that write the file and have the app take it, with their gates."""
        steps = (self.record_step(asked), self.write_step(asked.run))
        take = taking(self.job, EXPORT, self.values(asked.run), read_by_app=app_alone_reads(self.app))
        if not take:
            return SitePlan(self.site, steps)
        take = tuple(replace(step, redo_on_rollback=True) for step in take)
        serving = gates(self.app, current(self.job), asked.run)
        written = {name: value for name, value in self.writes.items() if value is not None}
        followed = tuple(self.app.settings) if self.former else self.copy[:1]
        dropped = tuple(name for name, value in self.writes.items() if value is None)
        proof = settings_gate(self.app, written, followed, dropped)
        return SitePlan(
            self.site,
            (*steps, *take),
            (*serving, proof),
            (*serving, settings_gate(self.app, {}, tuple(dict.fromkeys((*followed, *self.writes))))),
        )

    def record_step(self, asked: SettingsOptions) -> Step:
        """Return the step that records the names, and no value, in the host's journal."""
        names = " ".join(self.changed() or self.writes)
        entry = {"event": "settings", "kind": "settings", "verb": asked.verb, "names": names, "run": asked.run}
        entry |= {"by": asked.by, "app": self.site.app, "message": asked.message, "former": self.former}
        if asked.verb == "rotate":
            entry |= {"names": asked.names[0], "phase": str(asked.phase)}
        text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
        values = {"record": text, "journal": self.site.layout.journal, "reason": "", "told": "", "verdict": ""}
        says = f"record {asked.verb} of {names or self.former}"
        return Step("record settings", says, Command(RECORD, values=values), timeout=30)


def settings_gate(
    app: App, written: Mapping[str, Value], followed: tuple[str, ...] = (), dropped: tuple[str, ...] = ()
) -> Gate:
    """Return the gate that the file has the values that were `written`, and every process too; what the file has of those
    that are `followed`, whatever that is; and that nothing has those that are `dropped`."""
    judge = partial(judge_settings, app, tuple(written), followed, dropped=dropped)
    return Gate("settings", setting_facts(app, written, "", dropped), judge, tries=5)


def judge_settings(
    app: App, written: tuple[str, ...], followed: tuple[str, ...], facts: SettingFacts, dropped: tuple[str, ...] = ()
) -> Verdict:
    """Judge whether the file of an app has what was written, and whether what it has runs."""
    if facts.problem:
        return failed(f"{facts.problem}")
    path = env_path(app)
    for name in written:
        if (state := facts.states.get(name, "unread")) != "same":
            return failed(f"{name} in {path} is {state}, and should be what was written")
    hint = f"what starts the service sets it itself, or does not read {path}: see docs/settings.md"
    for name in (*written, *followed):
        if facts.states.get(name) in ("same", "set", "differs"):
            running = judge_running(app, name, facts)
            if running.state not in ("same", "built in"):
                return failed(f"{name}: {running.says or running.state}", hint)
    for name in dropped:
        if facts.states.get(name) != "absent":
            return failed(f"{name} stands in {path} still")
        if line := next((line for line in facts.drift if name in re.findall(r"\w+", line)), ""):
            return failed(line, hint)
        for process in () if app.service.has_environment() else facts.workers:
            if not process.readable or process.settings.get(name) not in ("lacks", None):
                return failed(f"process {process.pid} has {name} in its environment still, or cannot be read", hint)
    return passed(f"{path} has them, and they run" if written else f"what {path} has runs")
