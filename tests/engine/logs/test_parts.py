"""The pure parts: times, records, and merging."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.engine.logs.framing import FrameReader
from lockstitch.engine.logs.merge import Grep, LiveMerger, LogRecord, Origin, last_lines, merged
from lockstitch.engine.logs.records import Record, Records, of_file, of_journal
from lockstitch.engine.logs.timestamps import LogClock
from lockstitch.remote.script import LONGEST_LINE

CLOCK = LogClock(datetime(2026, 11, 22, 12, tzinfo=UTC), timezone(timedelta(hours=2)))
AT = datetime(2026, 11, 21, 19, 23, tzinfo=UTC)
HERE = AT - timedelta(hours=2)


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("2026-11-21T19:23:00Z up", AT),
        ("2026-11-21T19:23:00.250Z up", AT + timedelta(milliseconds=250)),
        ("2026-11-21T21:23:00+02:00 up", AT),
        ("2026-11-21 14:23:00.000 -0500 up", AT),
        ("2026-11-21 19:23:00,123 - api - INFO - up", HERE + timedelta(milliseconds=123)),
        ("[2026-11-21 19:23:00 +0000] [7] [INFO] Booting worker", AT),
        ("[2026-11-21 19:23:00] production.ERROR: no", HERE),
        ("[2026-11-21T19:23:00.000000+00:00] production.ERROR: no", AT),
        ("INFO: 2026-11-21 19:23:00 up", HERE),
        ('203.0.113.9 - ann [21/Nov/2026:19:23:00 +0000] "GET / HTTP/1.1" 200', AT),
        ("2026/11/21 19:23:00 [error] 7#7: *1 connect() failed", HERE),
        ("Nov 21 19:23:00 web1 sshd[7]: up", HERE),
        ("Dec 21 19:23:00 web1 sshd[7]: of last year", datetime(2025, 12, 21, 17, 23, tzinfo=UTC)),
        ("2026-11-21T19:23:00: from PM2", HERE),
        ("2026-11-21 19:23:00 +00:00: from PM2", AT),
        ("0|api      | 2026-11-21 19:23:00 +00:00: from pm2 logs", AT),
        ('{"level":30,"time":1795288980000,"msg":"pino"}', AT),
        ('{"level":"info","ts":1795288980.0,"msg":"zap"}', AT),
        ('{"timestamp":"2026-11-21T19:23:00Z","message":"bunyan"}', AT),
        ('{"time":"2026-11-21T19:23:00.5+02:00"}', HERE + timedelta(milliseconds=500)),
        ("2016-12-31 23:59:60Z a leap second", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2027-11-21T19:23:00Z of the future", None),
        ("2026-13-41T19:23:00Z of no month", None),
        ("Feb 30 19:23:00 web1 of no day", None),
        ('{"time": {"no": 1}}', None),
        ("{" * 5000, None),
        ("  File 2026-11-21T19:23:00Z", None),
        ("ValueError: no", None),
        ("", None),
    ],
)
def test_when_a_line_was_written(line: str, time: datetime | None) -> None:
    assert CLOCK.of(line) == time


@given(st.text())
def test_no_line_is_too_strange(line: str) -> None:
    for begun in (line, f"2026-{line}", f'{{"time": {line}', f"Nov {line}", f"[{line}"):
        CLOCK.of(begun)


def stamp(seconds: int) -> str:
    return (AT + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


SOURCES = st.lists(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=12), max_size=4)


@given(SOURCES)
def test_records_are_whole_and_each_source_keeps_its_order(sources: list[list[tuple[int, int]]]) -> None:
    streams, wanted = [], []
    for number, source in enumerate(sources):
        lines = []
        for index, (seconds, more) in enumerate(sorted(source, key=lambda each: each[0])):
            record = [f"{stamp(seconds)} {number} {index}", *(f"  {number} {index} {n}" for n in range(more))]
            wanted.append(tuple(record))
            lines += record
        origin = Origin(f"host{number}", "api", "x")
        streams.append([LogRecord(origin, record) for record in of_file(lines, CLOCK, AT)])
    out = list(merged(streams))
    assert sorted(told.record.lines for told in out) == sorted(wanted)
    assert [told.time for told in out] == sorted(told.time for told in out)
    for stream in streams:
        assert (
            [told for told in out if told.origin == Origin(stream[0].origin.host, "api", "x")] == stream
            if stream
            else True
        )


@given(SOURCES, st.integers(1, 20))
def test_the_last_lines_are_whole_records(sources: list[list[tuple[int, int]]], lines: int) -> None:
    told = [
        LogRecord(Origin("h", "api", "x"), Record(AT + timedelta(seconds=n), ("a",) * (more + 1)))
        for n, more in sorted(each for source in sources for each in source)
    ]
    out = list(last_lines(told, lines))
    sizes = [len(one.record.lines) for one in told]
    assert out == told[len(told) - len(out) :]
    shown = sum(sizes[len(told) - len(out) :])
    assert shown >= min(lines, sum(sizes))
    assert len(out) == len(told) or shown - sizes[len(told) - len(out)] < lines


def test_what_stands_before_the_first_time_of_a_cut_file_is_left_out() -> None:
    lines = ["end of something", f"{stamp(0)} a", "more", f"{stamp(9)} b"]
    assert [record.lines for record in of_file(lines, CLOCK, AT, cut=True)] == [tuple(lines[1:3]), (lines[3],)]
    assert next(record.time for record in of_file(lines, CLOCK, AT)) == AT
    since = AT + timedelta(seconds=5)
    assert [record.lines for record in of_file(lines, CLOCK, AT, since=since)] == [(lines[3],)]
    untimed = [str(n) for n in range(100)]
    assert [record.lines[0] for record in of_file(untimed, CLOCK, AT, since=since)] == untimed[50:]


def entry(seconds: int, message: object, pid: str = "7") -> str:
    micro = int((AT + timedelta(seconds=seconds)).timestamp() * 1e6)
    told = {"__REALTIME_TIMESTAMP": str(micro), "MESSAGE": message, "_PID": pid, "SYSLOG_IDENTIFIER": "api"}
    return json.dumps({**told, "_SYSTEMD_UNIT": "api.service", "__CURSOR": f"c{seconds}"})


def test_a_traceback_of_the_journal_is_one_record() -> None:
    trace = ["ERROR no", "Traceback (most recent call last):", "  File x", "ValueError: no"]
    lines = [entry(n, text) for n, text in enumerate(trace)]
    lines.insert(0, entry(0, "other", "8"))
    lines += [entry(5, "fine"), entry(6, [104, 105, 255]), "no json", entry(7, "two\nlines"), entry(8, None)]
    records = list(of_journal(lines))
    assert [len(record.lines) for record in records] == [1, 4, 1, 1, 3]
    assert records[1].lines[3] == "2026-11-21T19:23:03.000+00:00 api[7]: ValueError: no"
    assert records[3].lines[0].endswith("hi\ufffd")


def test_what_comes_late_of_a_wanted_record_is_wanted() -> None:
    grep, records = Grep(re.compile("ERROR")), Records(CLOCK)
    origin = Origin("h", "api", "x")
    told = [*records.feed(f"{stamp(0)} ERROR"), *records.flush(), *records.feed("ValueError"), *records.flush()]
    told += [*records.feed(f"{stamp(1)} fine"), *records.flush()]
    assert [grep.wants(LogRecord(origin, record), "s") for record in told] == [True, True, False]
    assert [record.late for record in told] == [False, True, False]


@given(st.lists(st.sampled_from(["x", "", "y" * LONGEST_LINE, "z" * 40000, "tag begin"]), max_size=6), st.booleans())
def test_a_piece_is_what_it_was(lines: list[str], rest: bool) -> None:
    words: list[list[str]] = []
    heard: list[str] = []
    rests: list[str] = []
    said = FrameReader("tag8", words.append, heard.append, rests.append)
    text = "".join(f"{line}\n" for line in lines) + ("rest" if rest else "")
    for line in f"tag8 begin k 0\n{text}.\ntag8 end k 9".split("\n"):
        for start in range(
            0, len(line) + 1 if len(line) % LONGEST_LINE == 0 and line else len(line) or 1, LONGEST_LINE
        ):
            said.feed(line[start : start + LONGEST_LINE])
    assert heard == lines and rests == (["rest"] if rest else [""])
    assert words == [["begin", "k", "0"], ["end", "k", "9"]]


def test_no_line_waits_longer_than_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    now = [100.0]
    monkeypatch.setattr("lockstitch.engine.logs.merge.monotonic", lambda: now[0])

    def tell(stream: object) -> bool:
        told.extend(one.record.lines[0] for one in stream)  # type: ignore[attr-defined]
        return True

    live = LiveMerger(tell, Grep(None), 0.3)
    streams = [(Origin(f"h{n}", "api", "x"), Records(CLOCK)) for n in range(2)]
    live.feed(0, *streams[0], f"{stamp(2)} second")
    now[0] += 0.1
    live.feed(1, *streams[1], f"{stamp(1)} first")
    live.tick()
    assert told == []
    now[0] += 0.25
    live.tick()
    assert [line.split()[1] for line in told] == ["first", "second"]
    # One that grows is not torn by another that is due, and does not wait longer than that one either.
    live.feed(1, *streams[1], f"{stamp(3)} third")
    now[0] += 0.2
    live.feed(0, *streams[0], f"{stamp(4)} fourth")
    now[0] += 0.15
    live.feed(0, *streams[0], "more of it")
    live.tick()
    assert [line.split()[1] for line in told[2:]] == ["third"]
    now[0] += 0.2
    live.tick()
    assert [line.split()[1] for line in told[3:]] == ["fourth"]
