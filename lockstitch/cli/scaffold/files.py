"""Every file of a new operations repository, from the template and a person's answers. Pure."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from lockstitch import __version__
from lockstitch.cli.scaffold.answers import InitAnswers
from lockstitch.cli.scaffold.service_settings import settings
from lockstitch.errors import LockstitchError
from lockstitch.inventory.schema import HostSettings, published

SCHEMA = "inventory.schema.json"
_WIDTH = 116
_ROOM = 34
# What every reader of YAML takes for a word; all else is written in quotes.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*|\d+\.\d+\.\d+\.\d+")
_NO_WORD = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_LAYOUT = {
    "releases": "a folder a release, and a `current` symlink",
    "in_place": "a checkout updated where it stands",
}


def scalar(value: Any) -> str:
    """A value that YAML reads back as it is."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _NO_WORD:
        return text
    made: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)
    return made.rstrip("\n")


def block(value: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a mapping."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield f"{scalar(key)}:"
            yield from (f"  {line}" for line in block(inner))
        elif isinstance(inner, Mapping):
            yield f"{scalar(key)}: {{}}"
        elif isinstance(inner, list | tuple):
            yield f"{scalar(key)}: [{', '.join(map(scalar, inner))}]"
        else:
            yield f"{scalar(key)}: {scalar(inner)}"


def inventory_text(answers: InitAnswers, others: Mapping[str, str]) -> str:
    """The inventory; `others` are settings of the service that were not given, and what each is for."""
    return "\n".join([*_head(answers), "", *_hosts(answers), "", *_app(answers, others), "", *_end()]) + "\n"


def _head(answers: InitAnswers) -> Iterator[str]:
    name = answers.environment
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "#"
    yield f"# The environment {name}. Editors that know YAML schemas complete this file; what is wrong in it is an"
    yield f"# error that names the line. What it means, without connecting to anything: fab -H {name} hosts"
    yield ""
    yield _noted(f"protect: {scalar(answers.protect)}", "a change asks for the environment's name; in CI: --yes")
    yield ""
    empty = "" if answers.user or answers.gateway else "{}"
    yield f"ssh: {empty:<29} # what is left out here, ~/.ssh/config is asked for"
    if answers.user:
        yield f"  user: {scalar(answers.user)}"
    if answers.gateway:
        yield f"  gateway: {scalar(answers.gateway)}"


def _hosts(answers: InitAnswers) -> Iterator[str]:
    yield "# Groups are deployed in the order written, and so are the apps in a group."
    yield "groups:"
    described: set[str] = set()
    for number, (name, hosts) in enumerate(answers.groups.items()):
        yield f"  {scalar(name)}:"
        yield "    hosts:"
        for host in hosts:
            # Described once: elsewhere its name stands for it.
            there = HostSettings(name=host.name) if host.name in described else host
            described.add(host.name)
            yield from (f"      {line}" for line in _host(there, answers.user))
        if number:
            yield _noted("    apps: []", "the apps that run here, by their names under `apps`")
        else:
            yield f"    apps: [{scalar(answers.app)}]"


def _host(host: HostSettings, user: str) -> Iterator[str]:
    settings = host.model_dump(include={"name", "address", "port", "user"}, exclude_unset=True)
    if settings.get("user") == user:
        del settings["user"]
    if list(settings) == ["name"]:
        yield f"- {scalar(host.name)}"
    else:
        yield f"- {{{', '.join(f'{key}: {scalar(value)}' for key, value in settings.items())}}}"


def _app(answers: InitAnswers, others: Mapping[str, str]) -> Iterator[str]:
    if answers.app_is_common:
        yield f"# The settings of {answers.app} are in _all.yml; what differs here stands under `apps`."
        return
    yield "apps:"
    yield f"  {scalar(answers.app)}:"
    yield _noted(f"    repository: {scalar(answers.repository)}", "fetched by the hosts themselves")
    yield _noted(f"    ref: {scalar(answers.ref)}", "unless --ref says otherwise")
    yield _noted(f"    layout: {answers.layout}", _LAYOUT[answers.layout])
    yield f"    path: {scalar(answers.path)}"
    yield "    # build: [./build.sh]            lines that make the code ready, in the release's folder"
    yield "    # test: [./test.sh]              lines that must succeed before the code serves"
    yield "    # migrate: ./migrate.sh          once a deploy, on the first host"
    yield "    # database: main                 its name under `databases`; dumped before a migration"
    yield "    # env: {LOG_LEVEL: info}"
    yield "    # secrets: {API_KEY: env:PROD_API_KEY}     only where each is, never what it is"
    yield "    service:"
    yield from (f"      {line}" for line in block(answers.service))
    yield from _comments(others, "      ")
    if answers.health:
        yield from ["    health:", f"      url: {scalar(answers.health)}"]
        yield "      # expect: {status: healthy}    fields of a good JSON answer"
        yield "      # revision: revision           the field that tells the commit: it must be the new one"
    else:
        yield '    # health: {url: "http://localhost:8000/health"}     asked on each host after a switch'


def _end() -> Iterable[str]:
    return ["rollout: {canary: 1, batch: 50%}   # one host first, then half of them at a time"]


def _comments(notes: Mapping[str, str], by: str) -> Iterator[str]:
    for key, says in notes.items():
        lines = textwrap.wrap(f"{key}: {says}", _WIDTH - len(by) - 2, break_on_hyphens=False)
        yield from (f"{by}# {line}" for line in lines)


def _noted(line: str, note: str) -> str:
    return f"{line:<{_ROOM}} # {note}"


_ENVIRONMENT = re.compile(r'^(  environment: *)""(?= |$)', re.MULTILINE)

_IGNORED = """\
# What was done from this machine, and the programs it is done with.
.lockstitch/
.venv/
__pycache__/
"""

_REQUIREMENTS = """\
# What this was made with, from where that was installed.
@REQUIREMENT@
"""
_REQUIREMENTS_HERE = """\
# What this was made with, from where that was installed. Only this machine has that place: for others, name a git
# repository or a package index that has it, such as
# lockstitch @ git+https://git.example.com/lockstitch.git@v@VERSION@
@REQUIREMENT@
"""

_FABFILE = '''\
"""What `fab` loads: Lockstitch's tasks, and those of this repository in tasks/."""

import sys

sys.dont_write_bytecode = False  # fab turns it on, and then compiles everything at each call

import tasks
from lockstitch.cli import with_own_tasks
from lockstitch.tasks import namespace as shipped

# `without` names tasks and groups to leave out, such as ["init", "queue", "service.stop"].
namespace = with_own_tasks(shipped, tasks, without=[])
'''

_TASKS = '''\
"""The tasks of this repository, in the files beside this one; docs/your-own-tasks.md of Lockstitch shows how.

A task with the name of one of Lockstitch's takes its place.
"""
'''

_README = """\
# Operations

Deploys and maintenance with Lockstitch. `hosts/@NAME@.yml` says which hosts there are and what runs there.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && . .venv/bin/activate
    fab doctor                  # this machine: versions, keys, inventories
    fab -H @NAME@ trust          # once: compare and record the hosts' keys
    fab -H @NAME@ doctor         # each host: login, tools, git access
    fab -H @NAME@ check          # what must be true before a deploy
    fab -H @NAME@ plan           # what a deploy would do
    fab -H @NAME@ deploy

`fab --list` shows every task, `fab --help deploy` one in full. They come with the package; tasks of your own go into
`tasks/`, one with the name of another takes its place, and `fabfile.py` can leave some out.
"""


def environment_files(answers: InitAnswers) -> dict[str, bytes]:
    """Each file of an environment by its path: its inventory, and the schema that editors complete it by."""
    kind = str(answers.service["kind"])
    others = {
        key: setting.says
        for key, setting in settings(kind).items()
        if key.partition(".")[0] not in answers.service and "." not in key
    }
    return _encoded(
        {
            f"hosts/{answers.environment}.yml": inventory_text(answers, others),
            f"hosts/{SCHEMA}": json.dumps(published(), indent=2, ensure_ascii=False) + "\n",
        }
    )


def written(
    template: Mapping[str, bytes], answers: InitAnswers, requirement: str = f"lockstitch=={__version__}"
) -> dict[str, bytes]:
    """Every file's content by its path; `requirement` is the line that installs Lockstitch."""
    requirements = _REQUIREMENTS_HERE if " @ file:" in requirement else _REQUIREMENTS
    texts = {
        ".gitignore": _IGNORED,
        "requirements.txt": requirements.replace("@VERSION@", __version__).replace("@REQUIREMENT@", requirement),
        "README.md": _README.replace("@NAME@", answers.environment),
    }
    made = {**template, **environment_files(answers), **_encoded(texts)}
    made["fabric.yaml"] = _meant(template["fabric.yaml"], answers.environment)
    return made


def _encoded(texts: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items()}


def _meant(fabric: bytes, environment: str) -> bytes:
    """The settings of `fab`, with the environment that is meant without -H."""
    text, count = _ENVIRONMENT.subn(rf'\g<1>"{environment}"', fabric.decode("utf-8"))
    assert count == 1, "fabric.yaml has no empty environment to be filled in"
    return text.encode("utf-8")


def template() -> dict[str, bytes]:
    """Return the files that are the same in every repository, by path; fabric.yaml is the one of this repository."""
    installed = files("lockstitch.cli.scaffold").joinpath("fabric.yaml")
    fabric = installed if installed.is_file() else Path(__file__).resolve().parents[3] / "fabric.yaml"
    if not fabric.is_file():
        raise LockstitchError("this installation lacks the files of a new project", hint="install Lockstitch anew")
    return {"fabfile.py": _FABFILE.encode(), "fabric.yaml": fabric.read_bytes(), "tasks/__init__.py": _TASKS.encode()}
