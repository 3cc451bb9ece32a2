"""A value arrives in a real shell as exactly itself, and a secret shows nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import string
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstitch.errors import UsageError
from lockstitch.model.command import LONGEST_VARIABLE, MASK, Command, Secret, Value, line, mask, quote, words
from tests.shells import SHELLS, says

NASTY = [
    "", " ", "'", '"', "''", "\\", "\\'", "$HOME", "`id`", "$(id)", "*", "?", "~", "~root", "-n", "-e", "--", "!", "!!",
    "#", ";", "&&", "|", ">x", "\n", "a\n", "\n\nb", "\t", "\r", "\r\n", "\x01", "\x1b[31m", "\x7f", "ä", "\u2028", "\U0001f41f",
    "a=b", "%s", "\\n", "\\0", "{a,b}", "é" * 300, "x" * 5000, "'\"'\"'", "EOF", "}", "\nfi\n", "\x1e", "\udcff\udc80",
]  # fmt: skip
# What a file system, an environment and a surrogateescape'd stdin can carry: all but NUL.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
every_shell = pytest.mark.parametrize("shell", SHELLS, ids=" ".join)


def arrive(shell: tuple[str, ...], values: Sequence[str], way: str) -> list[str]:
    """The values as a program on the host gets them: all of them in one shell, separated by NUL."""
    named = {f"value{n}": value for n, value in enumerate(values)}
    commands = {
        "values": Command("\n".join(f'printf "%s\\0" "${name}"' for name in named), values=named),
        "env": Command("\n".join(f'sh -c \'printf "%s\\0" "${name}"\'' for name in named), env=named),
        "words": Command("\n".join(words("printf", "%s\\0", value) for value in values)),
    }
    return [part.decode("utf-8", "surrogateescape") for part in says(shell, commands[way].render()).split(b"\0")[:-1]]


@every_shell
@pytest.mark.parametrize("way", ["values", "env", "words"])
def test_a_nasty_value_arrives_as_it_is(shell: tuple[str, ...], way: str) -> None:
    assert arrive(shell, NASTY, way) == NASTY


@every_shell
@pytest.mark.parametrize("way", ["values", "words"])
@SOME
@given(values=st.lists(TEXT, min_size=1, max_size=20))
def test_any_value_arrives_as_it_is(shell: tuple[str, ...], way: str, values: list[str]) -> None:
    assert arrive(shell, values, way) == values


@every_shell
@settings(parent=SOME, max_examples=8)
@given(values=st.lists(TEXT, min_size=1, max_size=5))
def test_any_value_is_exported_as_it_is(shell: tuple[str, ...], values: list[str]) -> None:
    assert arrive(shell, values, "env") == values


@every_shell
def test_any_folder_is_gone_to(shell: tuple[str, ...], tmp_path: Path) -> None:
    names = [
        name
        for name in NASTY
        if name and "/" not in name and name not in (".", "..") and len(name.encode("utf-8", "surrogateescape")) < 250
    ]
    scripts = []
    for number, name in enumerate(names):
        folder = tmp_path / str(number) / name
        folder.mkdir(parents=True)
        scripts.append(f"({Command('pwd -P; printf x', cwd=str(folder)).render()}\n)")
        scripts.append(f"(cd {quote(str(folder.parent))} || exit\n{Command('pwd -P; printf x', cwd=name).render()}\n)")
    said = says(shell, "\n".join(scripts)).decode("utf-8", "surrogateescape")
    wanted = [str(tmp_path / str(number) / name) for number, name in enumerate(names) for _ in range(2)]
    assert said == "".join(f"{folder}\nx" for folder in wanted)


def test_a_folder_that_is_not_there_ends_the_command() -> None:
    with pytest.raises(Exception, match="exit status 1"):
        says(("sh",), Command("echo not here", cwd="/no/such/folder").render())


@given(before=TEXT, after=TEXT)
def test_nul_is_refused(before: str, after: str) -> None:
    value = f"{before}\0{after}"
    with pytest.raises(UsageError, match="NUL"):
        quote(value)
    for command in (Command(":", values={"a": value}), Command(":", env={"a": value}), Command(":", cwd=value)):
        with pytest.raises(UsageError, match="NUL"):
            command.render()


@given(st.text(max_size=8))
def test_only_a_name_is_the_name_of_a_variable(name: str) -> None:
    good = set(name) <= {*string.ascii_letters, *string.digits, "_"} and name != "" and name[0] not in string.digits
    for values, env in ({name: ""}, {}), ({}, {name: ""}):
        if good:
            Command(":", values=values, env=env)
        else:
            with pytest.raises(UsageError):
                Command(":", values=values, env=env)


def test_a_line_is_its_words() -> None:
    command = line("echo", "a b", "$HOME", cwd="/", env={"A": "1"})
    assert says(("sh",), command.render()) == b"a b $HOME\n"
    assert command.text == "echo 'a b' '$HOME'"


LONG = st.text(min_size=5, max_size=40).filter(lambda s: s.strip("*") and s not in ("Secret", "secret", "values"))


@given(LONG)
def test_a_secret_shows_nowhere(value: str) -> None:
    secret = Secret("X1" + value + "2Y", source="env:TOKEN")
    plain = secret.reveal()
    command = Command('echo "$token"', values={"token": secret}, env={"TOKEN": secret})
    shown = [
        str(secret), repr(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", f"{secret!s}", "%s %r" % (secret, secret),
        repr([secret]), repr({"a": secret}), repr(command), str(command), command.shown(), json.dumps([secret], default=str),
        str(UsageError(f"{secret}")), repr(hash(secret)),
    ]  # fmt: skip
    assert not [text for text in shown if plain in text]
    assert command.shown().count(MASK) >= 2
    if "\0" not in plain:
        assert quote(plain) in command.render()
    assert command.secrets() == (secret, secret)


def test_a_secret_is_not_copied_out_of_the_process() -> None:
    for leave in (pickle.dumps, copy.deepcopy, copy.copy):
        with pytest.raises(TypeError):
            leave(Secret("value"))


def test_secrets_are_equal_by_value() -> None:
    assert Secret("a", "env:A") == Secret("a", "env:B")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


KEY = "-----BEGIN KEY-----\nMIIEabcdefgh\nijklmnopqrst\n}\n-----END KEY-----"


def test_a_secret_of_many_lines_is_masked_in_each_line_of_output() -> None:
    secret = Secret(KEY)
    assert mask(f"before {KEY} after", [secret]) == f"before {MASK} after"
    for said in KEY.split("\n"):
        if len(said) > 3:
            assert said not in mask(f"log: {said}!", [secret])
    assert mask("if (a) { b }", [secret]) == "if (a) { b }", "a line that says nothing is not masked"


@given(
    secrets=st.lists(st.text("abc\n", min_size=1, max_size=12), max_size=4), around=st.text("0123456789", max_size=5)
)
def test_no_secret_survives_masking(secrets: list[str], around: str) -> None:
    masked = mask(around.join(["", *secrets, ""]), [Secret(secret) for secret in secrets])
    assert not [secret for secret in secrets if secret in masked.replace(MASK, "-")]
    assert around in masked


def test_a_secret_that_begins_with_another_one_is_masked_whole() -> None:
    short, long = Secret("pass"), Secret("password123")
    for order in ([short, long], [long, short]):
        assert mask("it is password123, or pass", order) == f"it is {MASK}, or {MASK}"


def test_an_empty_secret_masks_nothing() -> None:
    assert mask("text", [Secret("")]) == "text"


@pytest.mark.parametrize("value", ["x" * LONGEST_VARIABLE, Secret("ü" * (LONGEST_VARIABLE // 2), "env:LONG")])
def test_the_longest_variable_reaches_a_program(value: Value) -> None:
    text = Command("printenv LONG | wc -c", env={"LONG": value}).render()
    said = subprocess.run(["sh"], input=text.encode(), capture_output=True, check=True).stdout
    assert int(said) == LONGEST_VARIABLE + 1


@pytest.mark.parametrize("value", ["x" * 131_072, Secret("hush" * 40_000, "env:LONG")])
def test_a_longer_one_is_refused_by_its_name(value: Value) -> None:
    with pytest.raises(UsageError, match="the environment variable LONG has [0-9]+ bytes") as refused:
        Command("true", env={"SHORT": "x", "LONG": value})
    assert "hush" not in str(refused.value)


def test_an_environment_that_is_too_large_as_a_whole_is_refused() -> None:
    many = {f"V{number}": "x" * 100_000 for number in range(19)}
    with pytest.raises(UsageError, match="the environment has 1900000 bytes"):
        Command("true", env=many)
    text = Command("env | wc -c", env=dict(list(many.items())[:-2])).render()
    assert int(subprocess.run(["sh"], input=text.encode(), capture_output=True, check=True).stdout) > 1_700_000
