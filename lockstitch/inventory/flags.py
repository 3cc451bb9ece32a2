"""The flags of an app beside what they name: gates, shared files, databases; and the order of their steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockstitch.flags.base import Flag, number_in
from lockstitch.inventory.merge import placements
from lockstitch.inventory.model import App
from lockstitch.inventory.types import tidied
from lockstitch.inventory.validation import did_you_mean
from lockstitch.inventory.yaml_tree import Problem, YamlNode


def misfits(tree: YamlNode, placed: Mapping[tuple[str, str], App]) -> Iterator[Problem]:
    """Yield a problem for each flag that names what is not there, or whose steps cannot be taken."""
    databases = list(tree.get("databases").entries)
    for placement in placements(tree):
        app = placed.get((placement.app, placement.host))
        for name, flag in app.flags.items() if app else ():
            assert app is not None
            node = placement.tree.get("flags", name)
            yield from _gates(flag, app, node)
            yield from _steps(flag, node)
            yield from _file(flag, app, node)
            yield from _database(flag, app, databases, node)
            yield from _setting(flag, app, node)


def _gates(flag: Flag, app: App, node: YamlNode) -> Iterator[Problem]:
    for at, name in zip(node.get("gates").items, flag.gates, strict=False):
        if name not in app.gates:
            yield at.problem(f"{app.name} has no gate {name}{did_you_mean(name, app.gates)}")
    if flag.gates and flag.steps and not any(step.seconds for step in flag.steps):
        yield node.get("gates").problem("no step lasts: they judge a step with `for`, such as {to: 10, for: 15m}")


def _steps(flag: Flag, node: YamlNode) -> Iterator[Problem]:
    seen: list[str] = []
    for at, step in zip(node.get("steps").items, flag.steps, strict=False):
        if says := flag.refusal(step.to):
            yield at.get("to").problem(says)
        now, before = number_in(step.to), number_in(seen[-1]) if seen else None
        if step.to in seen:
            yield at.get("to").problem(f"{step.to} is a step already")
        elif now is not None and before is not None and now < before:
            yield at.get("to").problem(
                f"{step.to} comes after {seen[-1]}: a rollout goes up, so that nobody who has it loses it"
            )
        seen.append(step.to)


def _file(flag: Flag, app: App, node: YamlNode) -> Iterator[Problem]:
    file = flag.file_in_release()
    if not file or app.layout != "releases":
        return
    path = tidied(file)
    if not any(path == shared.rstrip("/") or path.startswith(f"{shared.rstrip('/')}/") for shared in app.shared):
        at = node.get("file") if node.get("file").content else node
        yield at.problem(
            f"{file} is a file of one release, and the next one would not have the flag: add it to `shared`, or give "
            "the whole path of another file"
        )


def _database(flag: Flag, app: App, databases: list[str], node: YamlNode) -> Iterator[Problem]:
    name = flag.database_name()
    if name is None:
        return
    if not name and app.database is None:
        yield node.problem(f"{app.name} has no database: write database: NAME", "database")
    elif name and name not in databases:
        yield node.get("database").problem(f"there is no database {name}{did_you_mean(name, databases)}")


def _setting(flag: Flag, app: App, node: YamlNode) -> Iterator[Problem]:
    variable = flag.variable_name()
    setting = app.settings.get(variable)
    if setting is None:
        return
    if setting.when == "build":
        yield node.get("variable").problem(
            f"{variable} is built into the code (`when: build` in settings), and setting a flag builds nothing: change "
            "the setting, then env.push"
        )
    elif app.env_file and not setting.by_hand and flag.file_in_release() in ("", app.env_file.path):
        yield node.get("variable").problem(
            f"{variable} is declared in settings with a value, which env.push would put back: keep one of the two"
        )
