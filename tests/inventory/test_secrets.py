"""Secrets: from a reference to a value that does not print."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.errors import UsageError
from lockstitch.inventory import secrets
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Secret


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    secret = resolve_secret("env:TOKEN")
    assert isinstance(secret, Secret)
    assert (secret.reveal(), str(secret), repr(secret)) == ("hunter2", "***", "Secret(env:TOKEN)")


@pytest.mark.parametrize(
    ("content", "value"), [("a\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("a\nb\n", "a\nb"), ("a\r\n", "a")]
)
def test_from_a_file_without_the_last_newline(content: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(content.encode())
    assert resolve_secret(f"file:{file}").reveal() == value


def test_from_a_file_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("x")
    assert resolve_secret("file:~/token").reveal() == "x"


def test_from_a_command() -> None:
    assert resolve_secret("cmd:printf 'a b\\n' | tr a-z A-Z").reveal() == "A B"
    assert resolve_secret("cmd:cat; echo x").reveal() == "x"
    assert resolve_secret("cmd:printf 'x\\r\\n'").reveal() == "x"


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("env:NOT_SET_AT_ALL", "the secret env:NOT_SET_AT_ALL cannot be had: it is not set on this machine"),
        ("file:/no/such/file", "the secret file:/no/such/file cannot be had: no such file or directory"),
        ("file:/", "the secret file:/ cannot be had: is a directory"),
        ("cmd:exit 3", "the secret cmd:exit 3 cannot be had: the command ended with 3"),
        (
            "cmd:echo hunter2; echo one >&2; printf 'two\\033[1m\\n' >&2; exit 1",
            "the secret cmd:echo hunter2; echo one >&2; printf 'two\\033[1m\\n' >&2; exit 1 cannot be had: "
            "the command ended with 1: two?[1m",
        ),
        ("cmd:true", "the secret cmd:true is empty"),
        ("cmd:echo", "the secret cmd:echo is empty"),
        ("cmd:echo; echo", "the secret cmd:echo; echo is white space alone"),
        ("cmd:printf ' \r\n'", "the secret cmd:printf ' \r\n' is white space alone"),
        ("cmd:printf 'a\\000b'", "the secret cmd:printf 'a\\000b' holds a NUL character"),
        ("cmd:printf '\\377'", "the secret cmd:printf '\\377' cannot be had: it is not text"),
    ],
)
def test_what_cannot_be_had_names_the_reference(reference: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_secret(reference)
    assert caught.value.message == says


def test_a_missing_variable_says_what_to_type() -> None:
    with pytest.raises(UsageError) as caught:
        resolve_secret("env:NOT_SET_AT_ALL")
    assert caught.value.hint == "type: export NOT_SET_AT_ALL=…, then the same command again"


@pytest.mark.parametrize("then", ["sleep 30", "echo x"])
def test_a_command_that_does_not_end_is_ended_with_all_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, then: str
) -> None:
    monkeypatch.setattr(secrets, "COMMAND_TIMEOUT", 0.3)
    began = time.monotonic()
    with pytest.raises(UsageError, match=r"the command did not end within 0\.3 s"):
        resolve_secret(f"cmd:sleep 30 & echo $! >{tmp_path}/pid; {then}")
    assert time.monotonic() - began < 5
    pid = int((tmp_path / "pid").read_text())
    stat = Path(f"/proc/{pid}/stat")
    time.sleep(0.1)
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@given(st.text())
def test_what_is_no_reference_is_refused_and_not_said(text: str) -> None:
    if not text.startswith(("env:", "file:", "cmd:")):
        with pytest.raises(UsageError) as caught:
            resolve_secret(text)
        assert caught.value.message == "a secret is not referred to by env:NAME, file:PATH or cmd:COMMAND"
