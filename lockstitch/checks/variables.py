"""Checks that an app's environment variables are set, and not to an example's value. No value leaves the host or is
shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from lockstitch.checks.check import Check, Context, failed, passed, unknown
from lockstitch.facts.settings import ENV_FILE, env_path, served_path
from lockstitch.inventory.model import App
from lockstitch.inventory.variables import Setting
from lockstitch.model.command import Command, Secret, Value
from lockstitch.model.env_file import ENV_FILE_READER
from lockstitch.model.finding import Finding
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields, number
from lockstitch.model.shell import shell_text

NAME = "variables"

_ASK = f"{ENV_FILE}{shell_text(__package__, 'variables.sh')}"
_READER = f"{ENV_FILE_READER}{shell_text(__package__, 'variables.awk')}"


@dataclass(frozen=True)
class VariableValue:
    """A variable in one place: the length of its value, whether that is refused, and whether it breaks other rules.
    Readers of such a place may take one that is `unclear` for different values."""

    place: str
    length: int
    refused: bool = False
    broken: bool = False
    unclear: bool = False


@dataclass(frozen=True)
class VariableFacts:
    """Variables in the files on a host, by name with every place, and why other files cannot be read."""

    places: Mapping[str, tuple[VariableValue, ...]]
    unread: tuple[str, ...] = ()


def variables(app: App, context: Context) -> Check:
    """Return the check that each variable is set in the inventory or in one of the app's files."""
    required = ruled(app)
    lines = [
        "\x1f".join([name, how.match or "", how.each or "", *(value.lower() for value in how.refuse)])
        for name, how in required.items()
    ]
    files = _files(app)
    values = {
        "files": "\n".join(f"{dialect} {path}" for path, dialect in files.items()),
        "required": "\n".join(lines),
        "env_names": " ".join(required),
        "env_awk": _READER,
    }
    given = {name: _given(name, required[name], app, context) for name in required}
    judged = partial(judge, required, given, tuple(files))
    return Check(NAME, Probe(NAME, Command(_ASK, values=values), parse), judged)


def ruled(app: App) -> dict[str, Setting]:
    """Return the settings of an app whose values have rules."""
    return {name: setting for name, setting in app.settings.items() if setting.has_rules}


def _files(app: App) -> dict[str, str]:
    """Return the dialect of each file. That of one of `env_files` is told by its lines."""
    known = {env_path(app): app.env_file.format} if app.env_file else {}
    others = [served_path(app, path) for path in app.checks.env_files]
    return {**{path: "shell" if path.endswith(".sh") else "any" for path in others}, **known}


def _given(name: str, how: Setting, app: App, context: Context) -> VariableValue | str | None:
    """Return the inventory's value; a reason if its secret is not available, empty if it was not looked up; None if it
    has none."""
    if name in app.env:
        return known_value("the inventory's env", app.env[name], how)
    reference = app.secrets.get(name)
    if reference is None:
        return None
    if reference in context.known:
        return known_value("the inventory's secrets", context.known[reference], how)
    return context.lacking.get(reference, "")


def known_value(place: str, value: Value, how: Setting) -> VariableValue:
    """Return a value that is known on this machine as its length and whether it is refused."""
    plain = value.reveal() if isinstance(value, Secret) else value
    refused = how.is_refused(plain)
    return VariableValue(place, len(plain), refused, not refused and not how.is_formed(plain))


def parse(text: str, code: int) -> VariableFacts:
    said = collect(text)
    places: dict[str, tuple[VariableValue, ...]] = {}
    for name, state, length, place in (fields(line, 4) for line in said["variable"]):
        places[name] = (
            *places.get(name, ()),
            VariableValue(place, number(length) or 0, state == "refused", state == "broken", state == "unclear"),
        )
    return VariableFacts(places, tuple(said["unread"]))


def judge(
    required: Mapping[str, Setting],
    given: Mapping[str, VariableValue | str | None],
    files: Sequence[str],
    facts: VariableFacts,
) -> Iterator[Finding]:
    """Yield a finding for each variable. If it is set in several places, each value must be good, since any may
    apply."""
    for name, how in required.items():
        mine = given.get(name)
        places = [*([mine] if isinstance(mine, VariableValue) else []), *facts.places.get(name, ())]
        bad = [said for place in places if (said := _against(place, how))]
        if bad:
            yield failed(NAME, f"{name}: {bad[0]}", f"give {name} a value of its own there")
        elif isinstance(mine, str) and mine:
            yield failed(NAME, f"{name}: its secret cannot be had: {mine}", "make it available on this machine")
        elif unclear := next((place.place for place in places if place.unclear), ""):
            says = f"{name}: it cannot be told, readers of {unclear} take its line for different values"
            yield unknown(NAME, says, "write its value in quotes, in a line of its own")
        elif places:
            yield passed(NAME, f"{name} is set in {' and in '.join(place.place for place in places)}")
        elif isinstance(mine, str):
            yield unknown(NAME, f"{name} comes from a secret that was not looked up", "fab -H ENV check looks it up")
        elif facts.unread:
            says = f"{name}: it cannot be told: {'; '.join(facts.unread)}"
            yield unknown(NAME, says, "let the user who deploys read it, or name another of `env_files`")
        else:
            says = f"{name} is not set: not in env, secrets, {', '.join(files) or 'or any file'}"
            yield failed(
                NAME, says, f"write {name}=… into {files[0] if files else 'one of env_files'}, or into `secrets`"
            )


def _against(place: VariableValue, how: Setting) -> str:
    if place.unclear:
        return ""
    if place.length == 0:
        return f"it is empty in {place.place}"
    if place.refused:
        return f"in {place.place} it is still a value that everybody knows"
    if place.broken:
        return f"in {place.place} it does not match what `match` or `each` says"
    if place.length < how.min_length:
        return f"in {place.place} it is {place.length} characters long, {how.min_length} are wanted"
    return ""
