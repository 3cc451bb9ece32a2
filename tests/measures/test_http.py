"""Requests by a schedule, from a host and from here: what counts, what is hidden from nobody, and what is decided."""

from __future__ import annotations

import random
import shutil
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lockstitch.engine.take_measures import MeasureJob, take_measures
from lockstitch.measures.base import MeasuredSite
from lockstitch.measures.http import HttpMeasure, parse_counts
from lockstitch.measures.timing import TimedRequest, TimedRequests, bucket, gathered, lateness
from lockstitch.metrics.judgement import Answer
from lockstitch.model.command import Secret
from lockstitch.model.host import Address, Host
from tests.local import LocalRemote
from tests.measures.web import Web, serving, taken, talking, wrapped

FROM = ("hosts", "here")


def measure(url: str, **settings: Any) -> HttpMeasure:
    given = {"kind": "http", "url": url, "p95": "1s", "rate": 100, "warm_up": 0, **settings}
    return HttpMeasure.model_validate(given)


def requests(seconds: list[float], *, concurrency: int = 10, rate: float = 20.0, **settings: Any) -> TimedRequests:
    """Return requests that took so long, without a network."""
    load = measure("http://x/", **{"from": "here", "concurrency": concurrency, "rate": rate, **settings})
    site = MeasuredSite("app", "m", "here")
    made = load.load(site, 0, len(seconds))
    assert made is not None
    return gathered([TimedRequest(200, (each,) * 5) for each in seconds], made)


@pytest.mark.parametrize("place", FROM)
def test_answers_are_counted_and_the_first_ones_left_out(tmp_path: Path, place: str) -> None:
    with serving(Web()) as web:
        result = taken(LocalRemote(tmp_path), measure(web.url, **{"from": place, "warm_up": 7, "p50": "1s"}))
    assert result.answer is Answer.PASS, result
    assert (result.numbers["requests"], result.numbers["failed"], result.numbers["warm_up"]) == (100, 0, 7)
    assert len(web.asked) == 107 and "0 of 100 took longer" in result.says
    assert {f"{phase}_p50" for phase in ("late", "dns", "connect", "tls", "first", "body", "total")} <= set(
        result.numbers
    )


@pytest.mark.parametrize("place", FROM)
def test_a_server_that_stalls_once_is_seen_by_all_that_came_meanwhile(tmp_path: Path, place: str) -> None:
    """One of sixty requests is slow. A closed loop would count one; all that were meant to begin meanwhile waited."""
    web = Web(lambda number: (200, 2.0 if number == 10 else 0.0))
    settings = {"from": place, "concurrency": 1, "rate": 40, "requests": 60, "p95": "500ms"}
    with serving(web):
        result = taken(LocalRemote(tmp_path), measure(web.url, **settings))
    # 1.5 s of the stall are over the limit, at 40 requests a second; each further request takes some of it back.
    assert result.answer is Answer.FAIL and result.numbers["over_95"] >= 20, result


@pytest.mark.parametrize("place", FROM)
def test_what_has_no_answer_is_over_every_limit(tmp_path: Path, place: str) -> None:
    """None of them is slow: half are refused by their status, some are cut off by the time limit."""
    web = Web(lambda number: (503, 0.0) if number % 2 else (200, 3.0 if number % 10 == 0 else 0.0))
    with serving(web):
        result = taken(LocalRemote(tmp_path), measure(web.url, **{"from": place, "requests": 60, "timeout": 1}))
    assert result.answer is Answer.FAIL and result.numbers["failed"] == 36, result
    said = "; ".join(result.notes)
    assert "36 had no answer that counts" in said and "30 × answered 503" in said and "6 × " in said


@pytest.mark.parametrize("place", FROM)
def test_nobody_listens(tmp_path: Path, place: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        result = taken(LocalRemote(tmp_path), measure(f"http://127.0.0.1:{free.getsockname()[1]}/", **{"from": place}))
    assert result.answer is Answer.FAIL and result.numbers["failed"] == 100, result
    assert "refused" in result.notes[0].lower() or "connect" in result.notes[0].lower(), result.notes


@pytest.mark.parametrize("place", FROM)
def test_an_answer_that_ends_early_is_none(tmp_path: Path, place: str) -> None:
    with talking(lambda to: to.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")) as port:
        result = taken(LocalRemote(tmp_path), measure(f"http://127.0.0.1:{port}/", **{"from": place, "requests": 60}))
    assert result.answer is Answer.FAIL and "996 bytes" in result.notes[0], result


@pytest.mark.parametrize("place", FROM)
def test_a_handshake_that_drips_is_cut_off(tmp_path: Path, place: str) -> None:
    """Each byte comes in time, and all of them never would."""
    heard_out: list[bool] = []

    def drip(to: socket.socket) -> None:
        to.sendall(b"\x16\x03\x03\x40\x00")
        for _ in range(600):
            to.sendall(b"\x02")
            threading.Event().wait(0.1)
        heard_out.append(True)

    settings = {"from": place, "requests": 60, "rate": 1000, "concurrency": 60, "timeout": 0.5, "p95": "200ms"}
    with talking(drip) as port:
        result = taken(LocalRemote(tmp_path), measure(f"https://127.0.0.1:{port}/", **settings))
    assert result.answer is Answer.FAIL and "60 × no answer in 0.5 s" in result.notes[0], result
    assert not heard_out


def test_a_url_is_asked_as_it_is_written(tmp_path: Path) -> None:
    """Brackets and braces are no pattern of several URLs."""
    with serving(Web()) as web:
        result = taken(LocalRemote(tmp_path), measure(f"{web.url}?a[]={{1,2}}", requests=60))
    assert result.answer is Answer.PASS and len(web.asked) == 60, result


def test_what_a_loader_warns_of_is_no_answer(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    wrapped(remote, "curl", 'echo "curl: libcurl.so.4: no version information available" >&2\nexec "$real" "$@"')
    with serving(Web()) as web:
        result = taken(remote, measure(web.url, requests=60))
    assert result.answer is Answer.PASS and result.numbers["requests"] == 60, result


def test_a_curl_that_says_its_error_last(tmp_path: Path) -> None:
    """As old ones do: the times are before the error. What had no answer in time held up those that came after it."""
    remote = LocalRemote(tmp_path)
    wrapped(remote, "curl", 'out=$("$real" "$@" 2>"$0.$$"); code=$?; printf "%s\\n" "$out"; cat "$0.$$"; exit $code')
    web = Web(lambda number: (200, 2.0 if number == 10 else 0.0))
    settings = {"concurrency": 1, "rate": 40, "requests": 60, "p95": "500ms", "timeout": "1.5s"}
    with serving(web) as server:
        result = taken(remote, measure(server.url, **settings))
    assert result.answer is Answer.FAIL and result.numbers["failed"] == 1, result
    assert result.numbers["over_95"] > 10 and "1 × no answer in 1.5 s" in result.notes[0], result


@pytest.mark.parametrize("value", ["6", "60", "1"])
def test_a_header_that_is_a_short_number_hides_no_count(tmp_path: Path, value: str) -> None:
    """Answers are numbers alone, and a secret that looks like one is masked in them."""
    with serving(Web(lambda number: (503, 0.0) if number < 60 else (200, 0.0))) as web:
        asked = measure(web.url, headers={"X-Tenant": "env:T"}, requests=61)
        result = taken(LocalRemote(tmp_path), asked, {"env:T": Secret(value)})
    assert result.answer is Answer.FAIL and result.numbers["failed"] == 60, result


def test_a_count_that_is_none_is_not_0() -> None:
    line = "phase total 3:100\nover 1 7\ntotal 100 0 0\ntook 100 100\nend"
    assert parse_counts(line, 0, limits=(1.0,)).longer_than(1.0).bad == 7
    assert parse_counts(line.replace(" 7", " ***"), 0, limits=(1.0,)).unreadable


def test_a_token_that_no_header_can_have_is_refused_and_quoted_by_nobody(tmp_path: Path) -> None:
    token = "tok-en-of-mine\rrest"
    asked = measure("http://x/", **{"from": "here", "bearer": "env:T", "requests": 60})
    said = asked.refusal(MeasuredSite("app", "m", "here", known={"env:T": Secret(token)}))
    assert said.startswith("the value of the header Authorization has more than one line") and "tok" not in said
    with serving(Web()) as web:
        result = taken(LocalRemote(tmp_path), asked.model_copy(update={"url": web.url}), {"env:T": Secret(token)})
    assert result.answer is Answer.FAIL and "tok" not in repr(result), result


@pytest.mark.parametrize("place", FROM)
def test_headers_reach_the_server_and_nobody_else(tmp_path: Path, place: str) -> None:
    token = 'to"k\\en-' + "x" * 20
    asked = measure("http://x/", **{"from": place, "bearer": "env:T", "headers": {"X-Key": "env:K"}, "requests": 60})
    remote = LocalRemote(tmp_path)
    with serving(Web()) as web:
        asked = asked.model_copy(update={"url": web.url})
        result = taken(remote, asked, {"env:T": Secret(token), "env:K": Secret("key of mine")})
    assert result.answer is Answer.PASS, result
    assert {(each["Authorization"], each["X-Key"]) for each in web.asked} == {(f"Bearer {token}", "key of mine")}
    assert token not in repr(result)


def test_a_host_without_curl_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sh", "awk", "sed", "dd", "sleep", "cut", "head", "tr", "rm", "cat", "mkdir", "date"):
        if where := shutil.which(name):
            (tmp_path / "bin" / name).symlink_to(where)
    result = taken(LocalRemote(tmp_path, env={"PATH": str(tmp_path / "bin")}), measure("http://127.0.0.1:1/"))
    assert (result.answer, result.says) == (Answer.BLIND, "this host has no curl to ask with")


def test_it_looks_after_100_200_400_and_800_alone(tmp_path: Path) -> None:
    """Four of a hundred are slow: that is below the limit, and only many requests show it."""
    web = Web(lambda number: (503 if number % 50 < 1 else 200, 0.0))
    looked: list[str] = []
    asked = measure("http://x/", **{"from": "here", "requests": {"until": "decided"}, "rate": 1000, "concurrency": 20})
    with serving(web):
        site = MeasuredSite("app", "m", "here")
        job = MeasureJob(asked.model_copy(update={"url": web.url}), site, Host("a", Address("a")))
        (result,) = take_measures(LocalRemote(tmp_path), [job], asked.looks(few=False), note=looked.append)
    assert asked.looks(few=False) == (100, 200, 400, 800)
    assert result.answer is Answer.PASS and len(web.asked) in (200, 400), result
    assert looked[0] == "m is not decided after 100: going on to 200"


@pytest.mark.parametrize(
    ("requests", "most", "looks"),
    [
        (100, None, (100,)),
        (60, None, (60,)),
        ({"until": "decided", "most": 100}, None, (100,)),
        ({"until": "decided", "most": 799}, None, (100, 200, 400)),
    ],
)
def test_looks(requests: Any, most: None, looks: tuple[int, ...]) -> None:
    assert measure("http://x/", requests=requests).looks(few=False) == looks


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"requests": 51}, "p95 cannot pass by 51 requests: it needs 52"),
        ({"p99": "1s"}, "p99 cannot pass by 100 requests: it needs 268"),
        ({"requests": {"until": "sunset"}}, "until is `decided`"),
        ({"requests": {"until": "decided", "mots": 3}}, "mots is not a key here"),
        ({"requests": True}, "a number like 100"),
        ({"gate": True, "url": "https://www.example.com/"}, "a gate asks each host itself"),
        ({"url": "https://me:pw@example.com/"}, "it holds a password"),
        ({"url": "healthz"}, "nor a path like /healthz"),
        ({"bearer": "sk_live_1234"}, "an inventory holds no secrets"),
        ({"headers": {"X-Key": "plain"}}, "an inventory holds no secrets"),
        ({"headers": {"X Key": "env:K"}}, "cannot be the name of a header"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("(", ".")):
        measure(**{"url": "http://localhost/", **settings})


# Judged, without a network.


def judged(seconds: list[float], **settings: Any) -> Answer:
    asked = measure("http://x/", p95="100ms", requests=len(seconds), **settings)
    made = requests(seconds, p95="100ms", requests=len(seconds), **settings)
    return asked.judge(MeasuredSite("app", "m", "a"), made, None).answer


@pytest.mark.parametrize(("slow", "answer"), [(1, "pass"), (2, "unclear"), (8, "unclear"), (9, "fail")])
def test_a_p95_is_judged_by_the_table(slow: int, answer: str) -> None:
    assert judged([0.2] * slow + [0.01] * (100 - slow), concurrency=64).value == answer


def test_all_looks_together_are_wrong_as_seldom_as_one() -> None:
    """A server whose p95 is exactly at the limit is neither below nor above it: 5 % of either verdict at most, by chance
    a little more."""
    rng, asked = random.Random(1), measure("http://x/", p95="100ms", requests={"until": "decided", "most": 1000})
    verdicts = {Answer.PASS: 0, Answer.FAIL: 0}
    for _ in range(400):
        made = TimedRequests()
        begin = 0
        for end in asked.looks(few=False):
            times = [0.2 if rng.random() < 0.05 else 0.01 for _ in range(end - begin)]
            made, begin = made + requests(times, p95="100ms", concurrency=64), end
            answer = asked.judge(MeasuredSite("app", "m", "a"), made, None).answer
            if answer in verdicts:
                verdicts[answer] += 1
                break
    assert all(count <= 400 * 0.075 for count in verdicts.values()), verdicts


def test_the_interval_of_a_percentile_is_that_of_its_order_statistics() -> None:
    made = requests([number / 1000 for number in range(1, 101)], concurrency=64, rate=1000)
    low, high = made.percentile(0.95) or (0, 0)
    assert low <= 0.091 and high is not None and 0.099 <= high <= 0.106
    assert requests([0.01] * 58).percentile(0.95)[1] is None  # type: ignore[index]
    failed = made + TimedRequests(failed=100)
    assert failed.percentile(0.95) == (float("inf"), None)


def compared(new: list[float], old: list[float], **settings: Any) -> Answer:
    asked = measure("http://localhost/", p95="100ms", gate=True, requests=len(new), **settings)
    made = [requests(times, p95="100ms", requests=len(new)) for times in (new, old)]
    return asked.compare(*made).answer


def test_old_and_new_are_compared() -> None:
    rng = random.Random(2)
    fast, slow = ([rng.uniform(low, high) for _ in range(100)] for low, high in ((0.01, 0.05), (0.2, 0.3)))
    assert compared(fast, sorted(fast)) is Answer.PASS
    assert compared(slow, fast) is Answer.FAIL
    assert compared(fast, slow) is Answer.PASS
    # Both are over the limit: what counts is the old release's own p95.
    assert compared(slow, slow) is Answer.PASS
    assert compared([each * 3 for each in slow], slow) is Answer.FAIL
    # Three of a hundred more are no difference that can be told.
    assert compared([0.2] * 5 + fast[5:], fast) is Answer.UNCLEAR


def test_an_old_release_that_fails_itself_is_nothing_to_compare_with() -> None:
    asked = measure("http://localhost/", gate=True)
    assert asked.compare(requests([0.01] * 100), TimedRequests(failed=100)).answer is Answer.BLIND
    assert asked.compare(TimedRequests(unreadable="no curl"), requests([0.01] * 100)).answer is Answer.BLIND


# The schedule.

TIMES = st.lists(st.floats(0.0, 5.0, allow_nan=False), min_size=1, max_size=60)


@given(
    st.lists(st.integers(0, 320).map(lambda at: at / 64), min_size=1, max_size=60),
    st.sampled_from([1.0, 2.0, 8.0, 64.0]),
    st.integers(1, 8),
)
def test_lateness_is_that_of_a_queue(seconds: list[float], rate: float, concurrency: int) -> None:
    """Nobody is late who finds somebody free, and no more than `concurrency` are under way at any time."""
    late = lateness(seconds, rate, concurrency)
    spans = [
        (n / rate + each, n / rate + each + took) for n, (each, took) in enumerate(zip(late, seconds, strict=True))
    ]
    # All numbers are exact: parts of powers of 2.
    for number, (begin, _) in enumerate(spans):
        due = number / rate

        def busy(at: float, before: int = number) -> int:
            return sum(start <= at < end for start, end in spans[:before])

        assert busy(begin) < concurrency
        assert late[number] == 0 or (late[number] > 0 and busy(due) == concurrency)


@given(TIMES)
def test_with_room_for_all_nobody_is_late(seconds: list[float]) -> None:
    assert set(lateness(seconds, 50.0, len(seconds))) == {0.0}


@given(st.lists(st.floats(0.0, 100.0), max_size=50), st.floats(0.0, 100.0))
def test_counts_add_up(seconds: list[float], limit: float) -> None:
    half = len(seconds) // 2
    parts = [requests(part, concurrency=64, p95=max(limit, 0.001)) for part in (seconds[:half], seconds[half:])]
    whole = parts[0] + parts[1]
    assert whole.total == len(seconds)
    assert whole.beyond(limit).bad == sum(bucket(each) > bucket(limit) for each in seconds)


@given(st.text(), st.integers(-1, 255))
def test_no_answer_of_a_host_is_an_error_of_ours(text: str, code: int) -> None:
    """An answer that is cut short is unreadable: it never counts as fast."""
    answer = parse_counts(text, code, limits=(0.1,))
    assert answer.unreadable or (answer.total >= 0 and "end" in text and code == 0)


def test_the_host_counts_as_this_machine_does(tmp_path: Path) -> None:
    """The lines of curl, counted by awk and by Python: the same late requests, the same histogram."""
    from lockstitch.engine.ask import Query, ask
    from lockstitch.model.command import Command
    from lockstitch.model.probe import Probe
    from lockstitch.model.shell import shell_text

    rng = random.Random(3)
    times = [round(rng.choice([rng.uniform(0.001, 0.02), rng.uniform(0.1, 0.9)]), 6) for _ in range(80)]
    lines = "\n".join(f"{n} 200 0.0 0.0 0.0 {took} {took}" for n, took in enumerate(times))
    values = {"limits": "0.1 0.5", "count": "80", "warm_up": "0", "rate": "20000", "concurrency": "3", "expected": ""}
    text = 'printf "%s\\n" "$lines" | awk "$program"'
    command = Command(
        text, values={"lines": lines, "program": shell_text("lockstitch.measures.http", "count.awk")}, env=values
    )
    probe = Probe("count", command, lambda said, code: parse_counts(said, code, limits=(0.1, 0.5)))
    reply = ask(LocalRemote(tmp_path), [Query("a", Host("a", Address("a")), (probe,))])["a"]
    asked = measure("http://x/", **{"from": "here", "p95": 0.1, "warn": 0.5, "rate": 20, "concurrency": 3})
    load = asked.load(MeasuredSite("app", "m", "here"), 0, 80)
    assert load is not None
    mine = gathered([TimedRequest(200, (0.0, 0.0, 0.0, took, took)) for took in times], load)
    theirs = reply.facts[0]
    assert theirs.unreadable == "" and dict(theirs.durations.longer) == dict(mine.durations.longer)
    assert sum(theirs.durations.buckets.values()) == 80
    moved = sum(abs(theirs.durations.buckets.get(at, 0) - mine.durations.buckets.get(at, 0)) for at in range(257))
    assert moved <= 2, "a rounded number may lie at the edge of a bucket"
