"""`fab run` on several hosts: what arrives, what is shown, how it ends, and what is left."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.conftest import HOSTS, MakeOperator
from tests.cli.operator import Operator

ME = "${HOME##*/}"
ON_TWO = 'test "${HOME##*/}" != two'
# Words that hypothesis would rarely find by itself.
NASTY = [
    "'",
    '"',
    "\\",
    "$HOME",
    "`id`",
    "$(id)",
    "a  b",
    "*",
    "~",
    "!",
    "#x",
    "-n",
    "--",
    ";",
    "&&",
    "|",
    ">x",
    "\n",
    "",
]
ARGUMENT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)
ARGUMENTS = st.lists(st.sampled_from(NASTY) | ARGUMENT, min_size=1, max_size=6)
# Prints its words, each on a line of its own as Python writes them.
SHOW = ["python3", "-c", "import sys; [print(ascii(w)) for w in sys.argv[1:]]"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=ARGUMENTS)
def test_what_arrives_is_what_was_typed(operator: Operator, arguments: list[str]) -> None:
    """Whatever quotes, blanks and signs the words hold: several words are several words there."""
    # A process takes no word that is not valid in its own encoding, and a first `--` is the command line's.
    ran = operator.fab("run", "--json", "--", *SHOW, *arguments, where="lab:one")
    assert ran.code == 0, ran.said
    assert ran.json["hosts"]["one"]["output"].splitlines() == [ascii(word) for word in arguments]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=ARGUMENTS)
def test_one_word_is_a_line_that_the_hosts_shell_reads(operator: Operator, arguments: list[str]) -> None:
    line = shlex.join([*SHOW, *arguments]) + " | cat; echo $((1 + 1))"
    ran = operator.fab("run", "--json", "--", line, where="lab:one")
    assert ran.code == 0, ran.said
    assert ran.json["hosts"]["one"]["output"].splitlines() == [*(ascii(word) for word in arguments), "2"]


def test_bytes_that_are_no_text_arrive(operator: Operator) -> None:
    ran = operator.fab("run", "--json", "--", *SHOW, "caf\udce9", where="lab:one")
    assert ran.code == 0 and ran.json["hosts"]["one"]["output"] == "'caf\\udce9'\n", ran.said


def test_every_line_has_its_host_and_all_are_counted(operator: Operator) -> None:
    ran = operator.fab("run", "--", "echo a; echo b >&2; printf c")
    assert ran.code == 0, ran.said
    assert sorted(ran.out.splitlines()) == sorted(f"{host:<12} | {said}" for host in HOSTS for said in "abc")
    assert "3 hosts: 3 ok" in ran.err


def test_what_fails_on_one_host_goes_on_at_the_others(operator: Operator) -> None:
    ran = operator.fab("run", "--", f"{ON_TWO} || exit 42; echo done")
    assert ran.code == 7, ran.said
    assert ran.out.count("done") == 2
    assert "two    exit code 42" in ran.err and "3 hosts: 2 ok, 1 failed" in ran.err


def test_a_host_that_is_away_and_one_that_freezes(make_operator: MakeOperator) -> None:
    operator = make_operator("one", "two", gone=("away",))
    with operator.sandbox.broken("two", "freeze"):
        ran = operator.fab("run", "--json", "--", "echo here")
    assert ran.code == 3, ran.said
    hosts = ran.json["hosts"]
    assert hosts["one"]["output"] == "here\n" and hosts["one"]["result"] == "ok"
    assert hosts["away"]["result"] == hosts["two"]["result"] == "unreachable", hosts
    (line,) = operator.noted()
    assert line["codes"] == {"one": 0, "two": "unreachable", "away": "unreachable"} and line["exit"] == 3


def test_a_host_that_freezes_while_it_works(operator: Operator) -> None:
    running = operator.start("run", "--", "echo begun; sleep 600")
    running.until("begun", 30, times=3)
    with operator.sandbox.broken("two", "freeze"):
        running.until("two          ! ", 30)
        ran = operator.ctrl_c(running)
    assert ran.code == 130 and "2 interrupted" in ran.err and "1 unreachable" in ran.err, ran.said
    operator.until_quiet()


def test_plain_hosts_need_no_inventory(operator: Operator) -> None:
    config = str(operator.sandbox.place.ssh_config)
    ran = operator.fab("-S", config, "-H", "one,two", "run", "--", "hostname >/dev/null && echo ok", where="")
    assert ran.code == 0 and ran.out.count("ok") == 2, ran.said


def test_one_after_the_other(operator: Operator) -> None:
    """Each waits for a file that the one before has left: none is there while another works."""
    turn = f"mkdir {operator.folder}/turn && sleep 0.05 && rmdir {operator.folder}/turn"
    ran = operator.fab("run", "--serial", "--", turn)
    assert ran.code == 0, ran.said
    assert operator.fab("run", "--parallel", "1", "--", turn).code == 0


def test_all_at_once(operator: Operator) -> None:
    """Each waits until all three are there."""
    here, all_of_them = f"{operator.folder}/here", "ls {0} | wc -l"
    there = all_of_them.format(here)
    ran = operator.fab("run", "--", f'mkdir -p {here}/{ME}; until [ "$({there})" = 3 ]; do :; done')
    assert ran.code == 0, ran.said


def test_it_is_tried_until_it_is_ok(operator: Operator) -> None:
    line = "echo x >>tries; [ $(wc -l <tries) -ge 3 ]"
    ran = operator.fab("run", "--until-ok", "3", "--", line, where="lab:one")
    assert ran.code == 0, ran.said
    (operator.home("one") / "tries").unlink()
    assert operator.fab("run", "--until-ok", "2", "--", line, where="lab:one").code == 7
    (operator.home("one") / "tries").unlink()


def test_what_takes_too_long_is_ended(operator: Operator) -> None:
    ran = operator.fab("run", "--timeout", "1", "--", f"{ON_TWO} || sleep 600")
    assert ran.code == 7 and "took longer than 1 s and was ended" in ran.err and "2 ok, 1 failed" in ran.err, ran.said
    operator.until_quiet()


def test_output_that_is_the_same_is_shown_once(operator: Operator) -> None:
    ran = operator.fab("run", "--group-output", "--", f"{ON_TWO} && echo same || echo other")
    assert ran.code == 0, ran.said
    assert "== one, three (2 hosts): ok\n  | same\n" in ran.out and "== two: ok\n  | other\n" in ran.out


def test_long_output_that_differs_early_is_not_the_same(operator: Operator) -> None:
    ran = operator.fab("run", "--group-output", "--", "echo ${HOME##*/}; head -c 400000 /dev/zero | tr '\\0' x | fold")
    assert ran.code == 0 and ran.out.count("== ") == 3, ran.out[:300]
    assert ran.err.count("only the last 256 KiB are shown") == 3


def test_a_script_of_ones_own(operator: Operator, tmp_path: Path) -> None:
    script = tmp_path / "tell me.py"
    script.write_text("#!/usr/bin/env python3\nimport os, sys\nprint(os.getcwd(), sys.argv[1:])\nsys.exit(3)\n")
    (operator.home("one") / "sub").mkdir(exist_ok=True)
    words = ("run", "--script", str(script), "--cwd", "sub", "--json", "--", "a b", "c")
    ran = operator.fab(*words, where="lab:one")
    one = ran.json["hosts"]["one"]
    assert one["code"] == 3 and one["output"] == f"{operator.home('one')}/sub ['a b', 'c']\n", ran.said
    assert "--script" in operator.noted()[-1]["what"]
    shell = tmp_path / "plain"
    shell.write_text('echo $# "$1" it\\\'s \'x  y\'; ls "$0"\n')
    ran = operator.fab("run", "--script", str(shell), "--json", where="lab:one")
    said, place = ran.json["hosts"]["one"]["output"].splitlines()
    assert said == "0  it's x  y" and Path(place).is_absolute() and not Path(place).exists(), ran.said
    assert operator.fab("run", "--script", "no/such", "--", "x").code == 2


def test_a_script_is_removed_also_when_it_is_interrupted(operator: Operator, tmp_path: Path) -> None:
    script = tmp_path / "long"
    script.write_text('echo "at $0"; sleep 600\n')
    running = operator.start("run", "--script", str(script), where="lab:one")
    running.until("at ", 30)
    ran = operator.ctrl_c(running)
    place = Path(ran.out.split("at ")[1].split()[0])
    assert ran.code == 130 and place.is_absolute(), ran.said
    operator.until_quiet()
    assert not place.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_of_what_is_interrupted(operator: Operator, number: signal.Signals) -> None:
    running = operator.start("run", "--", "echo begun; sleep 600 | sleep 600", preloaded=False)
    running.until("begun", 30, times=3)
    running.signal(number)
    ran = running.finish()
    assert ran.code == (130 if number is not signal.SIGKILL else -number), ran.said
    if number is not signal.SIGKILL:
        assert "3 hosts: 3 interrupted" in ran.err
        assert operator.noted()[-1]["codes"] == dict.fromkeys(HOSTS, "interrupted")
    operator.until_quiet()


def test_secrets_do_not_reach_the_journal(operator: Operator) -> None:
    ran = operator.fab("run", "--", "DB_PASSWORD=hunter2 true; curl -u ada:hunter2 x || true", where="lab:one")
    assert ran.code == 0, ran.said
    (line,) = operator.noted()
    assert "hunter2" not in str(line) and line["by"].startswith("ada@") and line["where"] == ["lab"], line


def test_what_was_done_by_hand_is_remembered(operator: Operator) -> None:
    operator.fab("run", "--", "exit 3", where="lab:one")
    operator.fab("run", "--", "true", where="lab:two")
    with (operator.folder / ".lockstitch" / "commands.jsonl").open("a") as file:
        file.write('{"cut off\n')
    operator.fab("run", "--", "uptime")
    shown = operator.fab("history", "--by-hand")
    left_out, _, *lines = shown.out.splitlines()
    assert "commands.jsonl are no records, and are left out" in left_out, shown.said
    assert shown.code == 0 and [re.split("  +", line)[-2] for line in lines] == [
        "run -- uptime",
        "run -- true",
        "run -- exit 3",
    ], shown.said
    one = operator.fab("history", "--by-hand", "--json", where="lab:one").json["commands"]
    assert [line["what"] for line in one] == ["run -- uptime", "run -- exit 3"]
    assert "one: 3" in shown.out and "3 ok" in shown.out


def test_what_hosts_print_is_shown_and_not_obeyed(operator: Operator) -> None:
    ran = operator.fab("run", "--", "printf 'a\\033[2Jb\\r\\n'", where="lab:one")
    assert "a\u241b[2Jb" in ran.out and "\x1b" not in ran.out, ran.said


@pytest.mark.parametrize(
    "words",
    [
        ("--",),
        ("--serial", "--parallel", "3", "--", "true"),
        ("--until-ok", "0", "--", "true"),
        ("--sudo", "--user", "ada", "--", "true"),
    ],
)
def test_what_makes_no_sense_is_refused(operator: Operator, words: tuple[str, ...]) -> None:
    ran = operator.fab("run", *words)
    assert ran.code == 2 and "Traceback" not in ran.err, ran.said
    assert operator.noted() == []


def test_a_user_that_one_cannot_become(operator: Operator) -> None:
    ran = operator.fab("run", "--user", "nobody-here", "--", "true", where="lab:one")
    assert ran.code == 3 and "cannot become nobody-here with sudo" in ran.err, ran.said


@pytest.mark.parametrize("how", [(), ("--json",), ("--group-output",)])
def test_much_output_takes_no_more_memory(operator: Operator, how: tuple[str, ...]) -> None:
    """A hundred times as much of it, from three hosts, within what little takes and what is kept for each host."""
    little, much = (
        operator.memory("run", *how, "--", f"yes {'a line of output ' * 6}| head -c {kib}k") for kib in (100, 10000)
    )
    assert much - little < 12 * 1024, (little, much)


def test_a_reader_that_goes_away(operator: Operator) -> None:
    """`fab run | head -1` ends with nothing that looks like a failure."""
    line = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i + 1)); done"
    ran = operator.piped("head -1", "run", "--", line)
    assert ran.out.count("\n") == 1 and "| line 0" in ran.out, ran.said
    assert "Traceback" not in ran.err and "BrokenPipe" not in ran.err and "ended with 0" in ran.err, ran.err


def test_json_is_one_value(operator: Operator) -> None:
    ran = operator.fab("run", "--json", "--", f"{ON_TWO}")
    assert ran.code == 7 and json.loads(ran.out)["exit_code"] == 7 and ran.json["hosts"]["two"]["code"] == 1


@pytest.mark.parametrize("way", ["a file in its place", "no room"])
def test_what_cannot_be_recorded_is_said(operator: Operator, way: str) -> None:
    place = operator.folder / ".lockstitch"
    if way == "no room":
        place.mkdir()
        (place / "commands.jsonl").symlink_to("/dev/full")
    else:
        place.write_text("")
    ran = operator.start("run", "--json", "--", "echo done").finish(60)
    reason = "no space left on device" if way == "no room" else "file exists"
    assert (ran.code, ran.json["exit_code"]) == (0, 0), ran.said
    assert ran.json["unrecorded"] == f"{place}/commands.jsonl: {reason}"
    assert f"this is in no journal: {place}/commands.jsonl: {reason}\n" in ran.err
    if place.is_file():
        assert operator.start("history", "--by-hand").finish(60).code == 7, "what cannot be read is not empty"
