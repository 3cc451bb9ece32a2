"""Values in each dialect of environment files: what its real readers make of them is what was written, or it was refused."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import dotenv
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lockstitch.model.env_file import Dialect, render

# What readers differ in, far more often than chance would bring it.
PIECES = [
    "'",
    '"',
    "\\",
    "\\n",
    "$",
    "${",
    "${A}",
    "$A",
    "`",
    "#",
    " #",
    "\n",
    "\\\n",
    "\r",
    "\t",
    " ",
    "=",
    "é",
    "\u2028",
    "a",
    "n",
    "export ",
]
VALUES = st.lists(
    st.one_of(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.text(max_size=8)), min_size=1, max_size=30
)


def written(dialect: Dialect, values: list[str]) -> dict[str, str]:
    """The values that the dialect holds, by a name each."""
    kept = {}
    for number, value in enumerate(values):
        with contextlib.suppress(ValueError):
            render(dialect, "N", value)
            kept[f"V{number}"] = value
    return kept


def text_of(dialect: Dialect, values: dict[str, str]) -> str:
    return "".join(render(dialect, name, value) + "\n" for name, value in values.items())


@settings(max_examples=100, deadline=None)
@given(VALUES)
@example(["\\\n=", "'\\\n="])
def test_python_dotenv_reads_what_was_written(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    kept = written("dotenv", values)
    file = tmp_path_factory.getbasetemp() / "python.env"
    file.write_bytes(text_of("dotenv", kept).encode())
    assert dict(dotenv.dotenv_values(file)) == kept


@settings(max_examples=60, deadline=None)
@given(VALUES)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shells_read_what_was_written(tmp_path_factory: pytest.TempPathFactory, shell: str, values: list[str]) -> None:
    kept = written("shell", values)
    file: Path = tmp_path_factory.getbasetemp() / "shell.env"
    file.write_bytes(text_of("shell", kept).encode())
    said = subprocess.run(
        [shell, "-c", '. "$1"; env -0', "sh", str(file)], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    have = dict(entry.split("=", 1) for entry in said.stdout.decode().split("\0") if entry)
    assert {name: value for name, value in have.items() if name in kept} == kept


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "two words",
        "a#b",
        "x # y",
        "it's",
        'say "x"',
        "$HOME",
        "a\\b",
        "-----BEGIN KEY-----\nab+/=\n-----END KEY-----\n",
        "é ü",
        '{"a": "it\'s"}',
    ],
)
@pytest.mark.parametrize("dialect", ["dotenv", "systemd", "shell"])
def test_usual_values_are_held_by_every_dialect(dialect: Dialect, value: str) -> None:
    assert render(dialect, "NAME", value)


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("dotenv", "a\0"),
        ("dotenv", "${A}"),
        ("dotenv", "'\"\n"),
        ("dotenv", "'#\""),
        ("systemd", "a\rb"),
        ("systemd", "\x1b"),
        ("shell", "\0"),
        ("dotenv", "\ud800"),
    ],
)
def test_what_a_dialect_cannot_hold_is_refused_without_the_value(dialect: Dialect, value: str) -> None:
    with pytest.raises(ValueError, match="its value") as told:
        render(dialect, "NAME", value)
    assert "NAME" not in str(told.value)
