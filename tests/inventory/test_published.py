"""What is published of the schema: by the command, in docs/, to editors. And the inventories of this project load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from lockstitch import __main__, __version__
from lockstitch.inventory.load import load
from lockstitch.inventory.schema import published

REAL_SERVICES = True
ROOT = Path(__file__).resolve().parents[2]
INVENTORIES = sorted((ROOT / "hosts").glob("*.yml"))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(published())


def test_docs_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_python_m_lockstitch_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((ROOT / "docs" / "inventory.schema.json").read_text())


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), ([], 2), (["deploy"], 2)])
def test_python_m_lockstitch_otherwise(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        __main__.main(arguments)
    assert caught.value.code == code
    if arguments == ["--version"]:
        assert capsys.readouterr().out == f"lockstitch {__version__}\n"


def test_there_is_an_example() -> None:
    example = ROOT / "hosts" / "example.yml"
    assert example in INVENTORIES
    assert example.read_text().startswith("# yaml-language-server: $schema=../docs/inventory.schema.json\n")


@pytest.mark.parametrize("file", INVENTORIES, ids=lambda file: file.name)
def test_every_inventory_of_this_project_loads(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), published())
    if not file.name.startswith("_"):
        inventory = load(file.parent, file.stem)
        assert inventory.placed


@pytest.mark.parametrize(
    "text",
    [
        "groups: {a: {hosts: [x, {name: y, port: 22}], override: {api: {keep: 2}}}}",
        "ssh: {gateway: a@b:1}",
        "ssh: {gateway: [a, {address: b}]}",
        "ssh: {gateway: null}",
        "apps: {api: {ref: main, service: {kind: systemd}}}",
        "rollout: {canary: 1, batch: all, pause: 1m30s}",
        "apps: {api: {env: {A: 1, B: x}, min_free: 2G, timeout: 30}}",
    ],
)
def test_editors_take_parts_of_an_inventory(text: str) -> None:
    jsonschema.validate(yaml.safe_load(text), published())


@pytest.mark.parametrize(
    "text",
    [
        "protcet: true",
        "protect: 5",
        "ssh: {gateway: 5}",
        "ssh: {port: 0}",
        "groups: {a: {host: [x]}}",
        "groups: {a: {hosts: [x], override: {api: {kep: 2}}}}",
        "apps: {api: {layout: release}}",
        "apps: {api: {secrets: {A: hunter2}}}",
        "apps: {api: {timeout: 30x}}",
        "apps: {api: {service: {kind: nope}}}",
        "rollout: {batch: 101%}",
        "databases: {main: {offsite: {bucket: acme, age: ['age1x and more']}}}",
        "databases: {main: {offsite: {bucket: acme, age: ['see ssh-rsa AAAA']}}}",
    ],
)
def test_editors_mark_what_is_wrong(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), published())
