"""Pure: an app's settings as they are declared, as they stand in its file, and as they run, on each host."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lockstitch.facts.settings import SettingFacts, env_path
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.variables import Setting
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.plans.queries import site as site_of

# Boot and start of a process are known to the second.
_SLACK = 1


@dataclass(frozen=True)
class SettingRow:
    """A setting on one site. `declared` is where its value is from; `file` and `runs` say how what is there is to it, and
    `evidence` how that is known. `problem` says what is wrong, `is_open` that it could not be told, and
    `note` what was not compared."""

    name: str
    site: Site
    declared: str
    file: str = ""
    runs: str = ""
    evidence: str = ""
    problem: str = ""
    hint: str = ""
    is_open: bool = False
    note: str = ""


@dataclass(frozen=True)
class RunningSetting:
    """State of a setting in a process: `same`, `differs`, `absent`, `older` (began before the file was written),
    `unreadable`, `unseen`, `built in`, or empty where the app's processes are not meant to have it. `evidence` says how that is known."""

    state: str = ""
    evidence: str = ""
    says: str = ""


def declared_words(setting: Setting) -> str:
    """Return where the value of a setting is from."""
    return setting.source or ("is" if setting.value is not None else "by hand")


def setting_rows(
    fleet: Fleet,
    facts: Mapping[Site, SettingFacts],
    lacking: Mapping[str, str],
    away: Mapping[str, str],
) -> tuple[SettingRow, ...]:
    """Return every setting of every site. `lacking` has why references cannot be resolved, `away` why hosts were not
    asked."""
    rows: list[SettingRow] = []
    for host, app in fleet.sites():
        at = site_of(host.name, app)
        for name in app.settings:
            rows.append(_row(fleet, app, at, name, facts.get(at), lacking, away))
    return tuple(_alike(fleet, rows, facts))


def _row(
    fleet: Fleet,
    app: App,
    at: Site,
    name: str,
    facts: SettingFacts | None,
    lacking: Mapping[str, str],
    away: Mapping[str, str],
) -> SettingRow:
    setting = app.settings[name]
    row = SettingRow(name, at, declared_words(setting))
    if facts is None:
        return replace(row, problem=f"not read: {away.get(at.host, 'the question has no answer')}", is_open=True)
    running = judge_running(app, name, facts)
    in_file = facts.states.get(name, "unread") if app.env_file else ""
    row = replace(row, file=in_file, runs=running.state, evidence=running.evidence)
    push = f"fab -H {fleet.inventory.name} env.push"
    if why := lacking.get(setting.source or ""):
        return replace(row, problem=f"its value is not known here: {why}", is_open=True)
    if app.env_file and in_file == "unread":
        return replace(row, problem=facts.problem or "the file was not read", is_open=True)
    path = env_path(app) if app.env_file else ""
    if in_file == "unclear":
        says = f"readers of {path} take its line for different values"
        return replace(row, problem=says, hint=f"{push} writes it anew", is_open=setting.by_hand)
    if in_file == "absent":
        hint = f"write it into {path} on the host, or declare it" if setting.by_hand else push
        return replace(row, problem=f"it is not in {path}", hint=hint)
    if in_file in ("differs", "empty"):
        return replace(row, problem=f"{path} has another value than is declared", hint=push)
    if running.state in ("differs", "absent", "older"):
        hint = f"fab -H {fleet.inventory.name} service.restart {app.name}"
        return replace(row, problem=running.says, hint=hint)
    if running.state in ("unreadable", "unseen"):
        return replace(row, problem=running.says, is_open=True)
    return row


def judge_running(app: App, name: str, facts: SettingFacts) -> RunningSetting:
    """Judge what the processes of an app have of a setting, by the best evidence there is."""
    file, setting = app.env_file, app.settings[name]
    if setting.when == "build":
        return RunningSetting("built in")
    if file is None and (setting.by_hand or not app.service.has_environment()):
        # Only the app's commands are given it.
        return RunningSetting()
    for line in facts.drift:
        if name in re.findall(r"\w+", line):
            return RunningSetting("differs", "service", line)
    by_app = file is not None and file.is_read_by_app
    if not facts.workers:
        if by_app and facts.reload is not None and facts.written is not None:
            return _aged(facts.reload, facts.written, "reload", "the last reload was")
        return RunningSetting("unseen", "", "its service tells of no process that could be asked")
    for process in facts.workers:
        if not process.readable:
            says = f"the environment of process {process.pid} cannot be read"
            return RunningSetting("unreadable", "", says)
    if app.service.has_environment() and any(p.settings.get(name) != "same" for p in facts.workers):
        # It has compared them itself (see `drift`): what they inherited says nothing of what they were given.
        return RunningSetting("same", "service")
    for process in facts.workers:
        if process.settings.get(name) == "differs":
            more = ", and dotenv libraries keep what is there" if by_app else ""
            says = f"process {process.pid} has another value in its environment{more}"
            return RunningSetting("differs", "environment", says)
    without = [process for process in facts.workers if process.settings.get(name) in ("lacks", None)]
    if not without:
        return RunningSetting("same", "environment")
    if not by_app:
        return RunningSetting("absent", "environment", f"process {without[0].pid} does not have it")
    if facts.written is None:
        return RunningSetting("unseen", "", "there is no file that the app could have read it from")
    began = min(facts.boot + process.began // 100 for process in without)
    return _aged(began, facts.written, "file age", "a process began")


def _aged(began: int, written: int, evidence: str, what: str) -> RunningSetting:
    if began + _SLACK < written:
        return RunningSetting("older", evidence, f"{what} before the file was written")
    return RunningSetting("same", evidence)


def _alike(fleet: Fleet, rows: list[SettingRow], facts: Mapping[Site, SettingFacts]) -> Iterator[SettingRow]:
    """Yield the rows; where hosts should have one value, and do not, that is a problem of each."""
    shared: dict[tuple[str, str], set[str]] = {}
    apps = {site_of(host.name, app): app for host, app in fleet.sites()}
    for row in rows:
        if row.site in facts and apps[row.site].settings[row.name].same:
            key = (row.site.app, row.name)
            shared.setdefault(key, set()).add(facts[row.site].hashes.get(row.name, ""))
    hosts = Counter(site.app for site in apps)
    for row in rows:
        hashed = row.site not in facts or facts[row.site].hashes.get(row.name)
        if apps[row.site].settings[row.name].same and row.file in ("same", "set") and not hashed and not row.problem:
            row = replace(row, problem="it was not compared: the host has no sha256sum", is_open=True)
        if apps[row.site].settings[row.name].same and hosts[row.site.app] == 1 and not row.problem:
            row = _alone(fleet, row, apps[row.site])
        if len(shared.get((row.site.app, row.name), ())) > 1 and not row.problem:
            row = replace(row, problem="the hosts differ", hint=f"fab -H {fleet.inventory.name} env.push")
        yield row


def _alone(fleet: Fleet, row: SettingRow, app: App) -> SettingRow:
    """Return the row of a setting that hosts should share, where one host alone was asked."""
    says = "one host was asked, so it was compared with no other host"
    others = [host for name, host in fleet.inventory.placed if name == app.name and host != row.site.host]
    if others and app.settings[row.name].by_hand:
        hint = f"fab -H {fleet.inventory.name} env.check asks {', '.join(others)} as well"
        return replace(row, problem=says, hint=hint, is_open=True)
    return replace(row, note=says)
