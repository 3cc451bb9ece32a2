"""A plan as text for confirmation, and as JSON. Pure."""

from __future__ import annotations

from typing import Any

from lockstitch.model.flag import value_words
from lockstitch.model.format import sized, span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Change, Commit, Plan, SitePlan, Wave
from lockstitch.model.probe import fields, number
from lockstitch.model.release import short
from lockstitch.plans.plan_hash import plan_hash
from lockstitch.report.smoke_checks import check_json, check_text
from lockstitch.report.text import counted, indented, table
from lockstitch.text import oneline

_COMMITS_SHOWN = 20
# More than these are not asked of a host.
_COMMITS_ASKED = 200


def plan_text(plan: Plan, *, commands: bool = False) -> str:
    """Return what the plan does, in order: changes, commits, notes, waves; with `commands`, the shell text of each
    step."""
    if plan.empty:
        return f"nothing to do in {plan.environment}: {oneline(plan.empty_reason)}"
    lines = [
        f"{plan.kind} of {plan.environment}, run {plan.run}" + (f": {oneline(plan.message)}" if plan.message else ""),
        "",
    ]
    if plan.changes:
        lines += table(("HOST", "APP", "FROM", "TO"), [_change(change) for change in plan.changes]).splitlines()
    lines += _flags(plan)
    lines += _commits(plan)
    if plan.notes:
        lines += [*_apart(lines), *(f"! {oneline(note)}" for note in plan.notes)]
    lines += [*_apart(lines), "in this order:", "   0. lock every host, or none"]
    lines += [f"        {oneline(str(hook))}" for hook in plan.hooks if hook.event == f"before_{plan.kind}"]
    before: set[tuple[str, ...]] = set()
    for place, wave in enumerate(plan.waves, 1):
        lines += [f"  {place:2}. {oneline(wave.name)}{_pause(wave)}", *_units(wave.site_plans, commands, before)]
        lines += [f"        then {oneline(check_text(check))}" for check in wave.smoke]
    lines += [f"  {len(plan.waves) + 1:2}. record, prune, unlock"]
    lines += [f"        {oneline(str(hook))}" for hook in plan.hooks if hook.event == f"after_{plan.kind}"]
    lines += [f"        if it ends in another way: {oneline(str(h))}" for h in plan.hooks if h.event == "failed"]
    return "\n".join(lines)


def plan_top(plan: Plan, rows: int, columns: int) -> str:
    """Return what a person must know of a plan before it is confirmed, in so many rows of a screen if possible: from
    what to what, commits, warnings. The lines of commits that have no room are counted."""
    head = [f"{plan.kind} of {plan.environment}, run {plan.run}", *([oneline(plan.message)] if plan.message else [])]
    same: dict[tuple[str, str, str], list[str]] = {}
    for change in plan.changes:
        same.setdefault((change.site.app, short(change.before), short(change.after)), []).append(change.site.host)
    head += (
        table(
            ("APP", "FROM", "TO", "HOSTS"), [(*key, _some(hosts, columns - 34)) for key, hosts in same.items()]
        ).splitlines()
        if same
        else []
    )
    head += _flags(plan)
    warnings = [f"! {oneline(note)}" for note in plan.notes]
    steps = sum(len(unit.steps) for wave in plan.waves for unit in wave.site_plans)
    names = oneline(", ".join(wave.name for wave in plan.waves))
    tail = [f"in {counted(len(plan.waves), 'wave')}, {counted(steps, 'step')}: {names}"]
    taken = sum(-(-max(len(line), 1) // columns) for line in (*head, *warnings, *tail))
    return "\n".join([*head, *_fitting(_commits(plan), rows - taken, columns), *warnings, *tail])


def _some(hosts: list[str], room: int) -> str:
    """Return names of hosts as far as there is room for them, and how many there are."""
    whole = ", ".join(hosts)
    if len(whole) <= room:
        return whole
    fitting = whole[: max(room - 10, 1)].rpartition(",")[0]
    return f"{fitting}, … ({len(hosts)})" if fitting else f"{len(hosts)} hosts"


def _fitting(lines: list[str], rows: int, columns: int) -> list[str]:
    """Return the first of these lines that fit, each cut to one row, with a last one that tells how many do not."""
    cut = [line if len(line) <= columns else f"{line[: columns - 1]}…" for line in lines if line]
    if len(cut) <= rows:
        return cut
    return [*cut[: max(rows - 1, 0)], f"  … {len(cut) - max(rows - 1, 0)} more lines"] if rows > 0 else []


def _change(change: Change) -> tuple[str, str, str, str]:
    return (change.site.host, change.site.app, short(change.before), short(change.after))


def _flags(plan: Plan) -> list[str]:
    rows = [(flag.flag, flag.app, flag.host, value_words(flag.before), value_words(flag.after)) for flag in plan.flags]
    return table(("FLAG", "APP", "HOST", "FROM", "TO"), rows).splitlines() if rows else []


def _commits(plan: Plan) -> list[str]:
    """Return the commits that come and go, once for all hosts of an app with the same ones."""
    same: dict[tuple[Any, ...], list[str]] = {}
    for change in plan.changes:
        same.setdefault((change.site.app, change.coming, change.going), []).append(change.site.host)
    apps = [app for app, _, _ in same]
    lines = []
    for (app, coming, going), hosts in same.items():
        label = app if apps.count(app) == 1 else f"{app} on {', '.join(hosts)}"
        lines += _listed(f"{label}: {{}} coming in", coming)
        if plan.kind == "rollback":
            lines += _listed(f"{label}: {{}} taken back", going)
        else:
            lines += _listed(
                f"! {label}: {{}} {'goes' if len(going) == 1 else 'go'}: deployed there, not in this", going
            )
    return lines


def _listed(says: str, commits: tuple[Commit, ...]) -> list[str]:
    if not commits:
        return []
    number = counted(len(commits), "commit") + (" or more" if len(commits) == _COMMITS_ASKED else "")
    lines = ["", says.format(number)]
    lines += indented((f"{short(c.revision)} {c.author}: {c.subject}" for c in commits[:_COMMITS_SHOWN]), "  ")
    if len(commits) > _COMMITS_SHOWN:
        lines.append(f"  and {len(commits) - _COMMITS_SHOWN} more")
    return lines


def _apart(lines: list[str]) -> list[str]:
    """Return an empty line, unless the last line is empty."""
    return [""] if lines[-1] else []


def _pause(wave: Wave) -> str:
    if not wave.pause:
        return ""
    gates = f" {oneline(', '.join(wave.watch.gates))}" if wave.watch and wave.watch.gates else ""
    return f", then {'watch' if gates else 'wait'}{gates} for {span(wave.pause)}"


def _units(units: tuple[SitePlan, ...], commands: bool, before: set[tuple[str, ...]]) -> list[str]:
    """Return the steps of units, identical lists once; `before` has the lists of earlier waves."""
    lines: list[str] = []
    same: dict[tuple[str, ...], list[SitePlan]] = {}
    for unit in units:
        gates = tuple(f"gate: {gate.name}" for gate in unit.gates)
        same.setdefault(tuple(oneline(step.description) for step in unit.steps) + gates, []).append(unit)
    for what, some in same.items():
        sites = ", ".join(str(unit.site) for unit in some)
        if what in before and not commands:
            lines.append(f"        on {sites}: the same")
            continue
        before.add(what)
        lines.append(f"        on {sites}")
        for index, sentence in enumerate(what):
            lines.append(f"          {sentence}")
            if commands and index < len(some[0].steps):
                lines += indented(some[0].steps[index].command.shown().splitlines(), " " * 14 + "| ")
    return lines


def run_json(plan: Plan) -> dict[str, Any]:
    """Return what documents of plans, outcomes and refusals have in common, from a plan."""
    return {
        **asked_json(plan.environment, plan.run, plan.by, plan.message),
        "kind": plan.kind,
        "refs": dict(plan.refs),
        "changes": [
            {
                "host": c.site.host,
                "app": c.site.app,
                "from": c.before,
                "to": c.after,
                "release": c.release,
                "coming": [vars(commit) for commit in c.coming],
                "going": [vars(commit) for commit in c.going],
                "migrations": list(c.migrations),
            }
            for c in plan.changes
        ],
        "commits": {app: [vars(c) for c in commits] for app, commits in plan.commits.items()},
        "flags": [{"flag": f.flag, "app": f.app, "host": f.host, "from": f.before, "to": f.after} for f in plan.flags],
        "notes": list(plan.notes),
    }


def asked_json(environment: str | None, run: str, by: str, message: str) -> dict[str, Any]:
    """Return the beginning of such a document before there is a plan."""
    return {
        "kind": None,
        "environment": environment,
        "run": run,
        "by": by,
        "message": message,
        "result": "refused",
        "refs": {},
        "changes": [],
        "commits": {},
        "flags": [],
        "backups": [],
        "notes": [],
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for programs."""
    made = [(unit.site, step) for unit in plan.units() for step in unit.steps if step.name == "backup"]
    return {
        **run_json(plan),
        "result": "nothing to do" if plan.empty else "planned",
        "reason": plan.empty_reason if plan.empty else None,
        "empty": plan.empty,
        "hash": plan_hash(plan),
        "authors": {
            app: {
                "known": not unknown,
                "unknown": unknown,
                "people": [{"name": a.name, "mail": a.mail} for a in authors],
            }
            for app, (authors, unknown) in plan.authors.items()
        },
        "backups": [
            {"host": site.host, "database": site.app, "name": str(step.command.values["name"])} for site, step in made
        ],
        "hooks": [{"event": h.event, "run": h.line, "on": h.host.name, "timeout": h.timeout} for h in plan.hooks],
        "waves": [
            {
                "name": wave.name,
                "visible": wave.visible,
                "pause": wave.pause,
                "watch": _watch_json(wave),
                "smoke": [check_json(check) for check in wave.smoke],
                "units": [
                    {
                        "host": unit.site.host,
                        "app": unit.site.app,
                        "steps": [{"name": step.name, "says": step.description} for step in unit.steps],
                        "gates": [gate.name for gate in unit.gates],
                    }
                    for unit in wave.site_plans
                ],
            }
            for wave in plan.waves
        ],
    }


def _watch_json(wave: Wave) -> dict[str, Any] | None:
    """Return the metric gates that judge the pause of a wave; None where none does."""
    if not wave.watch or not wave.watch.gates:
        return None
    return {
        "app": wave.watch.app,
        "gates": list(wave.watch.gates),
        "deciding": list(wave.watch.deciding),
        "not_worse": list(wave.watch.not_worse),
        "waived": list(wave.watch.waived),
    }


Expected = dict[tuple[str, str, str], int]


@dataclass(frozen=True)
class StepProgress:
    """The progress of a step: `amount` of about `of` (0 where that is unknown), and both as text."""

    amount: int
    of: int
    words: str


def expected(plan: Plan) -> Expected:
    """Return the expected size of each step that has one, by host, app and step."""
    return {
        (unit.site.host, unit.site.app, step.name): step.expects
        for unit in plan.units()
        for step in unit.steps
        if step.expects
    }


def progress(line: str, whole: int) -> StepProgress | None:
    """Return the progress in a line of a step whose expected size is `whole`; None for any other line."""
    word, count, words = fields(line, 3)
    amount = number(count) if word == "progress" else None
    if amount is None:
        return None
    if words.startswith("bytes"):
        about = f" of about {sized(whole)}" if whole else ""
        return StepProgress(amount, whole, f"{sized(amount)}{about}{words.removeprefix('bytes')}")
    return StepProgress(amount, whole, f"{amount}{f' of {whole}' if whole else ''} {words}")
