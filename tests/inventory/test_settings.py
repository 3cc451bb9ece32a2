"""Settings of an inventory: one model behind all forms, and what is wrong with one told with its line and nearest word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.errors import InventoryError
from lockstitch.inventory.load import load
from lockstitch.inventory.model import App
from lockstitch.inventory.variables import Setting

KEY = {"from": "env:KEY"}
FLAGGED = {"flags": {"F": {"kind": "env", "variable": "A"}}}


PAY, OLD = {"get": "/pay"}, {"get": "https://pay.example.com/", "bearer": "env:OLD", "expect": 401}
ISSUED = {"proof": "pay", "former": "env:OLD", "refused": "old"}


def smoking(**steps: Any) -> dict[str, Any]:
    """The keys of an app with an environment file and two smoke steps."""
    return {"env_file": {}, "smoke": {"url": "https://example.com", "steps": {"pay": PAY, "old": OLD, **steps}}}


def loaded(folder: Path, settings: dict[str, Any], **app: Any) -> App:
    usual = {
        "repository": "git@example.com:acme/api.git",
        "path": "/app/api",
        "service": {"kind": "dummy", "unit": "api"},
    }
    written = {
        "groups": {"backend": {"hosts": ["api1"], "apps": ["api"]}},
        "apps": {"api": {**usual, "settings": settings, **app}},
    }
    (folder / "prod.yml").write_text(json.dumps(written, indent=1))
    return load(folder, "prod").placed["api", "api1"]


def test_all_forms_are_one_model(tmp_path: Path) -> None:
    app = loaded(
        tmp_path,
        {"A": {"is": "1"}, "B": {"from": "env:B", "min_length": 32}, "H": {"match": "^x"}},
        env={"C": "2"},
        secrets={"D": "file:d"},
        checks={"variables": {"D": {"min_length": 9}, "E": {}}},
    )
    assert set(app.settings) == set("ABCDEH")
    assert app.env == {"A": "1", "C": "2"} and app.secrets == {"B": "env:B", "D": "file:d"}
    assert [name for name, each in app.settings.items() if each.by_hand] == ["E", "H"]
    assert [name for name, each in app.settings.items() if each.has_rules] == ["D", "E", "A", "B", "H"]
    assert app.settings["D"].min_length == 9


@pytest.mark.parametrize(
    ("settings", "app", "says"),
    [
        ({"A": {"frm": "env:A"}}, {}, "settings.A.frm: is not a key here: did you mean from?"),
        ({"A": {"from": "env:A", "is": "1"}}, {}, "settings.A.is: its value is from elsewhere"),
        ({"A": {"from": "sk_live_1"}}, {}, "settings.A.from: an inventory holds no secrets"),
        ({"A": {"is": "x", "match": "^y"}}, {}, "settings.A.is: its own rules refuse it"),
        ({"A": {"is": "a,*", "each": ".*", "refuse": ["*"]}}, {}, "settings.A.is: its own rules refuse it"),
        ({"A": {"is": "short", "min_length": 9}}, {}, "settings.A.is: its own rules refuse it: it is 5 characters"),
        ({"A": {"is": "1", "match": "("}}, {}, "settings.A.match: '(' is no regular expression"),
        ({"A": {"match": "\\d"}}, {}, "settings.A.match: its value is on the hosts alone"),
        ({"A": {"is": "1", "same": "flet"}}, {}, "'flet' is not one of fleet: did you mean fleet?"),
        ({"A": {"is": "1", "when": "biuld"}}, {"build": ["x"]}, "did you mean build?"),
        ({"A": {"is": "1", "when": "build"}}, {}, "settings.A.when: it is built into the code, and the app has no build"),
        ({"A": {"is": "1"}}, {"env": {"A": "2"}}, "settings.A: it is in env as well"),
        ({"A": {"is": "1"}}, {"secrets": {"A": "env:A"}}, "settings.A: it is in secrets as well"),
        ({"A": {"is": "1"}}, {"checks": {"variables": ["A"]}}, "settings.A: it is in checks.variables as well"),
        ({"A": {"is": "1", "rotate": {"accept": "B"}}}, {}, "settings.A.rotate: a key that is rotated is a secret"),
        ({"A": {**KEY, "rotate": {"acept": "B"}}}, {}, "did you mean accept?"),
        ({"A": {**KEY, "rotate": {"accept": "B"}}}, {}, "settings.A.rotate: it is rotated in the file on the hosts"),
        ({"A": {**KEY, "rotate": {"accept": "A"}}}, {"env_file": {}}, "settings.A.rotate.accept: env.rotate writes A"),
        ({"A": {**KEY, "rotate": {}}}, {"env_file": {}}, "settings.A.rotate: say how: accept: VARIABLE, or proof"),
        ({"A": {**KEY, "rotate": {**ISSUED, "accept": "B"}}}, {"env_file": {}}, "rotate.accept: proof is for a key that"),
        ({"A": {**KEY, "rotate": {"proof": "pay"}}}, {"env_file": {}}, "settings.A.rotate.proof: it needs former"),
        ({"A": {**KEY, "rotate": ISSUED}}, {"env_file": {}}, "rotate.proof: there is no smoke step pay"),
        ({"A": {**KEY, "rotate": ISSUED}}, smoking(old={"get": "/", "expect": 401}), "old does not use env:OLD"),
        ({"A": {**KEY, "rotate": ISSUED}}, smoking(old={**OLD, "expect": 200}), "old must expect to be refused"),
        ({"A": {**KEY, "rotate": ISSUED}}, smoking(pay={**PAY, "needs": "old"}), "no step may need it"),
        ({"A": {**KEY, "rotate": {**ISSUED, "former": "env:KEY"}}}, smoking(), "rotate.former: the new key is there"),
        ({"path": {"is": "1"}}, {}, "settings.path: path: names in small letters are those of the scripts on hosts"),
        ({}, {"env": {"state": "1"}}, "env.state: state: names in small letters"),
        ({}, {"secrets": {"IFS": "env:A"}}, "secrets.IFS: IFS is a variable of the shell itself"),
        ({}, {"flags": {"F": {"kind": "env", "variable": "gone"}}}, "names in small letters are those of the scripts"),
        ({"A": KEY}, {"env_file": {"format": "sytemd"}}, "did you mean systemd?"),
        ({"A": KEY}, {"env_file": {"mode": "0644"}}, "env_file.mode: everybody on the host could read its secrets"),
        ({"A": KEY}, {"env_file": {"mode": "rw"}}, "env_file.mode: 'rw' is no mode of a file"),
        ({"A": KEY}, {"env_file": {}, "layout": "releases"}, ".env is a file of one release"),
        ({"A": {"is": "${B}"}}, {"env_file": {}}, "A cannot stand in it: its value holds ${"),
        ({"A": {"is": "1", "when": "build"}}, {"build": ["x"], **FLAGGED}, "setting a flag builds nothing"),
        ({"A": {"is": "1"}}, {"env_file": {}, **FLAGGED}, "which env.push would put back"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, settings: dict[str, Any], app: dict[str, Any], says: str
) -> None:
    with pytest.raises(InventoryError) as refused:
        loaded(tmp_path, settings, **app)
    told = str(refused.value)
    assert says in told and "prod.yml:" in told, told


@given(st.text(max_size=40), st.integers(1, 40))
def test_no_rule_tells_the_value(value: str, length: int) -> None:
    says = Setting.model_validate({"from": "env:A", "match": "^sk_", "min_length": length}).refusal(value)
    assert bool(says) == (not value.startswith("sk_") or len(value) < length)
    assert len(value) < 12 or value not in says


def test_names_that_no_script_has_are_taken(tmp_path: Path) -> None:
    app = loaded(tmp_path, {}, env={"https_proxy": "x", "npm_config_cache": "y"}, checks={"variables": ["in_a_file"]})
    assert {"https_proxy", "npm_config_cache", "in_a_file"} == set(app.settings)
