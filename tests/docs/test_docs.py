"""Promises of README and docs that can be checked: commands, links, codes and inventories."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import tomllib
import xml.etree.ElementTree as ET
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric.main import program
from invoke.parser import Parser

from lockstitch.cli import executor as bare
from lockstitch.errors import ExitCode
from lockstitch.inventory.app import AppSettings
from lockstitch.inventory.compose import compose
from lockstitch.inventory.load import load
from lockstitch.inventory.model import Inventory
from lockstitch.inventory.schema import Environment
from lockstitch.inventory.validation import judged
from lockstitch.runbooks.settings import RunbookSettings
from tasks import namespace

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")),
    *sorted((ROOT / "docs").glob("*.md")),
]
DRAWN = ROOT / "docs" / "images" / "architecture.svg"
PICTURES = sorted(set((ROOT / "docs" / "images").glob("*.svg")) - {DRAWN})
EXAMPLE = ROOT / "docs" / "adding-a-service.md"
EXAMPLE_SOURCE = ROOT / "docs" / "adding-a-metric-source.md"
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# A home or a working place of somebody's machine.
_MACHINE = re.compile(r"/(?:home|root|Users|work)/\w")


def fenced(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page that are in a language."""
    return [text for kind, text in _FENCED.findall(page.read_text()) if kind == language]


def prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text())


def named(paths: list[Path]) -> pytest.MarkDecorator:
    """Do a test for each page."""
    return pytest.mark.parametrize("page", paths, ids=lambda path: path.name)


# Commands.


def commands(text: str) -> list[str]:
    """Every `fab …` in a text: lines of indented code, and code in a sentence."""
    lines = re.findall(r"^ {4,}(fab .+)$", text, re.MULTILINE)
    return lines + [re.sub(r"\s+", " ", found) for found in re.findall(r"`(fab [^`]+)`", text)]


CONTEXTS = namespace.to_contexts()


def parsed(command: str) -> list[str]:
    """The names of a command's tasks, by the parser that `fab` uses; raises for a task or flag that is not there."""
    words = shlex.split(command, comments=True)[1:]
    # In two steps, as `fab` does: what is its own, then the tasks. The parser copies each task that it may meet: it is told
    # of those whose names are typed.
    core = Parser(initial=program.initial_context, ignore_unknown=True).parse_argv(words)
    words = bare.named(list(core.unparsed), bare.takes_of(namespace), bare.by_typed_name(CONTEXTS))
    typed = [context for context in CONTEXTS if {context.name, *context.aliases} & set(words)]
    tasks = Parser(initial=program.initial_context, contexts=typed).parse_argv(words)
    # `--help` alone is that of `fab` itself.
    helped = [core[0].args.help.value] if isinstance(core[0].args.help.value, str) else []
    assert set(helped) <= {context.name for context in CONTEXTS}, command
    return [*helped, *(str(context.name) for context in tasks[1:])]


@named(PAGES)
def test_every_command_of_a_page_can_be_typed(page: Path) -> None:
    made_here = set(re.findall(r"^def (\w+)\(", "\n".join(fenced(page, "python")), re.MULTILINE)) - set(
        namespace.task_names
    )
    for command in commands(prose(page)):
        if not made_here & set(shlex.split(command, comments=True)):
            parsed(command)


def test_the_list_of_commands_has_every_task_and_option() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert len(sections) == len(namespace.task_names)
    for context in CONTEXTS:
        name, *aliases = map(str, (context.name, *context.aliases))
        section = next(sections[typed] for typed in (*aliases, name) if typed in sections)
        assert any(name in parsed(command) for command in commands(section)), name
        for argument in context.args.values():
            flag = argument.name.replace("_", "-")
            assert f"--{flag}" in section or f"--no-{flag}" in section, (name, flag)


def test_the_readme_is_short_and_has_ten_daily_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 120
    assert len({name for command in commands(prose(ROOT / "README.md")) for name in parsed(command)}) >= 10


@pytest.mark.parametrize("task", sorted(namespace.task_names))
def test_every_example_of_a_help_text_can_be_typed(task: str) -> None:
    examples = re.findall(r"^ +(fab .+?)(?: {2,}.*)?$", namespace[task].__doc__ or "", re.MULTILINE)
    assert examples
    assert all(task in parsed(example) or "--dry" in example for example in examples)


def test_a_command_that_cannot_be_typed_is_noticed() -> None:
    for wrong in ("fab -H prod deply", "fab -H prod deploy --reff v1", "fab -H prod status --yes"):
        with pytest.raises(Exception, match="No idea what"):
            parsed(wrong)


def test_the_ecosystem_file_of_the_example_has_the_process_of_its_inventory() -> None:
    page = ROOT / "docs" / "getting-started.md"
    (text,), (file,) = fenced(page, "yaml"), fenced(page, "js")
    app = yaml.safe_load(text)["apps"]["webapp"]
    assert f'name: "{app["service"]["name"]}"' in file and f'cwd: "{app["path"]}/current"' in file


def test_the_demo_is_the_first_command_and_the_tests_are_the_second() -> None:
    code = re.findall(r"^ {4}(\S.*)$", prose(ROOT / "README.md"), re.MULTILINE)
    assert code[:2] == ["scripts/demo", "scripts/test"]


# Links, names, codes.


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@named(PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file.replace("\\", "")).resolve() if file else page
        assert there.is_file(), target
        headings = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(slug, headings), target


@named(PAGES)
def test_every_script_that_is_named_is_there(page: Path) -> None:
    for script in re.findall(r"scripts/\w+", page.read_text()):
        assert (ROOT / script).exists(), script


# A path of this project, and a module as Python names it; not a folder of that name on a host.
_PATH = re.compile(r"(?<![\w./~-])(?:lockstitch|tasks|tests|scripts|docs|hosts)/[\w/.*-]*\w")
_MODULE = re.compile(r"(?<![\w./-])lockstitch(?:\.[a-z_]+)+")
# What examples make, and what the reader has: inventories, and tasks of their own.
_OF_THE_READER = re.compile(r"daemon|spool|hosts/(?!example)|tasks/(?!__init__)")


@named([*PAGES, ROOT / "tests" / "README.md"])
def test_every_path_and_module_that_is_named_is_there(page: Path) -> None:
    text = prose(page)
    paths = {found for found in _PATH.findall(text) if not _OF_THE_READER.search(found)}
    modules = {found for found in _MODULE.findall(page.read_text()) if not _OF_THE_READER.search(found)}
    missing = [path for path in sorted(paths) if not any(ROOT.glob(path))]
    assert missing + [module for module in sorted(modules) if not is_there(module)] == []


def is_there(module: str) -> bool:
    """Whether a dotted name is a module, or a name in one."""
    with suppress(ImportError):
        importlib.import_module(module)
        return True
    parent, _, name = module.rpartition(".")
    with suppress(ImportError):
        return hasattr(importlib.import_module(parent), name)
    return False


def test_the_layers_that_are_documented_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", text, re.MULTILINE)
    assert [re.findall(r"`(\w+)`", names) for _, names in rows] == [re.findall(r"\w+", row) for row in layers]


@named(PAGES)
def test_no_page_names_a_machine(page: Path) -> None:
    assert not _MACHINE.search(page.read_text())


def test_the_codes_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", (ROOT / "docs" / "exit-codes.md").read_text(), re.MULTILINE)
    assert {int(code): name for code, name in rows} == {int(code): code.name for code in ExitCode}
    assert len(rows) == len(ExitCode)


def test_the_version_is_the_newest_of_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == version


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_of_no_machine(picture: Path) -> None:
    text = picture.read_text()
    shown = "".join(ET.fromstring(text).itertext()).replace("\xa0", " ")
    assert len(text) < 200_000
    assert "url(http" not in text
    assert not re.search(r"/(?:tmp|home|root|work)/", shown)
    assert "$ fab -H sandbox deploy" in shown
    assert f"images/{picture.name}" in (ROOT / "README.md").read_text()


# Inventories.

SMALL: dict[str, Any] = {
    "groups": {"backend": {"hosts": ["api1"], "apps": ["api"]}},
    "apps": {
        "api": {
            "repository": "git@example.com:acme/api.git",
            "path": "/app/api",
            "service": {"kind": "systemd", "unit": "api"},
        }
    },
}


def whole(fragment: dict[str, Any]) -> dict[str, Any]:
    """An inventory from what a page shows of one: a part of the environment, or of an app."""
    if set(fragment) <= set(Environment.model_fields):
        return {**SMALL, **fragment}
    assert set(fragment) <= set(AppSettings.model_fields), f"neither of an environment nor of an app: {list(fragment)}"
    return {**SMALL, "apps": {"api": {**SMALL["apps"]["api"], **fragment}}}


def loaded(folder: Path, text: str, name: str = "prod") -> Inventory:
    (folder / "hosts").mkdir(exist_ok=True)
    # A whole one is read as it is written, a fragment as data.
    written = text if "groups:" in text else json.dumps(whole(yaml.safe_load(text)))
    (folder / "hosts" / f"{name}.yml").write_text(written)
    return load(folder / "hosts", name)


@named([page for page in PAGES if page not in (EXAMPLE, EXAMPLE_SOURCE)])
def test_every_inventory_that_is_shown_is_valid(page: Path, tmp_path: Path) -> None:
    for text in fenced(page, "yaml"):
        if not is_runbook(text):
            loaded(tmp_path, text)


def is_runbook(text: str) -> bool:
    """Tell whether a text is a runbook or a part of one; an AssertionError where it is one that is wrong."""
    is_whole = re.search(r"(?m)^stages:", text) is not None
    tree, problems = compose(text if is_whole else f"{text}\nstages: [a: {{run: status}}]\n", "runbook.yml")
    problems = problems or judged(RunbookSettings, tree)[1]
    assert not (is_whole and problems), problems
    return not problems


def test_the_readme_shows_a_whole_inventory(tmp_path: Path) -> None:
    (text,) = fenced(ROOT / "README.md", "yaml")
    inventory = loaded(tmp_path, text)
    assert inventory.protect
    assert {group.name: group.apps for group in inventory.groups} == {"backend": ("api",), "frontend": ("webapp",)}
