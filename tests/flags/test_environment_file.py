"""A variable of an environment file: read as every reader of such files would, and set without touching anything else."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstitch.flags import FlagPlace, FlagReading, parse_reading
from lockstitch.flags.env import EnvironmentFlag
from lockstitch.model.command import Command
from lockstitch.model.env_file import Dialect
from tests.model.test_env_file import VALUES as VALUES_OF_SETTINGS
from tests.model.test_env_file import text_of, written

NAME = "PERCENT"
FLAG = EnvironmentFlag.model_validate({"kind": "env", "variable": NAME, "file": ".env"})
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Lines of other variables, comments and rubbish: bytes that are no text, too.
VALUES = st.one_of(
    st.sampled_from(["", "1", '"a b"', "'a b'", '"a\\"b"', "a#b", "it's", "$HOME/x", "${X:-y}", "a=b", " x ", "`id`"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="\\\"'`\n\r"), max_size=12),
)
OTHER = st.one_of(
    st.tuples(st.sampled_from(["A", "PERCENT_2", "MY_PERCENT", "export B", " C", "percent"]), VALUES).map("=".join),
    st.sampled_from(["", "# PERCENT=7", "  # x", ";PERCENT=8", "rubbish", "PERCENT", "\tD=1\r", 'K="two', '"two"']),
)
LINES = st.lists(OTHER.filter(lambda line: not line.startswith(('K="', '"'))), max_size=6).map(
    lambda lines: [line.encode("latin-1", "replace") for line in lines]
)
SAFE = st.text(st.sampled_from("abcXYZ0189_./:@%+,=-"), max_size=8)
ANY = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'\"\\$`"), max_size=10).map(
    str.strip
)


def place(folder: Path, dialect: str = "any") -> FlagPlace:
    return FlagPlace("PHASE_1", "api", str(folder), dialect=dialect)


def run(command: Command, shell: str = "sh") -> tuple[str, int]:
    done = subprocess.run([shell], input=command.render().encode(), capture_output=True)
    return (done.stdout + done.stderr).decode("utf-8", "replace"), done.returncode


def read(folder: Path, dialect: str = "any") -> FlagReading:
    return parse_reading(*run(FLAG.probe(place(folder, dialect)).command))


def change(folder: Path, to: str | None, expected: str = "", dialect: str = "any") -> tuple[str, int]:
    return run(FLAG.change(place(folder, dialect), to, expected))


def write(folder: Path, data: bytes) -> Path:
    file = folder / ".env"
    file.write_bytes(data)
    return file


@given(before=LINES, after=LINES, own=st.one_of(st.none(), SAFE), to=ANY, last=st.booleans())
@FEW
def test_other_lines_stay_byte_for_byte_and_it_goes_back(
    tmp_path: Path, before: list[bytes], after: list[bytes], own: str | None, to: str, last: bool
) -> None:
    mine = [] if own is None else [f"{NAME}={own}".encode()]
    lines = [*before, *mine, *after]
    data = b"\n".join(lines) + (b"\n" if last and lines else b"")
    file = write(tmp_path, data)
    assert read(tmp_path, "dotenv") == FlagReading(own)
    assert change(tmp_path, to, dialect="dotenv")[1] == 0
    assert read(tmp_path, "dotenv") == FlagReading(to)
    once = file.read_bytes()
    others = [line for line in once.split(b"\n") if not line.startswith(f"{NAME}=".encode())]
    kept = [*before, *after]
    assert [line for line in others if line] == [line for line in kept if line]
    assert change(tmp_path, to, dialect="dotenv")[1] == 0 and file.read_bytes() == once, (
        "setting it twice changes nothing"
    )
    assert change(tmp_path, own, dialect="dotenv")[1] == 0
    assert read(tmp_path, "dotenv") == FlagReading(own)
    if own is not None and all(sign.isalnum() or sign in "_./:@%+,=-" for sign in to):
        assert file.read_bytes() == data


@given(to=ANY)
@FEW
def test_every_reader_takes_the_value_for_the_same(tmp_path: Path, to: str) -> None:
    file = write(tmp_path, b"A=1\n")
    assert change(tmp_path, to)[1] == 0
    shell = subprocess.run(["sh", "-c", f'. "{file}"; printf %s "${NAME}"'], capture_output=True, text=True)
    assert shell.stdout == to
    (line,) = [line for line in file.read_text().splitlines() if line.startswith(NAME)]
    value = line.partition("=")[2]
    assert value == to or value == f"'{to}'", "within single quotes nothing means anything else, to none of them"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PERCENT=10\n", "10"),
        ("export PERCENT=10", "10"),
        ("  PERCENT='10 %'  \n", "10 %"),
        ('PERCENT="10"\r\n', "10"),
        ("PERCENT=\n", ""),
        ("PERCENTAGE=10\n#PERCENT=3\n", None),
        ("KEY='-----\nPERCENT=9\n-----'\nPERCENT=1\n", "1"),
        ('KEY="a\\"b\nPERCENT=9\n"\n', None),
        ("", None),
    ],
)
def test_what_is_read(tmp_path: Path, text: str, value: str | None) -> None:
    file = write(tmp_path, text.encode())
    assert read(tmp_path) == FlagReading(value)
    assert change(tmp_path, "33")[1] == 0
    assert read(tmp_path) == FlagReading("33")
    assert change(tmp_path, value)[1] == 0
    assert file.read_text().rstrip("\n") == text.replace("\r\n", "\n").rstrip("\n") or value is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("PERCENT=10 # ten\n", "line 1 means one thing to dotenv and another to a unit"),
        ("PERCENT = 10\n", "line 1 means"),
        ("PERCENT=a b\n", "line 1 means"),
        ('PERCENT="$HALF"\n', "line 1 means"),
        ("PERCENT='it'\"s\"\n", "line 1 means"),
        ('PERCENT="10\n20"\n', "line 1 means"),
        ("A=1\nPERCENT=1\nPERCENT=2\n", "it is set more than once, in lines 2, 3"),
        ("A=1\\\nPERCENT=2\n", "the line before line 2 ends with a backslash"),
        ("A=1\nB=1\\", "its last line ends with a backslash"),
        ('A=1\nB="open\n', "the quote in line 2 is not closed"),
        ("A=1\0\n", "holds NUL characters"),
        ("if true; then\nPERCENT=10\nfi\n", "line 1 is a command that decides what is set"),
        ("export A=1\nf() {\nPERCENT=10\n}\n", "line 2 is a command that decides what is set"),
        ("export A=1\n\\. ./other\nPERCENT=1\n", "line 2 is a command that decides what is set"),
        ("PERCENT=1\nexport A=1 PERCENT=2\n", "it is set more than once, in lines 1, 2"),
        ("export A=${PERCENT:=1}\n", "line 1 means"),
        ("PERCENT: 10\n", "line 1 means"),
    ],
)
def test_what_readers_take_for_different_things_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, says: str
) -> None:
    file = write(tmp_path, text.encode())
    assert says in read(tmp_path).problem
    said, code = change(tmp_path, "33")
    assert code == 1 and says in said
    assert file.read_text() == text and os.listdir(tmp_path) == [".env"]


@pytest.mark.parametrize("dialect", ["dotenv", "systemd", "shell"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=VALUES_OF_SETTINGS, name=st.integers(0, 5))
def test_a_flag_and_a_setting_are_read_by_one_reader(
    tmp_path: Path, dialect: Dialect, values: list[str], name: int
) -> None:
    """A flag has the value that the settings have, or is refused: it is never absent, and never another value."""
    kept = written(dialect, values)
    write(tmp_path, text_of(dialect, kept).encode())
    flag = EnvironmentFlag.model_validate({"kind": "env", "variable": f"V{name}", "file": ".env"})
    reading = parse_reading(*run(flag.probe(place(tmp_path, dialect)).command))
    if not reading.problem:
        assert reading.value == kept.get(flag.variable)
    elif flag.variable in kept:
        assert "means one thing to dotenv" in reading.problem or "backslash" in reading.problem


def test_mode_and_link_are_kept_and_the_file_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    real = tmp_path / "shared" / "settings"
    real.write_text("PERCENT=1\n")
    real.chmod(0o640)
    (tmp_path / ".env").symlink_to("shared/settings")
    before = real.stat()
    assert change(tmp_path, "2")[1] == 0
    after = real.stat()
    assert (tmp_path / ".env").is_symlink() and real.read_text() == "PERCENT=2\n"
    assert stat.S_IMODE(after.st_mode) == 0o640 and (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "renamed into place: a reader sees the one or the other"
    assert sorted(os.listdir(tmp_path / "shared")) == ["settings"]


@pytest.mark.parametrize("code", [0, 2])
def test_a_disk_that_is_full_loses_nothing_and_tells_no_secret(tmp_path: Path, code: int) -> None:
    """awk of busybox ends with 0 where it could not write, others with 2."""
    before = b"PERCENT=7\nA=1\nSECRET=nobody-may-see-it\nB=2\n"
    file = write(tmp_path, before)
    (tmp_path / "..env.lockstitch.1").write_bytes(before)
    whole = FLAG.change(place(tmp_path), "8")
    said, ended = run(Command(full(code) + whole.text, values=whole.values))
    assert ended and "is the disk full?" in said and "nobody" not in said
    assert file.read_bytes() == before and os.listdir(tmp_path) == [".env"]


def full(code: int) -> str:
    """awk that writes no more than 40 bytes into a file."""
    return f"""awk() {{
        [ "$ls_do" = flag_write ] && [ -f /dev/stdout ] || {{ command awk "$@"; return; }}
        command awk "$@" | head -c 40; return {code}
    }}
    """


def test_another_value_than_expected_is_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path, b"PERCENT=7\n")
    said, code = change(tmp_path, "50", "value 10")
    assert code == 1 and "was changed by somebody else: it was 'value 10' and is 'value 7'" in said
    assert file.read_bytes() == b"PERCENT=7\n"


@pytest.mark.parametrize("value", ["a$b", "it's", 'say "x"', "back\\slash", "`id`", "größe"])
def test_values_that_the_dialects_cannot_share_are_refused(value: str) -> None:
    assert FLAG.refusal(value)
