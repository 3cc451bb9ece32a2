"""The probe of which settings of an app have changed since one of its releases was good, by hashes that stay on the host."""

from __future__ import annotations

import posixpath
from functools import partial

from lockstitch.facts.settings import ENV_FILE, file_values, kept_folder
from lockstitch.inventory.model import App
from lockstitch.model.command import Command, Value
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, last, unreadable
from lockstitch.model.shell import shell_text

_text = partial(shell_text, __package__)
HASHES = ENV_FILE + _text("settings_hash.sh")
_FORMER = ENV_FILE + _text("settings_former.sh")
_SINCE = HASHES + _text("settings_since.sh")


@dataclass(frozen=True)
class ChangedSettings:
    """The names of the settings that have `changed` since a release was good, and the run whose `former` file has them as
    they were. `problem` says why that is not known."""

    changed: tuple[str, ...] = ()
    former: str = ""
    problem: str = ""


@dataclass(frozen=True)
class FormerKey:
    """Places on a host that have the former key of a rotation: the file `in_file`, or a kept one. `problem` says why that
    is not known."""

    in_file: bool = False
    is_kept: bool = False
    problem: str = ""


def former_key(app: App, name: str, value: Value) -> Probe[FormerKey]:
    """Return the question where a host has a value of a setting."""
    values = {**file_values(app), "kept": kept_folder(app), "name": name, "value": value}
    return Probe("former key", Command(_FORMER, values=values), parse_former)


def parse_former(text: str, code: int) -> FormerKey:
    """Parse the lines of settings_former.sh."""
    said = collect(text)
    return FormerKey("file" in said, "kept" in said, "; ".join(unreadable(said, code)))


def snapshot_values(app: App, release: str) -> dict[str, str]:
    """Return where the hashes of a release's settings are."""
    state = app.layout_paths.state
    return {"state": state, "snapshots": posixpath.join(state, "released-settings"), "release": release}


def changed_settings(app: App, release: str) -> Probe[ChangedSettings]:
    """Return the question for the settings that have changed since a release."""
    values = {**file_values(app), **snapshot_values(app, release), "kept": kept_folder(app)}
    return Probe("settings since", Command(_SINCE, values=values), parse_changed)


def parse_changed(text: str, code: int) -> ChangedSettings:
    """Parse the lines of settings_since.sh."""
    said = collect(text)
    problem = "; ".join(unreadable(said, code))
    if not problem and "known" not in said:
        problem = "they were not recorded with it"
    return ChangedSettings(tuple(said["changed"]), last(said, "former"), problem)
