"""The probe of an app's settings on one host: in its environment file, and in each process. No value leaves the host."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from functools import partial
from typing import Literal, cast, get_args

from lockstitch.inventory.model import App
from lockstitch.inventory.types import tidied
from lockstitch.model.command import Command, Value, words
from lockstitch.model.env_file import ENV_FILE_READER
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields, last, number, record, unreadable
from lockstitch.model.shell import shell_text
from lockstitch.services.release_context import ReleaseContext

_text = partial(shell_text, __package__)
ENV_FILE = _text("env_file.sh")
_STATE = _text("settings.sh")

# `set`: it is there, and nothing is declared that it could be compared with.
FileState = Literal["same", "differs", "empty", "set", "absent", "unclear", "unread"]
ProcessState = Literal["same", "differs", "has", "lacks"]


@dataclass(frozen=True)
class SettingProcess:
    """A process of the app's service: what its environment has of each setting; empty where it cannot be read. `began`
    is in hundredths of a second since the boot."""

    role: str
    pid: str
    began: int
    settings: Mapping[str, ProcessState] = field(default_factory=dict)
    readable: bool = True


@dataclass(frozen=True)
class SettingFacts:
    """Facts about the settings of one site. `written` is when the file was written, `reload` when the service was last
    told to take something new, and `boot` when the host began, in seconds since the epoch;
    `hashes` are of values that hosts should share, salted for this question, and `kept` the runs whose former files are kept,
    oldest first. `records` are the lines of the journal about settings (`unrecorded`: why they, or the kept files, are not
    known), and `now` the host's clock. `problem` says why the file is not read."""

    states: Mapping[str, FileState] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    processes: tuple[SettingProcess, ...] = ()
    drift: tuple[str, ...] = ()
    problem: str = ""
    written: int | None = None
    mode: str = ""
    owner: str = ""
    boot: int = 0
    reload: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    now: int = 0
    records: tuple[Mapping[str, str], ...] = ()
    unrecorded: str = ""

    @property
    def workers(self) -> tuple[SettingProcess, ...]:
        """The processes that serve: the workers, or all where none is called so."""
        return tuple(p for p in self.processes if p.role == "worker") or self.processes


def recorded_at(entry: Mapping[str, str]) -> float | None:
    """Return when a line of the journal was written, in seconds since the epoch; None where it does not say."""
    try:
        return datetime.strptime(entry.get("at", ""), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def env_path(app: App) -> str:
    """Return where the environment file of an app is."""
    assert app.env_file is not None
    return served_path(app, app.env_file.path)


def served_path(app: App, path: str) -> str:
    """Return where a file of an app is; a shared one is there before the first release."""
    inside = tidied(path)
    shared = map(tidied, app.shared) if app.layout == "releases" else ()
    if any(inside == each or inside.startswith(f"{each}/") for each in shared):
        return posixpath.join(app.layout_paths.shared, inside)
    return posixpath.join(app.layout_paths.current, path)


def shared_hint(app: App, path: str, environment: str) -> str:
    """Return how a shared file that is not there gets to the hosts: `env.push` writes the app's environment file."""
    if app.env_file and env_path(app) == served_path(app, path):
        return f"write it: fab -H {environment} env.push"
    return f"bring it there once: fab -H {environment} put {words(path, path)} --shared {app.name}"


def kept_folder(app: App) -> str:
    """Return the folder on the host that keeps former environment files of an app."""
    return posixpath.join(app.layout_paths.state, "settings")


def file_values(app: App) -> dict[str, Value]:
    """Return the values that the functions of env_file.sh take; without a file its path is empty."""
    file = app.env_file
    return {
        "env_path": env_path(app) if file else "",
        "env_shared": app.layout_paths.shared if app.layout == "releases" else "",
        "env_format": file.format if file else "",
        "env_names": " ".join(app.settings),
        "env_awk": ENV_FILE_READER,
    }


def setting_facts(
    app: App, known: Mapping[str, Value], salt: str, dropped: tuple[str, ...] = ()
) -> Probe[SettingFacts]:
    """Return the question for the settings of an app; `known` are the declared values, by name, and `dropped` are
    names that the processes should have as the file does, and not where it does not."""
    given = {name: value for name, value in known.items() if name not in dropped}
    here = ReleaseContext(app.name, app.layout_paths, "", "", given, has_secrets=True, built=app.built)
    asked = app.service.probe(here).command
    text = f"{ENV_FILE}ls_service() (\n{asked.text}\n)\n{_STATE}"
    declared = {f"ls_d_{name}": known[name] for name in app.settings if name in known}
    names = " ".join(name for name in app.settings if name in known)
    compared = " ".join(name for name, setting in app.settings.items() if setting.same)
    more = {"known": names, "salt": salt, "compared": compared, "kept": kept_folder(app)}
    more["journal"] = app.layout_paths.journal
    more["dropped"] = " ".join(dropped)
    values = {"names": "", **asked.values, **file_values(app), **declared, **more}
    return Probe("settings", Command(text, values=values, env=asked.env), parse_settings)


def parse_settings(text: str, code: int) -> SettingFacts:
    """Parse the lines of settings.sh."""
    said = collect(text)
    states: dict[str, FileState] = {}
    hashes = {}
    for name, state, digest in (fields(line, 3) for line in said["value"]):
        states[name] = cast(FileState, state if state in get_args(FileState) else "unread")
        if digest:
            hashes[name] = digest
    written, mode, owner = fields(last(said, "file"), 3)
    return SettingFacts(
        states,
        tuple(said["other"]),
        tuple(_process(line) for line in said["process"]),
        tuple(said["drift"]),
        "; ".join(unreadable(said, code)),
        number(written),
        mode,
        owner,
        number(last(said, "boot")) or 0,
        number(last(said, "reload")),
        hashes,
        tuple(sorted(said["kept"])),
        number(last(said, "now")) or 0,
        tuple(entry for line in said["record"] if (entry := record(line))),
        last(said, "unrecorded"),
    )


def _process(line: str) -> SettingProcess:
    role, pid, began, seen, rest = fields(line, 5)
    known = get_args(ProcessState)
    states = {n: cast(ProcessState, s) for n, _, s in (each.partition("=") for each in rest.split()) if s in known}
    return SettingProcess(role, pid, number(began) or 0, states if seen == "seen" else {}, seen == "seen")
