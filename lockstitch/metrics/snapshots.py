"""Windows of time between snapshots of what a process has counted since it began.

Two snapshots are subtracted only if one process gave both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.measurement import CountedSpan, Durations, Measurement, Question, Requests, Snapshot
from lockstitch.model.format import span

Key = TypeVar("Key", int, float, tuple[float, float])
# Times of a start that differ by less are those of one process; and edges of windows are whole seconds.
_SAME = 1.0


class _BlindError(Exception):
    def __init__(self, says: str, hint: str = "") -> None:
        super().__init__(says)
        self.says, self.hint = says, hint


def windowed(question: Question, snapshots: Sequence[Snapshot], answer: Measurement) -> Measurement:
    """Return an answer with what was counted in the windows of a question, by all snapshots so far, the newest last. It
    is blind where they do not tell."""
    try:
        windows = tuple(
            _alone(each, snapshots[-1]) if question.since is None else _since(each, snapshots)
            for each in (CountedSpan.of(window, question, snapshots[-1].time) for window in question.windows)
        )
    except _BlindError as error:
        return replace(answer, blind=error.says, hint=error.hint)
    return replace(answer, windows=windows)


def _alone(window: CountedSpan, snapshot: Snapshot) -> Requests:
    """Return what one process counts on average in as long a time, where nothing is known of a release."""
    if snapshot.started > window.end:
        raise _BlindError("its process began after the time that is asked for")
    if snapshot.started >= window.begin:
        return snapshot.requests
    return _scaled(snapshot.requests, (window.end - window.begin) / (snapshot.time - snapshot.started))


def _since(window: CountedSpan, snapshots: Sequence[Snapshot]) -> Requests:
    if not window.is_after_release:
        return Requests()
    end = next((each for each in snapshots if each.time >= window.end - _SAME), snapshots[-1])
    if end.started >= window.switch - _SAME and window.begin - window.floor < _SAME:
        # Its process is younger than the release: all that it has counted is of it.
        return end.requests
    base = next((each for each in snapshots if window.begin - _SAME <= each.time < end.time), None)
    if base is None:
        ago = span(snapshots[-1].time - end.started)
        hint = f"its process began {ago} ago: `--last` with more than that judges all of it, and a watch reads it again"
        raise _BlindError("what it had counted at the begin of the window is not known", hint)
    if abs(base.started - end.started) >= _SAME:
        if end.started <= base.time:
            raise _BlindError("two processes answer in turn", "let one registry of metrics count for all of them")
        return end.requests
    return _difference(end.requests, base.requests)


def _difference(later: Requests, earlier: Requests) -> Requests:
    durations = Durations(
        later.durations.total - earlier.durations.total,
        {},
        _less(later.durations.longer, earlier.durations.longer),
        _less(later.durations.unsure, earlier.durations.unsure, may_fall=True),
        _less(later.durations.spans, earlier.durations.spans),
    )
    share = Proportion(later.share.bad - earlier.share.bad, later.share.total - earlier.share.total)
    if min(durations.total, share.bad, share.total - share.bad) < 0:
        raise _fell()
    untimed, grouped = max(0, later.untimed - earlier.untimed), max(0, later.grouped - earlier.grouped)
    return Requests(_less(later.statuses, earlier.statuses), durations, untimed, grouped, share)


def _less(later: Mapping[Key, int], earlier: Mapping[Key, int], *, may_fall: bool = False) -> dict[Key, int]:
    counts = {key: later.get(key, 0) - earlier.get(key, 0) for key in {**earlier, **later}}
    if may_fall:
        return {key: max(0, count) for key, count in counts.items()}
    if any(count < 0 for count in counts.values()):
        raise _fell()
    return counts


def _fell() -> _BlindError:
    hint = "let one registry of metrics count for all processes, such as prometheus-client's multiprocess mode"
    return _BlindError("its counters fell, though its process did not begin anew", hint)


def _scaled(requests: Requests, part: float) -> Requests:
    def some(count: int) -> int:
        return round(count * part)

    timed = requests.durations
    durations = Durations(
        some(timed.total),
        {},
        {key: some(n) for key, n in timed.longer.items()},
        {key: some(n) for key, n in timed.unsure.items()},
        {key: some(n) for key, n in timed.spans.items()},
    )
    statuses = {key: some(n) for key, n in requests.statuses.items()}
    share = Proportion(some(requests.share.bad), some(requests.share.total))
    return Requests(statuses, durations, some(requests.untimed), some(requests.grouped), share)
