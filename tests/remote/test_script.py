"""A script as it runs in a real shell, and its output as it is read back: whatever is said, however it is cut."""

from __future__ import annotations

import codecs
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstitch.model.command import Command
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Event, Result, StepBegan, StepEnded, StepOutput
from lockstitch.remote.script import KEEP_CHARACTERS, LONGEST_LINE, RECORD, ScriptOutput, render
from tests.shells import SHELLS

NONCE = "0123456789abcdef"
every_shell = pytest.mark.parametrize("shell", SHELLS, ids=" ".join)


def step(text: str, name: str = "", **values: str) -> Step:
    return Step(name or text[:20], "", Command(text, values=values))


def script(*steps: Step | str, journal: str | None = None, keep_going: bool = False) -> Script:
    made = tuple(step(s, f"step {n}") if isinstance(s, str) else s for n, s in enumerate(steps))
    return Script(made, run="run-1", by="ada", app="api", journal=journal, keep_going=keep_going)


@dataclass
class Running:
    """A script under way in a local shell, in a session of its own as sshd gives it one."""

    process: subprocess.Popen[bytes]
    reading: ScriptOutput
    events: list[Event] = field(default_factory=list)
    raw: bytes = b""

    def until(self, wanted: str) -> None:
        """Read until a line is said."""
        while not any(isinstance(event, StepOutput) and event.line == wanted for event in self.events):
            assert self._more(), f"the script ended before it said {wanted!r}: {self.events}"

    def end(self) -> tuple[Result, ...]:
        """Read until the script is over, or its shell is."""
        while not self.reading.complete and self._more():
            pass
        return tuple(self.reading.results)

    def cut(self) -> None:
        """The line to the controller ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _more(self) -> bool:
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), 65536)
        self.raw += data
        self.reading.feed(data)
        return bool(data)


@contextmanager
def started(what: Script | str, home: Path, shell: Sequence[str] = ("sh",)) -> Iterator[Running]:
    text = what if isinstance(what, str) else render(what, NONCE)
    process = subprocess.Popen(
        shell,
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    events: list[Event] = []
    reading = ScriptOutput("web1", what if isinstance(what, Script) else script(), NONCE, events.append)
    running = Running(process, reading, events)
    # What a real host's init does: who has ended is gone, and not a zombie that looks alive.
    threading.Thread(target=process.wait, daemon=True).start()
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(text.encode("utf-8", "surrogateescape"))
        process.stdin.flush()
        yield running
    finally:
        for end in (process.stdin, process.stdout):
            if end is not None:
                end.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def carried_out(what: Script, home: Path, shell: Sequence[str] = ("sh",)) -> tuple[Result, ...]:
    with started(what, home, shell) as running:
        return running.end()


def said(*results: Result) -> list[tuple[int, str]]:
    return [(result.code, result.output) for result in results]


def journal(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


# In a real shell.


@every_shell
def test_steps_run_in_order_and_a_failing_one_is_the_last(shell: tuple[str, ...], tmp_path: Path) -> None:
    results = carried_out(script("echo one", "echo two; exit 3", "echo three"), tmp_path, shell)
    assert said(*results) == [(0, "one\n"), (3, "two\n")]


@every_shell
def test_a_file_of_settings_that_is_not_there_ends_the_step(shell: tuple[str, ...], tmp_path: Path) -> None:
    """As in any sh; bash is one only as long as POSIXLY_CORRECT is not taken from it."""
    (result,) = carried_out(script(". ./not-there.env; echo went on"), tmp_path, shell)
    assert result.code != 0
    assert "went on" not in result.output


@every_shell
def test_keep_going_carries_out_what_comes_after_a_failure(shell: tuple[str, ...], tmp_path: Path) -> None:
    results = carried_out(script("exit 3", "echo two", keep_going=True), tmp_path, shell)
    assert said(*results) == [(3, ""), (0, "two\n")]


@every_shell
def test_a_question_among_steps_stops_nothing(shell: tuple[str, ...], tmp_path: Path) -> None:
    asks = Step("gate", "", Command("echo no; exit 4"), is_query=True)
    assert said(*carried_out(script("echo one", asks, "echo two"), tmp_path, shell)) == [
        (0, "one\n"), (4, "no\n"), (0, "two\n")
    ]  # fmt: skip


@every_shell
@pytest.mark.parametrize(
    ("text", "code", "output"),
    [
        ("if", None, None),
        ("echo 'open", None, None),
        (")", None, None),
        ("}", None, None),
        ("fi; done; esac", None, None),
        ("exit 7", 7, ""),
        ("set -e\nfalse\necho not reached", 1, ""),
        ("set -eu\necho \"$no_such_variable\"\necho not reached", None, None),
        ("no-such-command-here", 127, None),
        ("cat; echo end", 0, "end\n"),
        ("read -r line <&3 && echo got it", None, None),
        ("exec sh -c 'exit 5'", 5, ""),
        ("exec >/dev/null; echo nowhere", 0, ""),
        ("cat <<EOF\nit's\nEOF", 0, "it's\n"),
        ("trap 'echo trapped' EXIT; exit 2", 2, "trapped\n"),
        ("echo comment # }", 0, "comment\n"),
        ("ls_nonce= ls_journal=/; ls_mark() { :; }; echo still", 0, "still\n"),
        ("umask 077; cd /; echo ok", 0, "ok\n"),
        ("echo out; echo err >&2", 0, "out\nerr\n"),
        ("kill -9 $(sh -c 'echo $PPID')", 137, None),
    ],
)  # fmt: skip
def test_whatever_a_step_does_it_ends_and_so_does_the_script(
    shell: tuple[str, ...], text: str, code: int | None, output: str | None, tmp_path: Path
) -> None:
    first, second = carried_out(script(step(text, "it"), "echo after", keep_going=True), tmp_path, shell)
    assert second == Result("step 1", 0, "after\n", second.seconds)
    assert first.code == code if code is not None else first.code != 0, first
    if output is not None:
        assert first.output == output


def test_a_process_left_behind_does_not_hold_the_script_up(tmp_path: Path) -> None:
    begin = time.monotonic()
    with started(script("sleep 30 & echo left", "echo two"), tmp_path) as running:
        assert said(*running.end()) == [(0, "left\n"), (0, "two\n")]
        assert running.reading.complete
    assert time.monotonic() - begin < 10


def test_a_step_that_kills_the_shell_is_no_success(tmp_path: Path) -> None:
    with started(script("echo one", "echo two; kill -9 $$", "echo three"), tmp_path) as running:
        assert said(*running.end()) == [(0, "one\n")]
        assert not running.reading.complete
        assert running.reading.step is not None and running.reading.step.name == "step 1"


def test_a_script_that_arrives_in_part_runs_nothing(tmp_path: Path) -> None:
    """Cut anywhere, densely where its structure is: no step, no journal, no file."""
    place = tmp_path / "place"
    place.mkdir()
    trace = place / "trace"
    text = render(
        script(f"echo ran >>{trace}; echo '}}'", "echo two\n}\necho three", journal=f"{place}/journal"), NONCE
    )
    whole = len(text.rstrip("\n"))
    cuts = sorted({*range(0, whole, 37), *range(whole - 150, whole), *(n for n in range(whole) if text[n] in "}\n")})
    for some in (cuts[n : n + 60] for n in range(0, len(cuts), 60)):
        shells = []
        for cut in some:
            process = subprocess.Popen(
                ["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=place
            )
            shells.append((cut, process))
            assert process.stdin is not None
            process.stdin.write(text[:cut].encode())
            process.stdin.close()
        for cut, process in shells:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.read() == b"", cut
            process.stderr.read()
            process.wait()
    assert sorted(path.name for path in place.iterdir()) == []


# The watchdog and the predecessor.


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def gone(*pids: int, within: float = 8.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(map(alive, pids)):
            return True
        time.sleep(0.02)
    return False


LONG = 'sleep 60 & echo $! >"$HOME/child"; sh -c \'echo $$ >"$HOME/grandchild"; exec sleep 60\' & echo ready; wait'


def pids(home: Path) -> tuple[int, ...]:
    until = time.monotonic() + 5
    while not ((home / "child").exists() and (home / "grandchild").exists() and (home / "grandchild").read_text()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return int((home / "child").read_text()), int((home / "grandchild").read_text())


def test_when_the_line_ends_so_does_the_step_with_all_its_processes(tmp_path: Path) -> None:
    record = tmp_path / "journal.jsonl"
    with started(script(LONG, f"touch {tmp_path}/second", journal=str(record)), tmp_path) as running:
        running.until("ready")
        children = pids(tmp_path)
        running.cut()
        assert gone(running.process.pid, *children)
    assert [entry["event"] for entry in journal(record)] == ["begin", "cut"]
    assert not (tmp_path / "second").exists()


def test_a_step_that_will_not_be_ended_is_killed(tmp_path: Path) -> None:
    stubborn = 'sh -c \'trap "" TERM HUP; echo $$ >"$HOME/pid"; echo ready; while :; do sleep 0.2; done\''
    with started(script(step(stubborn, "stubborn")), tmp_path) as running:
        running.until("ready")
        pid = int((tmp_path / "pid").read_text())
        running.cut()
        assert not gone(pid, within=1.0)
        assert gone(pid)


def test_a_signal_to_all_of_them_ends_those_too_that_do_not_obey_it(tmp_path: Path) -> None:
    """As an SSH server passes it on for Ctrl-C: it ends the script's own shell at once."""
    stubborn = 'sh -c \'trap "" TERM HUP; echo $$ >"$HOME/pid"; echo ready; while :; do sleep 0.2; done\''
    with started(script(step(stubborn, "stubborn")), tmp_path) as running:
        running.until("ready")
        pid = int((tmp_path / "pid").read_text())
        os.killpg(running.process.pid, signal.SIGTERM)
        running.cut()
        assert gone(running.process.pid)
        assert gone(pid)


def test_a_second_script_ends_the_one_that_still_runs(tmp_path: Path) -> None:
    record = tmp_path / "journal.jsonl"
    with started(script(LONG, journal=str(record)), tmp_path) as first:
        first.until("ready")
        children = pids(tmp_path)
        begin = time.monotonic()
        assert said(*carried_out(script("echo second", journal=str(record)), tmp_path)) == [(0, "second\n")]
        assert time.monotonic() - begin < 5
        assert gone(first.process.pid, *children)
    assert [entry["event"] for entry in journal(record)] == ["begin", "begin", "end"]


def test_scripts_on_other_journals_leave_each_other_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with started(script(LONG, journal=str(tmp_path / "a" / "journal")), tmp_path) as first:
        first.until("ready")
        children = pids(tmp_path)
        carried_out(script("echo other", journal=str(tmp_path / "b" / "journal")), tmp_path)
        carried_out(script("echo a probe has no journal"), tmp_path)
        assert alive(first.process.pid) and all(map(alive, children))


@pytest.mark.parametrize(
    "text", ["{pid} {group} 1", "{pid} 1 {start}", "{pid}", "", "\n", "x y z", "-1 -1 -1", "1", "0 0 0", "99999999 1 1"]
)
def test_a_stale_note_of_who_ran_ends_nobody(tmp_path: Path, text: str) -> None:
    """A pid that is somebody else's now, or a note that was cut off."""
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        stat = Path(f"/proc/{bystander.pid}/stat").read_text().rpartition(") ")[2].split()
        told = text.format(pid=bystander.pid, group=stat[2], start=stat[19])
        (tmp_path / "running").write_text(told + "\n" if told else "")
        assert said(*carried_out(script("echo on", journal=f"{tmp_path}/journal"), tmp_path)) == [(0, "on\n")]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_what_was_in_the_note_is_what_would_have_been_ended(tmp_path: Path) -> None:
    """The counterpart: with the right start time the same process is ended."""
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    threading.Thread(target=bystander.wait, daemon=True).start()
    stat = Path(f"/proc/{bystander.pid}/stat").read_text().rpartition(") ")[2].split()
    (tmp_path / "running").write_text(f"{bystander.pid} {stat[2]} {stat[19]}\n")
    carried_out(script("echo on", journal=f"{tmp_path}/journal"), tmp_path)
    assert gone(bystander.pid)


# The journal on the host.


@every_shell
def test_the_journal_tells_each_step_before_it_begins_and_after_it_ended(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    record = tmp_path / "it's a journal.jsonl"
    peek = step('tail -n 1 "$journal"', 'it\'s "first" \\ $x \u2028 ä', journal=str(record))
    results = carried_out(script(peek, step("exit 3", "second"), journal=str(record)), tmp_path, shell)
    assert json.loads(results[0].output)["event"] == "begin", "written before it began"
    told = [(e["event"], e["step"], e.get("code")) for e in journal(record)]
    assert told == [("begin", peek.name, None), ("end", peek.name, 0), ("begin", "second", None), ("end", "second", 3)]
    assert {(e["run"], e["by"], e["app"]) for e in journal(record)} == {("run-1", "ada", "api")}
    assert all(e["at"].endswith("Z") and len(e["at"]) == 20 for e in journal(record))


@every_shell
def test_a_journal_that_cannot_be_written_stops_a_forward_script_and_not_one_going_back(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    for there in (tmp_path / "no" / "folder" / "journal", Path("/dev/full")):
        (forward,) = carried_out(script("echo ran", "echo two", journal=str(there)), tmp_path, shell)
        assert forward.code == 1
        assert "cannot be written" in forward.output
        assert "ran" not in forward.output
        back = carried_out(script("echo ran", "echo two", journal=str(there), keep_going=True), tmp_path, shell)
        assert said(*back) == [(0, "ran\n"), (0, "two\n")]


def test_a_relative_journal_starts_at_home(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    carried_out(script("cd /; echo hi", journal="state/journal.jsonl"), tmp_path)
    assert [entry["event"] for entry in journal(tmp_path / "state" / "journal.jsonl")] == ["begin", "end"]


# Reading.


def stream(outputs: Sequence[bytes], codes: Sequence[int]) -> bytes:
    """What a host sends for steps that say these."""
    parts = []
    for number, (output, code) in enumerate(zip(outputs, codes, strict=True)):
        mark = f"{RECORD}{NONCE}"
        parts += [f"{mark} B {number}\n".encode(), output, f"{mark} E {number} {code} 0\n".encode()]
    return b"".join([*parts, f"{RECORD}{NONCE} X\n".encode()])


def read(data: bytes, cuts: Sequence[int], steps: int) -> tuple[list[Event], list[Result], bool]:
    events: list[Event] = []
    reading = ScriptOutput("web1", script(*(["x"] * steps)), NONCE, events.append)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in zip(edges, edges[1:], strict=False):
        reading.feed(data[start:end])
    return events, reading.results, reading.complete


LOOK_ALIKES = [
    b"", b"plain\n", b"no newline", b"\n\n\n", RECORD.encode(), f"{RECORD}{NONCE}".encode(), f"{RECORD}{NONCE[:-1]} E 0 0 0\n".encode(),
    f"{RECORD} E 0 0 0\n".encode(), f"{NONCE} E 0 0 0\n".encode(), f"{RECORD}{NONCE.upper()} X\n".encode(), b"B 0\nE 0 0 0\nX\n",
    b"\xff\xfe\x80", "ä€🐟".encode(), "€".encode()[:2], b"a\rb\r\n", b"\x1b[2J\x00\x07", b"x" * (LONGEST_LINE - 1), b"x" * LONGEST_LINE,
    b"x" * (LONGEST_LINE + 1), b"y" * (3 * LONGEST_LINE) + b"\nz", RECORD.encode() * (LONGEST_LINE + 300), b"\x1e" + b"w" * (2 * LONGEST_LINE),
]  # fmt: skip
OUTPUT = st.lists(st.one_of(st.sampled_from(LOOK_ALIKES), st.binary(max_size=30)), max_size=4).map(b"".join)
forged = f"{RECORD}{NONCE} ".encode()


@settings(max_examples=150, deadline=None)
@given(data=st.data(), outputs=st.lists(OUTPUT.filter(lambda o: forged not in o), min_size=1, max_size=3))
def test_however_the_bytes_are_cut_the_events_are_the_same(data: st.DataObject, outputs: list[bytes]) -> None:
    codes = [data.draw(st.integers(0, 255)) for _ in outputs]
    sent = stream(outputs, codes)
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=12))
    whole = read(sent, [], len(outputs))
    assert read(sent, cuts, len(outputs)) == whole
    events, results, done = whole
    assert done
    assert [result.code for result in results] == codes
    # Decoded as the one stream it is: a character cut off by the end of a step shows in that step.
    assert [result.output for result in results] == [decoded(output) for output in outputs]
    assert sum(isinstance(event, StepBegan) for event in events) == sum(
        isinstance(event, StepEnded) for event in events
    )
    assert all(len(event.line) <= LONGEST_LINE for event in events if isinstance(event, StepOutput))


def decoded(output: bytes) -> str:
    return codecs.decode(output + b"\x1e", "utf-8", "replace")[:-1]


@given(st.binary(max_size=80), st.lists(st.integers(0, 80), max_size=8))
def test_what_comes_before_the_first_mark_is_nobodys_output(noise: bytes, cuts: list[int]) -> None:
    """A banner of the login shell, before the script says its first word."""
    events, results, done = read(noise + b"\n" + stream([b"hi\n"], [0]), cuts, 1)
    assert done
    assert [result.output for result in results] == ["hi\n"]


def test_byte_by_byte() -> None:
    outputs = ["ä€🐟\n".encode(), b"\xff\xc3", f"{RECORD}{NONCE}x".encode()]
    sent = stream(outputs, [0, 1, 2])
    assert read(sent, range(len(sent)), 3) == read(sent, [], 3)


@pytest.mark.parametrize("unit", [b"line\n", b"no end", b"\x1e", RECORD.encode() + NONCE.encode(), b"\xff"])
def test_memory_stays_constant_whatever_is_said(unit: bytes) -> None:
    lines = 0

    def count(event: Event) -> None:
        nonlocal lines
        lines += 1

    reading = ScriptOutput("web1", script("x"), NONCE, count)
    reading.feed(f"{RECORD}{NONCE} B 0\n".encode())
    piece = unit * (65536 // len(unit))
    for _ in range(40):
        reading.feed(piece)
        assert len(reading._pending) <= LONGEST_LINE + 1024
        assert sum(map(len, reading._kept)) <= KEEP_CHARACTERS + LONGEST_LINE
    reading.feed(f"\n{RECORD}{NONCE} E 0 0 0\n{RECORD}{NONCE} X\n".encode())
    assert reading.complete
    (result,) = reading.results
    assert KEEP_CHARACTERS - 2 * LONGEST_LINE < len(result.output) <= KEEP_CHARACTERS + LONGEST_LINE
    assert lines > 2


def test_the_last_part_of_a_long_output_is_kept() -> None:
    text = "".join(f"line {n}\n" for n in range(100_000))
    _, (result,), _ = read(stream([text.encode()], [0]), range(0, len(text), 4096), 1)
    assert text.endswith(result.output)


def test_odd_output_of_a_real_shell_is_read(tmp_path: Path) -> None:
    odd = 'printf "no newline"; printf "\\377\\303\\n"; printf "\\036%s X\\n" nonce; head -c 100000 /dev/zero | tr "\\0" z'
    (result, second) = carried_out(script(odd, "echo two"), tmp_path)
    assert result.output == "no newline\ufffd\ufffd\n" + f"{RECORD}nonce X\n" + "z" * 100_000
    assert second.output == "two\n"
