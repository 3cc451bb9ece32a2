"""Where what is printed goes: to a disk that is full, to a reader that went away, to nobody."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lockstitch.cli.output import PrefixedOutput
from lockstitch.model.results import lines_of
from lockstitch.text import oneline
from tests.cli.operator import Operator

MANY = "i=0; while [ $i -lt 20000 ]; do echo a line of output $i; i=$((i + 1)); done"


def test_a_full_disk_ends_no_command_and_is_told(operator: Operator) -> None:
    ran = operator.redirected(">/dev/full", "run", "--", f"{MANY}; touch done")
    assert ran.code == 7 and "3 hosts: 3 ok" in ran.err, ran.said
    assert "could be written here: no space left on device" in ran.err, ran.said
    assert all((operator.home(host) / "done").exists() for host in operator.hosts)


@pytest.mark.parametrize(
    "words",
    [("run", "--json", "--", "uptime"), ("run", "--group-output", "--", "uptime"), ("users.list",), ("keys.list",)],
    ids=" ".join,
)
def test_an_answer_that_cannot_be_written(operator: Operator, words: tuple[str, ...]) -> None:
    ran = operator.redirected(">/dev/full", *words)
    assert ran.code == 7 and "could not be written here: no space left on device" in ran.err, ran.said


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--json", "--", MANY),
        ("run", "--group-output", "--", MANY),
        ("processes", "--top", "0"),
        ("processes", "--top", "0", "--json"),
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_a_reader_that_wants_no_more_of_an_answer(operator: Operator, words: tuple[str, ...]) -> None:
    ran = operator.piped("true", *words)
    assert "ended with 0" in ran.err and "ipe" not in ran.err, ran.said


def test_nobody_reads_what_goes_wrong(operator: Operator) -> None:
    """`2>&1 | head`: how it ends is not changed by that."""
    ran = operator.redirected("2>&1 >/dev/null | true", "run", "--", "exit 3", ended=True)
    assert ran.out.strip() == "ended with 7", ran.said


@pytest.mark.parametrize("how", [(), ("--group-output",), ("--json",)])
def test_a_locale_without_the_letters_that_a_host_prints(operator: Operator, how: tuple[str, ...]) -> None:
    operator.env["PYTHONIOENCODING"] = "ascii"
    ran = operator.fab("run", *how, "--", "printf '\\303\\244\\n'", where="lab:one")
    assert ran.code == 0, ran.said
    assert ran.json["hosts"]["one"]["output"] == "ä\n" if "--json" in how else "\\xe4" in ran.out


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(operator: Operator, closed: str) -> None:
    assert operator.redirected(closed, "run", "--", "echo hello; exit 3").code == 7
    assert operator.redirected(closed, "put", "fabfile.py", "there").code == 0
    assert (operator.home("one") / "there").read_bytes() == (operator.folder / "fabfile.py").read_bytes()


def test_a_script_is_not_seen_by_other_users_of_the_host(operator: Operator, tmp_path: Path) -> None:
    script = tmp_path / "secret.sh"
    script.write_text("for at in /proc/[0-9]*; do tr '\\0' ' ' <$at/cmdline | grep -c hunter[2]; done 2>/dev/null\n")
    script.write_text(script.read_text() + ": hunter2\n")
    ran = operator.fab("run", "--json", "--script", str(script), where="lab:one")
    assert ran.code == 0 and set(ran.json["hosts"]["one"]["output"].split()) == {"0"}, ran.said


@pytest.mark.parametrize(("first", "code"), [('#!/bin/sh -c "x', 2), ("#!", 0), ("#!/bin/sh -e", 0)])
def test_first_lines_of_scripts(operator: Operator, tmp_path: Path, first: str, code: int) -> None:
    script = tmp_path / "script"
    script.write_text(f"{first}\necho hello\n")
    ran = operator.fab("run", "--script", str(script), where="lab:one")
    assert ran.code == code and "Traceback" not in ran.err, ran.said
    assert ("hello" in ran.out) == (code == 0), ran.said


def test_lines_in_the_journal_that_are_not_ours(operator: Operator) -> None:
    operator.fab("run", "--", "true", where="lab:one")
    with (operator.folder / ".lockstitch" / "commands.jsonl").open("a") as file:
        file.write('{"at": "now"}\n5\n[]\n')
    shown = operator.fab("history", "--by-hand")
    assert shown.code == 0 and "run -- true" in shown.out, shown.said


@pytest.mark.parametrize("times", [1, 500])
@pytest.mark.parametrize(
    "text",
    [
        "plain\n",
        "\n\n",
        "a\tb\r\n",
        "half\rover\n",
        "h\u00f6chstens 漢 🐟\n",
        "\x1b[32mgreen\x1b[0m\n",
        "caf\u00e9\x1b[2J\x7f\n",
        "no\u00a0break\n",
        "left\u202eright\n\u2028\n",
        "\x9b31m\n",
    ],
    ids=ascii,
)
def test_many_lines_at_once_look_like_each_for_itself(text: str, times: int) -> None:
    stream = io.StringIO()
    with PrefixedOutput(stream, ["web1"]) as output:
        output.take_lines("web1", "", "run", text * times)
    assert stream.getvalue() == "".join(f"web1         | {oneline(line)}\n" for line in lines_of(text * times))
