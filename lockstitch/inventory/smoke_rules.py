"""The steps of an app's `smoke` beside one another: what they need, and whose values they use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from lockstitch.inventory.merge import placements
from lockstitch.inventory.model import App
from lockstitch.inventory.smoke import SmokeSettings, SmokeStepSettings
from lockstitch.inventory.validation import did_you_mean
from lockstitch.inventory.yaml_tree import Problem, YamlNode
from lockstitch.model.smoke_check import RELEASE
from lockstitch.model.template import template_names
from lockstitch.model.written import references

RUN = "run"
BEARER_VALUE = "token"
# Keys of a step whose texts may hold saved values.
TEMPLATED = ("get", "head", "options", "post", "put", "patch", "delete", "json", "form", "headers", "bearer", "env")


def needed(steps: Mapping[str, SmokeStepSettings], name: str) -> tuple[str, ...]:
    """Return the steps that a step needs, directly or not, in the order written; those that are not there left out."""
    seen: set[str] = set()
    waiting = list(steps[name].needs)
    while waiting:
        each = waiting.pop()
        if each in steps and each not in seen:
            seen.add(each)
            waiting += steps[each].needs
    return tuple(each for each in steps if each in seen)


def saved_by(steps: Mapping[str, SmokeStepSettings], name: str) -> dict[str, list[str]]:
    """Return the values that a step may use, each with the steps that save it."""
    known: dict[str, list[str]] = {}
    for each in needed(steps, name):
        for value in steps[each].save:
            known.setdefault(value, []).append(each)
    return known


def misfits(tree: YamlNode, placed: Mapping[tuple[str, str], App]) -> Iterator[Problem]:
    """Yield a problem for each step that needs what is not there, and for each value that nothing saves."""
    first: dict[str, SmokeSettings] = {}
    for placement in placements(tree):
        app = placed.get((placement.app, placement.host))
        if app is None:
            continue
        yield from _rotations(app, placement.tree)
        if app.smoke is None:
            continue
        node = placement.tree.get("smoke")
        if first.setdefault(app.name, app.smoke) != app.smoke:
            yield node.problem(f"it differs on {placement.host}: the steps of an app are the same for all its hosts")
        yield from _of_app(app.smoke, node)


def _rotations(app: App, tree: YamlNode) -> Iterator[Problem]:
    """Yield a problem for each key of a provider whose smoke steps are not there, or do not prove what they should."""
    steps = app.smoke.steps if app.smoke else {}
    for name, setting in app.settings.items():
        rotation, node = setting.rotate, tree.get("settings", name, "rotate")
        if rotation is None or not rotation.proof:
            continue
        for key, step in (("proof", rotation.proof), ("refused", str(rotation.refused))):
            if step not in steps:
                yield node.get(key).problem(f"there is no smoke step {step}{did_you_mean(step, steps)}")
        if rotation.former == setting.source:
            yield node.get("former").problem("the new key is there: keep the former one in another place")
        if (last := steps.get(str(rotation.refused))) is None:
            continue
        at, status = node.get("refused"), last.expect.status
        if rotation.former not in set(references([last.model_dump(by_alias=True, exclude={"clean"})])):
            yield at.problem(f"{rotation.refused} does not use {rotation.former}, and proves nothing of that key")
        if last.method and not (status and all(400 <= each < 500 for each in status)):
            yield at.problem(f"{rotation.refused} must expect to be refused: write expect: 401")
        needing = [each for each, step in steps.items() if rotation.refused in step.needs]
        if needing or (app.smoke and rotation.refused in app.smoke.critical):
            yield at.problem("env.rotate alone runs it: it cannot be critical, and no step may need it")


def rotation_steps(app: App) -> set[str]:
    """Return the steps that use former keys: they are run where they are named, and by `env.rotate`."""
    return {setting.rotate.refused for setting in app.settings.values() if setting.rotate and setting.rotate.refused}


def _of_app(smoke: SmokeSettings, node: YamlNode) -> Iterator[Problem]:
    for name in smoke.steps:
        at = node.get("steps", name, "needs")
        for need in smoke.steps[name].needs:
            if need not in smoke.steps:
                yield at.problem(f"there is no step {need}{did_you_mean(need, smoke.steps)}")
    try:
        TopologicalSorter({name: step.needs for name, step in smoke.steps.items()}).prepare()
    except CycleError as error:
        circle = list(error.args[1])
        yield node.get("steps", circle[0], "needs").problem(f"the steps need each other: {' → '.join(circle[::-1])}")
        return
    for name in smoke.critical:
        if name not in smoke.steps:
            yield node.get("critical").problem(f"there is no step {name}{did_you_mean(name, smoke.steps)}")
            continue
        for each in (*needed(smoke.steps, name), name):
            if smoke.steps[each].harmful:
                yield node.get("critical").problem(f"{each} does harm, and cannot be critical")
    if smoke.canary and not smoke.critical:
        yield node.get("canary").problem("no step is critical: write critical: [NAME]")
    for name in smoke.steps:
        yield from _step(smoke, name, node.get("steps", name))


def _step(smoke: SmokeSettings, name: str, node: YamlNode) -> Iterator[Problem]:
    if name == RELEASE:
        yield node.problem("so is called what asks which release answers: give the step another name")
    step, known = smoke.steps[name], saved_by(smoke.steps, name)
    for value, savers in known.items():
        if len(savers) > 1 and value in _used(node):
            yield node.problem(f"{{{value}}} is saved by {' and '.join(savers)}: give the two values different names")
    if RUN in step.save:
        yield node.get("save", RUN).problem(f"{{{RUN}}} is the id of the run: save it by another name")
    yield from _unknown(smoke, name, node, known)
    clean = node.get("clean")
    mine = {**known, **{value: [name] for value in step.save}}
    yield from _unknown(smoke, name, clean, mine)
    for value in _used(clean):
        if value in step.save and value in key_values(smoke):
            says = f"{{{value}}} is a key, and would have to be written down for `smoke.clean`: use another value"
            yield clean.problem(says)
    if step.expect.sha256 == "file" and sent_file(smoke.steps, name) is None:
        yield node.get("expect", "sha256").problem("neither it nor a step that it needs sends a file")


def _unknown(smoke: SmokeSettings, name: str, node: YamlNode, known: Mapping[str, object]) -> Iterator[Problem]:
    for key in TEMPLATED:
        for value in dict.fromkeys(template_names(node.get(key).plain())):
            if value in known or value == RUN:
                continue
            savers = [each for each, step in smoke.steps.items() if value in step.save and each != name]
            if savers:
                says = f"{{{value}}} is saved by {savers[0]}, which {name} does not need: write needs: {savers[0]}"
            elif value in smoke.steps[name].save:
                says = f"{{{value}}} is saved from its own answer, and is not known before"
            else:
                every = dict.fromkeys([*(v for step in smoke.steps.values() for v in step.save), RUN])
                says = f"no step saves {{{value}}}{did_you_mean(value, every)}"
            yield node.get(key).problem(says)


def _used(node: YamlNode) -> set[str]:
    return {value for key in TEMPLATED for value in template_names(node.get(key).plain())}


def key_values(smoke: SmokeSettings) -> set[str]:
    """Return the saved values that may log somebody in: those of a bearer or another header. None is written down."""
    texts = [
        (each.bearer, list(each.headers.values()))
        for step in smoke.steps.values()
        for each in (step, step.clean)
        if each
    ]
    return {BEARER_VALUE, *template_names(texts)}


def sent_file(steps: Mapping[str, SmokeStepSettings], name: str) -> str | None:
    """Return the file that a step sends, or the one sent last before it; None where there is none."""
    for each in (name, *reversed(needed(steps, name))):
        if (file := steps[each].file) is not None:
            return file.path
    return None
