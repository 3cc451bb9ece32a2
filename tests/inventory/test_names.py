"""What names, paths, references and commands may be."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lockstitch.inventory import types
from lockstitch.model.command import Command
from lockstitch.model.layout import layout


def said(kind: Any, value: object) -> str:
    """What a type says against a value; nothing where it takes it."""
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


@pytest.mark.parametrize("name", ["a", "prod", "api-2", "web_1", "10.0.0.7", "api1.example.com", "0"])
def test_names(name: str) -> None:
    assert said(types.Name, name) == said(types.HostName, name) == ""


@pytest.mark.parametrize(
    "name", ["", "a,b", "a:b", "!a", "a*", "a?", "[a]", "-a", ".a", "_a", "a b", "a\n", "ä", "a@b", "a/b"]
)
def test_no_names(name: str) -> None:
    assert "cannot be a name: use letters" in said(types.Name, name)
    assert "write {name: web1, address: 192.0.2.10" in said(types.HostName, name)


@given(st.text())
def test_a_name_is_never_taken_for_a_sign_of_a_selection(name: str) -> None:
    assert said(types.Name, name) or not set(name) & set(",:!*?[]@ \t\n")


@pytest.mark.parametrize("path", ["/app/api", "app", "app/api", "./app", "/srv/a b", "/app/..api", "a/$HOME"])
def test_paths(path: str) -> None:
    assert said(types.AppPath, path) == ""


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("/app/\x1b[2J", "control characters"),
        ("/app\n", "control characters"),
        ("-rf", "taken for|takes for an option"),
        ("~/app", "write 'app', a relative path starts at the user's home"),
        ("~", r"write '\.'"),
        ("~ops/app", "write the whole path of that home"),
        ("/app/../etc", "goes up"),
        ("..", "goes up"),
        ("/", "names no folder"),
        (".", "names no folder"),
        ("//./", "names no folder"),
    ],
)
def test_no_paths(path: str, says: str) -> None:
    assert re.search(says, said(types.AppPath, path))


@pytest.mark.parametrize(
    ("kind", "path", "says"),
    [
        (
            types.ServedPath,
            "~/logs/app.log",
            r"one in the release, so write the whole path \(/home/USER/logs/app.log\)",
        ),
        (types.ServedPath, "~ops/app.log", "write the whole path of that home"),
        (types.SharedPath, "~/.env", "write it relative to the release"),
        (types.InsidePath, "~ops/db", "write it relative to the release"),
    ],
)
def test_what_to_write_for_a_home_fits_where_the_path_begins(kind: object, path: str, says: str) -> None:
    assert re.search(says, said(kind, path))


def test_a_value_that_no_program_can_be_given_is_refused() -> None:
    assert said(types.EnvironmentValue, "x" * 130_000) == ""
    for kind in (types.EnvironmentValue, types.CommandLine):
        assert "it has 131072 bytes, and Linux gives a program no more than 128 KiB" in said(kind, "x" * 131_072)
    assert "it has 140000 bytes" in said(types.EnvironmentValue, "ü" * 70_000)


@given(st.text(min_size=1))
def test_a_path_that_is_taken_never_leaves_where_it_points(path: str) -> None:
    if not said(types.AppPath, path):
        paths = layout("releases", path)
        assert paths.path not in ("/", ".", "")
        assert ".." not in paths.current.split("/")
    if not said(types.InsidePath, path):
        assert not path.startswith(("/", "-", "~"))


@pytest.mark.parametrize(
    "reference", ["env:TOKEN", "file:/run/secrets/token", "file:~/token", "cmd:pass show a | head -n 1"]
)
def test_references(reference: str) -> None:
    assert said(types.SecretReference, reference) == ""


@pytest.mark.parametrize("value", ["hunter2", "env:", "env:A B", "file:", "cmd:  ", "ENV:A", "", 123456, None, True])
def test_a_secret_is_never_a_value_and_never_said(value: object) -> None:
    words = said(types.SecretReference, value)
    assert words.startswith(
        "an inventory holds no secrets, only where one is: write env:NAME, file:PATH or cmd:COMMAND"
    )
    assert not value or str(value) not in words or str(value) in ("env:", "file:")


def test_repositories_hold_no_password() -> None:
    for url in (
        "https://deploy:hunter2@example.com/a.git",
        "ssh://git:hunter2@example.com/a.git",
        "https://deploy:x/hunter2@example.com/a.git",
        "https://deploy:x?hunter2@example.com/a.git",
        "https://deploy:x@y/hunter2#@example.com/a.git",
        "deploy:hunter2@example.com/a.git",
    ):
        words = said(types.Repository, url)
        assert "holds a password" in words
        assert "hunter2" not in words
    for url in (
        "git@example.com:acme/api.git",
        "https://example.com/a.git",
        "ssh://git@example.com:22/a",
        "/srv/git/a.git",
        "https://example.com:8443/@acme/a@2.git",
        "git@example.com:acme/a@2.git",
        "host:acme/a@2.git",
    ):
        assert said(types.Repository, url) == ""
    for url in ("deploy:hunter2@example.com/up", "http://deploy:hun/ter2@example.com/up", "https://u:hun ter2@h"):
        assert "holds a password" in said(types.WebUrl, url) and "ter2" not in said(types.WebUrl, url)
    assert "option" in said(types.Repository, "--upload-pack=x")


@pytest.mark.parametrize("ref", ["main", "v1.4.2", "feature/x", "refs/tags/v1", "0123456789abcdef"])
def test_refs(ref: str) -> None:
    assert said(types.GitRef, ref) == ""


@pytest.mark.parametrize(
    "ref", ["", "-x", "a b", "a..b", "a~1", "a^", "a:b", "a*", "/a", "a/", ".a", "a.lock", "a@{1}", "a\x7f"]
)
def test_no_refs(ref: str) -> None:
    assert said(types.GitRef, ref)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_an_environment_value_that_is_taken_can_be_given_to_a_command(value: object) -> None:
    words = said(types.EnvironmentValue, value)
    if isinstance(value, bool | float) or value is None:
        assert "write it in quotes" in words
    if not words:
        Command("true", env={"A": TypeAdapter(types.EnvironmentValue).validate_python(value)}).render()


def test_text_that_was_read_as_a_number_is_asked_to_be_quoted() -> None:
    assert said(types.GitRef, 5) == "it should be text: write it in quotes: '5'"
    assert said(types.WebUrl, "localhost:8000") == "'localhost:8000' is not an http(s) URL"
    assert said(types.WebUrl, "http://localhost:8000/healthz?a=b") == ""
    assert said(types.CommandLine, "a\nb") == ""
    assert said(types.CommandLine, " ") == "it is empty"
