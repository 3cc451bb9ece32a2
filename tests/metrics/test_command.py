"""Commands that print counts or a number, run by the shells that hosts have."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lockstitch.engine.ask import Query, ask
from lockstitch.metrics.command import CommandSource
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.measurement import Measurement, Question, Window
from lockstitch.model.command import Secret
from lockstitch.model.host import Address, Host
from tests.local import LocalRemote

HOST = Host("web1", Address("web1"))
WINDOWS = (Window(-60, -2), Window(-120, -60))
SHELLS = [words for words in (("dash",), ("bash",), ("busybox", "sh"), ("mksh",)) if shutil.which(words[0])]
Measure = Callable[..., Measurement]


@pytest.fixture(params=SHELLS, ids=" ".join)
def measure(request: pytest.FixtureRequest, tmp_path: Path) -> Measure:
    remote = LocalRemote(tmp_path)
    remote.shell = request.param

    def carry_out(
        run: str,
        prints: str = "counts",
        windows: tuple[Window, ...] = WINDOWS,
        known: Mapping[str, Secret] | None = None,
        **settings: Any,
    ) -> Measurement:
        source = CommandSource.model_validate({"kind": "command", "run": run, "prints": prints, **settings})
        probe = source.probe(Question(windows, known=known or {}))
        answer: Any = ask(remote, [Query("web1", HOST, (probe,))])["web1"].facts[0]
        assert isinstance(answer, Measurement)
        return answer

    return carry_out


def test_a_secret_is_a_variable_that_is_not_shown(measure: Measure) -> None:
    settings: dict[str, Any] = {"secrets": {"ORDERS_KEY": "env:KEY"}, "known": {"env:KEY": Secret("it's $1")}}
    assert measure('[ "$ORDERS_KEY" = "it\'s \\$1" ] && echo 3 of 120', **settings).about == "3 of 120"
    said = measure('echo "$ORDERS_KEY"', **settings).blind
    assert "the command printed" in said and "it's" not in said
    assert measure("echo 3 of 120", secrets={"ORDERS_KEY": "env:KEY"}).blind == "the secret env:KEY was not looked up"


@pytest.mark.parametrize("run", ["echo 3 of 120", "echo 3/120", "echo; echo ' 3 of 120 '; echo a warning >&2"])
def test_counts(measure: Measure, run: str) -> None:
    answer = measure(run)
    assert (answer.blind, answer.about) == ("", "3 of 120")
    assert [window.share for window in answer.windows] == [Proportion(3, 120)] * 2


def test_the_times_to_count_between(measure: Measure) -> None:
    now = time.time()
    answer = measure('[ $# -eq 0 ] && echo "$((WINDOW_END - WINDOW_BEGIN)) of $WINDOW_END"')
    (first, second) = (window.share for window in answer.windows)
    assert (first.bad, second.bad) == (58, 60)
    assert abs(first.total - (now - 2)) < 30 and first.total - second.total == 58
    absolute = measure('echo "1 of $WINDOW_BEGIN"', windows=(Window(1_700_000_000, 1_700_000_060),))
    assert absolute.windows[0].share.total == 1_700_000_000


@pytest.mark.parametrize(("run", "value"), [("echo 12", 12.0), ("echo -0.5", -0.5), ("echo 1e3", 1000.0)])
def test_a_number_of_now(measure: Measure, run: str, value: float) -> None:
    answer = measure(f"echo x >>ran; {run}", "number")
    assert (answer.blind, answer.values, len(answer.windows)) == ("", {"": value}, 2)


def test_a_number_is_asked_once(measure: Measure) -> None:
    assert measure("echo x >>ran; wc -l <ran", "number").values == {"": 1.0}


@pytest.mark.parametrize(
    ("run", "prints", "says"),
    [
        ("true", "counts", "printed nothing"),
        ("echo 1 of 2; echo 1 of 2", "counts", "printed 2 lines"),
        ("echo 3 of 2", "counts", "printed '3 of 2'"),
        ("echo all is well", "counts", "printed 'all is well'"),
        ("echo 5", "counts", "printed '5'"),
        ("echo 1 of 2", "number", "printed '1 of 2'"),
        ("echo nan", "number", "printed 'nan'"),
        ("echo 0 of 100; echo broken >&2; exit 3", "counts", "ended with exit code 3: broken"),
        ("echo 0; exit 1", "number", "ended with exit code 1: 0"),
        ("no-such-program", "counts", "ended with exit code 127"),
        ("kill -9 $$", "counts", "ended with exit code 137"),
        ("read line && echo $line", "counts", "ended with exit code 1"),
        ("echo 'code 1 0' ; exit 4", "counts", "ended with exit code 4"),
    ],
)
def test_blind(measure: Measure, run: str, prints: str, says: str) -> None:
    answer = measure(run, prints)
    assert says in answer.blind, answer
    assert "BAD of TOTAL" in answer.hint
