"""Environment files on a host: awk reads what was written, and a change leaves all other lines as they are, byte for byte."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstitch.model.env_file import ENV_FILE_READER, Dialect, render
from tests.model.test_env_file import VALUES, text_of, written

DIALECTS = ("dotenv", "systemd", "shell")


def awk(do: str, dialect: str, text: str, names: list[str], **env: str) -> subprocess.CompletedProcess[bytes]:
    given = {"PATH": os.environ["PATH"], "LC_ALL": "C", "ls_do": do, "ls_dialect": dialect, "ls_names": " ".join(names)}
    return subprocess.run(["awk", ENV_FILE_READER], input=text.encode(), env={**given, **env}, capture_output=True)


def read(dialect: str, text: str, names: list[str]) -> dict[str, tuple[str, str]]:
    """The state and the value of each name, as the functions of a host's shell have them; and what else it says."""
    said = awk("read", dialect, text, names)
    assert said.returncode == 0 and not said.stderr, said
    show = "".join(f'printf "%s\\0" "$ls_s_{name}" "$ls_f_{name}"\n' for name in names)
    show += 'printf "%s\\0" "$ls_others" "$ls_problem"\n'
    ended = subprocess.run(["sh"], input=said.stdout + show.encode(), capture_output=True, check=True)
    parts = ended.stdout.decode().split("\0")[:-1]
    return dict(zip([*names, ""], zip(parts[::2], parts[1::2], strict=True), strict=True))


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_what_was_written_is_read(dialect: Dialect, values: list[str]) -> None:
    kept = written(dialect, values)
    have = read(dialect, f"# a note\n{text_of(dialect, kept)}OTHER=1\n", list(kept))
    assert have.pop("") == ("OTHER", "")
    assert have == {name: ("set", value) for name, value in kept.items()}


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=60, deadline=None)
@given(VALUES, st.data())
def test_a_change_leaves_all_other_lines(dialect: Dialect, values: list[str], data: st.DataObject) -> None:
    kept = written(dialect, values)
    lines = [render(dialect, name, value) for name, value in kept.items()]
    changed = data.draw(st.lists(st.sampled_from(list(kept)), unique=True)) if kept else []
    new = {name: render(dialect, name, "a new one") for name in [*changed, "ADDED"]}
    ended = awk(
        "write", dialect, "".join(f"{line}\n" for line in ["# first", *lines, "", "  # last"]), list(new),
        **{f"ls_r_{name}": text for name, text in new.items()},
    )  # fmt: skip
    expected = [
        "# first",
        *(new.get(name, line) for name, line in zip(kept, lines, strict=True)),
        "",
        "  # last",
        new["ADDED"],
    ]
    assert ended.stdout.decode() == "".join(f"{line}\n" for line in expected)


@pytest.mark.parametrize(
    ("dialect", "line", "state"),
    [
        ("dotenv", "A=plain # a comment", ("set", "plain")),
        ("dotenv", "export A = 'one two'\r", ("set", "one two")),
        ("dotenv", "A=one#two", ("unclear", "A=one#two\n")),
        ("dotenv", 'A="a\\tb"', ("unclear", 'A="a\\tb"\n')),
        ("dotenv", "A='${B}'", ("unclear", "A='${B}'\n")),
        ("dotenv", "A='b' c", ("unclear", "A='b' c\n")),
        ("dotenv", "A=\nA=last", ("set", "last")),
        ("dotenv", "A: b", ("unclear", "A: b\n")),
        ("dotenv", "export A: 'b'", ("unclear", "export A: 'b'\n")),
        ("dotenv", "'A'=b", ("unclear", "'A'=b\n")),
        ("dotenv", '"A" = b', ("unclear", '"A" = b\n')),
        ("systemd", "A='b'\"c\"", ("set", "bc")),
        ("systemd", "A=b\\\nc", ("set", "bc")),
        ("systemd", "A=b # c", ("set", "b # c")),
        ("shell", "A=b'c'\"d\" # e", ("set", "bcd")),
        ("shell", "A=$(b)", ("unclear", "A=$(b)\n")),
        ("shell", "A=b; B=c", ("unclear", "A=b; B=c\n")),
        ("dotenv", "\ufeffA=b", ("unclear", "\ufeffA=b\n")),
        ("shell", "A=b\r", ("set", "b\r")),
        ("shell", "A='b'\r", ("set", "b\r")),
        ("shell", "A='b\n# no comment\nc'", ("set", "b\n# no comment\nc")),
    ],
)
def test_lines_that_somebody_wrote_by_hand(dialect: str, line: str, state: tuple[str, str]) -> None:
    assert read(dialect, f"{line}\n", ["A"])["A"] == state


@pytest.mark.parametrize("line", ["A: b", "'A'=b", '"A"=b'])
def test_a_line_that_some_readers_alone_read_is_written_anew_and_not_doubled(line: str) -> None:
    assert read("any", f"{line}\n", ["A"])["A"][0] == "unclear"
    assert awk("write", "dotenv", f"{line}\nB=1\n", ["A"], ls_r_A="A=new").stdout.decode() == "A=new\nB=1\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A:\nB=1\n", "line 1 is read by some readers together with the next one"),
        ("A: 'b\nB=1'\n", "line 1 is read by some readers together with the next one"),
        ("A=1\rB=1\n", "line 1 holds a carriage return"),
        ("A='1\n2\r3'\n", "line 2 holds a carriage return"),
    ],
)
def test_lines_that_readers_of_dotenv_files_divide_differently_are_told(text: str, says: str) -> None:
    assert says in read("dotenv", text, ["B"])[""][1]
    ended = awk("write", "dotenv", text, ["B"], ls_r_B="B=2")
    assert ended.returncode == 3 and says in ended.stdout.decode()


@pytest.mark.parametrize(
    "line", ["A=1; B=2", "export A=1 B=2", "A=$(echo 1)", "A=1 && B=2", "A=`echo 1`", "A='x' B=2", "A=(1 2)"]
)
def test_what_stands_behind_a_value_is_not_lost(line: str) -> None:
    ended = awk("write", "shell", f"C=1\n{line}\n", ["A"], ls_r_A="export A=new")
    assert ended.returncode == 3 and ended.stdout.decode().startswith("line 2 has more than the value of A")
    assert awk("write", "shell", f"C=1\n{line}\n", ["C"], ls_r_C="C=2").stdout.decode() == f"C=2\n{line}\n"


@pytest.mark.parametrize(
    "text",
    [
        "if true; then\nA=1\nfi\n",
        "case x in\nx) A=1;;\nesac\n",
        "A=1; if false\nthen A=2; fi\n",
        "f() {\nA=1\n}\n",
        ". ./other\nA=1\n",
        "cat <<END\nA=1\nEND\n",
        "A=1\nunset A\n",
        "A=1;if x\nthen A=2; fi\n",
        "if(false)then\nA=1\nfi\n",
        "! . ./other\n",
        "A=1;. ./other\n",
        "A='x';. ./other\n",
        "A=1&&B='x y';eval 'A=2'\n",
        "B=x<<END\nA=1\nEND\n",
        "B=1 . ./other\n",
        "A=$(\n  echo 1\n)\n",
        "B=`\nA=1`\n",
        "B=(\nA=1\n)\n",
        "printf '\nA=1\n'\n",
        "export B=1 C='\nA=1\n'\n",
        "echo \\\nA=1\n",
        "export $(grep -v '#' other)\n",
        '[ -n "$X" ] || return\nA=1\n',
        "A=1;\\e\\x\\i\\t\nA=2\n",
        "set -e\n[ -n x ]\nA=1\n",
        "set -o noexec\nA=1\n",
        ": ${X:?not set}\nA=1\n",
        'B="${X?}"\nA=1\n',
        "\\. ./other\n",
        "'.' ./other\n",
        "sou''rce ./other\n",
        "command . ./other\n",
        "$LOAD ./other\n",
        "$(echo .) ./other\n",
        "printf -v A 2\n",
        "getopts a A\n",
        "let A=2\n",
        "mapfile A <other\n",
        "alias export=:\n",
        "trap 'A=2' DEBUG\n",
        "load_settings other\n",
        "echo x | load_settings\n",
        "export B=1 'A=2'\n",
        "B=1 'A=2'\n",
        "export -n A\n",
        ": $((A++))\n",
        'B="$((A++))"\n',
    ],
)
def test_a_command_that_decides_what_is_set_is_told_and_nothing_is_written(text: str) -> None:
    assert "is a command that decides what is set" in read("shell", text, ["A"])[""][1]
    ended = awk("write", "shell", text, ["A"], ls_r_A="A=2")
    assert ended.returncode == 3 and b"A=2" not in ended.stdout


@pytest.mark.parametrize(
    "line",
    [
        "export B=1 A=2",
        "B=1;A=2",
        "A+=2",
        ": ${A:=2}",
        '[ -n "$X" ] && A=2',
        "A=2 env",
        "(A=2)",
        "B=${A:=2}",
        'B="${A=2}"',
        ": $((A-=2))",
        'B="$((A=2))"',
    ],
)
def test_a_name_that_is_set_otherwise_than_alone_in_its_line_is_unclear(line: str) -> None:
    assert read("shell", f"A=1\n{line}\n", ["A"])["A"] == ("unclear", f"{line}\n")
    assert read("shell", f"{line}\nA=1\n", ["A"])["A"] == ("set", "1")


def test_a_command_that_sets_nothing_is_none_of_those() -> None:
    text = "set -a\numask 022\n# if so\nA='if x; then'\nB=(1 2)\nexport A # . ./other\necho read >&2\n(. ./other)\n\r\nset +o allexport\n"
    assert read("shell", text, ["A"]) == {"A": ("set", "if x; then"), "": ("B", "")}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("value", ["x" * 70_000, "0123456789 é#\n" * 5_000, "it's " * 9_000])
def test_a_long_value_is_read_whole(dialect: Dialect, value: str) -> None:
    assert read(dialect, f"{render(dialect, 'A', value)}\nB=1\n", ["A", "B"])["A"] == ("set", value)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_quote_that_is_not_closed_is_told_and_nothing_is_written(dialect: str) -> None:
    text = "B=1\nA='b\nC=2\n"
    assert read(dialect, text, ["A"])[""][1] == "the quote in line 2 is not closed"
    ended = awk("write", dialect, text, ["B"], ls_r_B="B=2")
    assert ended.returncode == 3 and b"B=2" not in ended.stdout


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_a_value_is_copied_to_another_name_as_it_is_written(dialect: Dialect, values: list[str]) -> None:
    for value in written(dialect, values[:3]).values():
        text = f"{render(dialect, 'FROM', value)}\nOTHER=1\n"
        new = render(dialect, "FROM", "a new one")
        ended = awk("write", dialect, text, ["FROM", "TO"], ls_r_FROM=new, ls_copy="TO FROM")
        have = read(dialect, ended.stdout.decode(), ["FROM", "TO"])
        assert (have["FROM"], have["TO"]) == (("set", "a new one"), ("set", value))
