"""Measures by programs: a page's score, round trips to a Redis, a command. The programs are stand-ins."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lockstitch.measures.base import Measure
from lockstitch.measures.command import CommandMeasure
from lockstitch.measures.lighthouse import LighthouseMeasure
from lockstitch.measures.redis import RedisMeasure, parse_round_trips
from lockstitch.metrics.judgement import Answer
from lockstitch.model.command import Secret
from tests.checks.test_app_values import RedisServer
from tests.local import LocalRemote
from tests.measures.web import taken
from tests.servers import folder
from tests.unpacked import program

STAND_IN = """#!/bin/sh
# Prints a report whose score is the next line of `scores`; keeps what it was given.
printf '%s\\n' "$@" >>"$STAND_IN/given"
for word; do case $word in --extra-headers=*) cat "${word#*=}" >>"$STAND_IN/headers"; ls -l "${word#*=}" >>"$STAND_IN/modes" ;; esac; done
score=$(sed -n 1p "$STAND_IN/scores"); sed -i 1d "$STAND_IN/scores"
case $score in
    fail) echo 'Unable to connect to Chrome' >&2; exit 1 ;;
    hang) sleep 60 ;;
    error) printf '{"runtimeError": {"code": "NO_FCP", "message": "The page did not paint"}, "categories": {"performance": {"score": null}}}' ;;
    *) if [ -e "$STAND_IN/pages" ]; then sed -n 1p "$STAND_IN/pages"; sed -i 1d "$STAND_IN/pages"
       else printf '{"mainDocumentUrl": "%s", "finalDisplayedUrl": "%s",' "$1" "$1"; fi
       printf '"categories": {"performance": {"score": %s}}, "audits": {"total-byte-weight": {"numericValue": 1234}}, "configSettings": {"extraHeaders": {"X-Key": "tok-en-of-mine"}}}' "$score" ;;
esac
"""


class Lighthouse:
    """The program's stand-in, which has a score for each run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (folder / "lighthouse").write_text(STAND_IN)
        (folder / "lighthouse").chmod(0o755)
        monkeypatch.setenv("STAND_IN", str(folder))
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def scores(self, *scores: float | str) -> None:
        (self.folder / "scores").write_text("".join(f"{score}\n" for score in scores))

    def pages(self, *pages: dict[str, str]) -> None:
        """The page that the report of each run names."""
        (self.folder / "pages").write_text("".join(f"{json.dumps({'a': 1, **page})[:-1]},\n" for page in pages))


@pytest.fixture
def lighthouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lighthouse:
    return Lighthouse(tmp_path, monkeypatch)


def page(**settings: Any) -> LighthouseMeasure:
    given = {"kind": "lighthouse", "url": "https://www.example.com/", "min": 90, "runs": 3, **settings}
    return LighthouseMeasure.model_validate(given)


@pytest.mark.parametrize(
    ("scores", "answer", "says"),
    [
        ((0.5, 0.95, 0.93), "pass", "performance 93, the median of 50, 93, 95; at least 90"),
        ((0.5, 0.89, 0.93), "fail", "performance 89, the median of 50, 89, 93; at least 90"),
        ((0.95, "fail", 0.97), "pass", "performance 96, the median of 95, 97; at least 90"),
        (("fail", 0.95, "fail"), "blind", "1 of 3 runs have a score: exit code 1: Unable to connect to Chrome"),
        (("NaN", "NaN", 95), "blind", "0 of 3 runs have a score: its report has no such score"),
        (("error", "error", "error"), "blind", "0 of 3 runs have a score: The page did not paint"),
    ],
)
def test_the_median_of_the_runs_is_judged(
    tmp_path: Path, lighthouse: Lighthouse, scores: tuple[Any, ...], answer: str, says: str
) -> None:
    lighthouse.scores(*scores)
    result = taken(LocalRemote(tmp_path), page())
    assert (result.answer.value, result.says) == (answer, says)
    if answer != "blind":
        assert result.numbers["bytes"] == 1234 and json.loads(result.report)["categories"]


LOGIN = "https://www.example.com/login?token=tok-en"


@pytest.mark.parametrize(
    ("url", "pages", "says"),
    [
        ("https://www.example.com/", {"mainDocumentUrl": LOGIN, "finalDisplayedUrl": LOGIN}, "redirects to"),
        ("https://www.example.com/", {"mainDocumentUrl": "https://www.example.com/", "finalDisplayedUrl": LOGIN}, "goes on to"),
        ("https://www.example.com/", {"finalUrl": LOGIN}, "redirects to"),
        ("https://www.example.com/login", {"finalUrl": LOGIN}, "redirects to"),
        ("https://www.example.com/login", {"mainDocumentUrl": "https://WWW.example.com:443/login#a", "finalDisplayedUrl": LOGIN}, ""),
        ("https://www.example.com", {"finalUrl": "https://www.example.com/"}, ""),
        ("https://www.example.com:8443/", {"finalUrl": "https://www.example.com/"}, "redirects to"),
        ("https://www.example.com/", {}, "does not say which page has the score"),
    ],
)  # fmt: skip
def test_the_score_of_another_page_does_not_count(
    tmp_path: Path, lighthouse: Lighthouse, url: str, pages: dict[str, str], says: str
) -> None:
    lighthouse.scores(0.99, 0.99, 0.99)
    lighthouse.pages(*[pages] * 3)
    result = taken(LocalRemote(tmp_path), page(url=url))
    assert result.answer is (Answer.BLIND if says else Answer.PASS) and says in result.says, result
    assert "tok-en" not in result.says and "npm install" not in result.hint


def test_a_run_of_another_page_is_told_beside_those_that_count(tmp_path: Path, lighthouse: Lighthouse) -> None:
    lighthouse.scores(0.99, 0.91, 0.92)
    lighthouse.pages({"finalUrl": LOGIN}, *[{"finalUrl": "https://www.example.com/"}] * 2)
    result = taken(LocalRemote(tmp_path), page())
    assert result.says == "performance 91.5, the median of 91, 92; at least 90"
    assert result.notes == (
        "1 of 3 runs have no score: https://www.example.com/ redirects to https://www.example.com/login",
    )


@pytest.mark.parametrize(("before", "answer"), [(95.0, "pass"), (97.0, "fail"), (None, "pass")])
def test_it_is_compared_with_the_last_good_release(
    tmp_path: Path, lighthouse: Lighthouse, before: float | None, answer: str
) -> None:
    lighthouse.scores(0.93, 0.93, 0.93)
    known = None if before is None else {"score": before}
    result = taken(LocalRemote(tmp_path), page(tolerance=3), before=known)
    assert result.answer.value == answer, result
    assert bool(result.notes) is (before is None)
    lighthouse.scores(0.93, 0.93, 0.93)
    alone = taken(LocalRemote(tmp_path), page(min=None, tolerance=3), before=known)
    assert alone.answer.value == (answer if before else "few")


def test_where_it_is_not_installed_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = taken(LocalRemote(tmp_path), page())
    assert result.answer is Answer.BLIND and "lighthouse is not installed here" in result.says
    assert "npm install --global lighthouse" in result.hint


def test_a_run_that_hangs_is_ended(tmp_path: Path, lighthouse: Lighthouse) -> None:
    lighthouse.scores("hang", 0.95, 0.95)
    result = taken(LocalRemote(tmp_path), page(timeout=1))
    assert result.answer is Answer.PASS and "did not end in 1 s" in result.notes[0], result


def test_headers_are_in_a_file_of_its_own_and_in_no_report(tmp_path: Path, lighthouse: Lighthouse) -> None:
    lighthouse.scores(0.95)
    asked = page(runs=1, headers={"X-Key": "env:K"})
    result = taken(LocalRemote(tmp_path), asked, {"env:K": Secret("tok-en-of-mine")})
    assert json.loads((tmp_path / "headers").read_text()) == {"X-Key": "tok-en-of-mine"}
    assert (tmp_path / "modes").read_text().startswith("-rw-------")
    assert "tok-en" not in (tmp_path / "given").read_text() + result.report + repr(result)


# Redis.


def redis(**settings: Any) -> RedisMeasure:
    return RedisMeasure.model_validate({"kind": "redis", "p95": "5ms", "samples": 100, **settings})


def client(folder: Path, text: str) -> LocalRemote:
    """Return a host whose redis-cli is this script."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "redis-cli").write_text(f"#!/bin/sh\n{text}\n")
    (programs / "redis-cli").chmod(0o755)
    return LocalRemote(folder, env={"PATH": f"{programs}:{os.environ['PATH']}"})


# Round trips of 400 µs, of which some take 9 ms; a second begins in between.
TIMES = """awk -v slow=%d 'BEGIN { at = 999990000; for (n = 0; n <= 100; n++) { print int(at / 1000000); print at %% 1000000; at += n < slow ? 9000 : 400 } }'"""


@pytest.mark.parametrize(("slow", "answer"), [(1, "pass"), (5, "unclear"), (20, "fail")])
def test_round_trips_are_judged_by_the_table(tmp_path: Path, slow: int, answer: str) -> None:
    result = taken(client(tmp_path, TIMES % slow), redis())
    assert (result.answer.value, f"{slow} of 100 took longer" in result.says) == (answer, True), result
    assert result.numbers["p50_low"] == pytest.approx(0.0004)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo 'Could not connect to Redis at 127.0.0.1:6379: Connection refused'", "Connection refused"),
        ("echo 'NOAUTH Authentication required.'", "NOAUTH"),
        (f"{TIMES % 0} | head -n 60", "29 of 100 round trips came back"),
        (":", "0 of 100 round trips came back"),
    ],
)
def test_what_is_no_answer_is_blind(tmp_path: Path, text: str, says: str) -> None:
    result = taken(client(tmp_path, text), redis())
    assert result.answer is Answer.BLIND and says in result.says, result


def test_its_password_is_in_no_command_line(tmp_path: Path) -> None:
    remote = client(tmp_path, f'printf "%s\\n" "$@" >"$HOME/given"; echo "$REDISCLI_AUTH" >"$HOME/login"; {TIMES % 0}')
    url = "rediss://me:pass-of-redis@cache.example.com:6380/0"
    result = taken(remote, redis(url="env:REDIS_URL"), {"env:REDIS_URL": Secret(url)})
    assert result.answer is Answer.PASS, result
    given = (remote.home("a") / "given").read_text()
    assert "cache.example.com\n" in given and "6380\n" in given and "--tls\n" in given and "pass-of" not in given
    assert (remote.home("a") / "login").read_text() == "pass-of-redis\n"


def test_no_answer_is_an_error_of_ours() -> None:
    for text in ("", "trip", "trip x\nend", "end", "trip -5\nend"):
        parse_round_trips(text, 0)


def test_a_real_redis(tmp_path: Path) -> None:
    path, cli = program("redis-server", "redis-server", "redis-tools"), program("redis-cli", "redis-tools")
    if path is None or cli is None:
        pytest.skip("Redis cannot be had: there is no apt-get")
    remote = LocalRemote(tmp_path, env={"PATH": f"{cli.parent}:{os.environ['PATH']}"})
    with folder() as root:
        server = RedisServer(path, root)
        try:
            url = f"redis://:s3cret%2F%40%3Ax@127.0.0.1:{server.port}/0"
            result = taken(remote, redis(url="env:R", p95="5s"), {"env:R": Secret(url)})
            refused = taken(remote, redis(url="env:R"), {"env:R": Secret(url.replace("s3cret", "other"))})
            bare = taken(remote, redis(url=f"redis://127.0.0.1:{server.port}/0"))
        finally:
            server.process.terminate()
            server.process.wait(10)
    assert result.answer is Answer.PASS and 0 < result.numbers["p50_low"] < 1, result
    assert refused.answer is Answer.BLIND and "WRONGPASS" in refused.says, refused
    assert bare.answer is Answer.BLIND and "NOAUTH" in bare.says, bare


# A command.


@pytest.mark.parametrize(
    ("line", "answer"), [("echo fine; test -f here", "pass"), ("echo too slow; exit 3", "fail"), ("nonsense-1", "fail")]
)
def test_a_command_passes_by_its_exit_code(tmp_path: Path, line: str, answer: str) -> None:
    remote = LocalRemote(tmp_path)
    (remote.home("a") / "app/current").mkdir(parents=True)
    (remote.home("a") / "app/current/here").touch()
    result = taken(remote, CommandMeasure.model_validate({"kind": "command", "run": line}))
    assert result.answer.value == answer and result.lines, result


def test_a_command_where_nothing_is_deployed(tmp_path: Path) -> None:
    assert taken(LocalRemote(tmp_path), CommandMeasure(kind="command", run="true")).answer is Answer.FAIL


@pytest.mark.parametrize(
    ("model", "settings", "says"),
    [
        (LighthouseMeasure, {"url": "https://x/"}, "it judges nothing"),
        (RedisMeasure, {"p50": None}, "it judges nothing"),
        (RedisMeasure, {"p95": "1ms", "url": "redis://:key@cache:6379"}, "write redis://HOST:PORT"),
        (RedisMeasure, {"p95": "1ms", "url": "http://cache:6379"}, "write redis://HOST:PORT"),
        (RedisMeasure, {"p99": "1ms", "samples": 200}, "p99 cannot pass by 200 samples: it needs 268"),
        (CommandMeasure, {"run": " "}, "it is empty"),
    ],
)
def test_what_is_refused(model: type[Measure], settings: dict[str, Any], says: str) -> None:
    kind = model.model_fields["kind"].annotation.__args__[0]  # type: ignore[union-attr]
    with pytest.raises(ValidationError, match=says):
        model.model_validate({"kind": kind, **settings})
