"""The counts of a watch: windows of time that follow one another, on each host by its own clock. Pure.

Each reading asks for the newest window, and once more for the one before: a request that was still running when its
window was read first is counted then. What could not be read is asked for again. engine/watch.py asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from lockstitch.checks.metric_gates import HostMeasurement
from lockstitch.checks.metric_queries import MetricKey
from lockstitch.facts.switch_times import HostSwitch
from lockstitch.metrics.measurement import Durations, Measurement, Requests, Window, pooled
from lockstitch.model.lazy_dataclass import dataclass

# How often a window is read, and how many of them are asked for at once.
_TIMES, _MOST = 2, 6


def edges(begin: float, seconds: float, interval: float, warm_up: float) -> tuple[float, ...]:
    """Return the ends of the windows of so many seconds, the begin first. One of them is where the warm-up ends."""
    count = max(1, round(seconds / interval))
    ends = {begin + seconds * number / count for number in range(count + 1)}
    return tuple(sorted(ends | ({begin + warm_up} if 0 < warm_up < seconds else set())))


@dataclass
class _Series:
    """The windows of one source on one host by their numbers, how often each was read, the values at their ends, and
    the time before."""

    read: dict[int, Requests] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    values: dict[int, Mapping[str, float]] = field(default_factory=dict)
    before: Requests = field(default_factory=Requests)
    last: Measurement = field(default_factory=Measurement)
    # What windows counted that are not kept any more, and how many seconds these were.
    past: Requests = field(default_factory=Requests)
    past_seconds: float = 0.0
    # How many of these were never read.
    past_unread: int = 0


class WatchCounts:
    """The counts of one app's hosts in one watch: of those that took the release, and of those with the old one.

    `before` is the length of the time before the release that is read once, in seconds. A host is asked by its own
    clock; `begin` is when the last of them took the release, in the controller's time (`now` where that is not known).
    """

    def __init__(
        self,
        new: Mapping[str, HostSwitch],
        old: Mapping[str, HostSwitch],
        before: float,
        warm_up: float,
        now: float,
    ) -> None:
        self.hosts, self.new = {**old, **new}, tuple(new)
        self.before, self.warm_up = before, warm_up
        self._most, self._first = _MOST, 0
        taken = [host.ended - host.ahead for host in new.values() if host.ended is not None]
        self.begin = max(taken, default=now)
        changes = [host.began - host.ahead for host in new.values() if host.began is not None]
        self._changed = min(changes, default=self.begin)
        self.edges: list[float] = [self.begin]
        self._series: dict[MetricKey, _Series] = {}

    def ask_most(self, windows: int) -> None:
        """Ask a source for so many windows at once at most."""
        self._most = max(self._most, windows)

    def extend(self, ends: Iterable[float]) -> None:
        """Add windows that end at these times."""
        self.edges += [end for end in ends if end > self.edges[-1]]

    def windows_before(self, host: str) -> tuple[Window, ...]:
        """Return the window before the release on a host; none where its switch is not known."""
        known = self.hosts[host]
        if known.problem:
            return ()
        end = known.began if known.began is not None else self._changed + known.ahead
        return (Window(end - self.before, end),)

    def unread(self, key: MetricKey) -> tuple[int, ...]:
        """Return the numbers of the windows to ask a source for: those that were not read yet, or only once."""
        if self.hosts[key[2]].problem:
            return ()
        times = self._series[key].times if key in self._series else {}
        kept = range(self._first, len(self.edges) - 1)
        return tuple(number for number in kept if times.get(number, 0) < _TIMES)[-self._most :]

    def newest(self, most: int) -> tuple[int, ...]:
        """Return the numbers of the newest windows that are kept, the newest first."""
        return tuple(reversed(range(self._first, len(self.edges) - 1)))[:most]

    def blind_for(self, app: str, source: str, hosts: Sequence[str]) -> float:
        """Return the seconds since a source was last read on any of these hosts; 0 where its newest reading worked on
        all."""
        series = [self._series.get((app, source, host), _Series()) for host in hosts]
        if not any(each.last.blind for each in series):
            return 0.0
        seen = [self.edges[max(each.read) + 1] for each in series if each.read]
        return self.edges[-1] - max(seen, default=self.begin)

    def forget(self, seconds: float) -> None:
        """Keep the windows of the newest so many seconds apart, and only the sums of those before."""
        first = self._first
        while first < len(self.edges) - 2 and self.edges[first + 1] < self.edges[-1] - seconds:
            first += 1
        for (_, _, host), series in self._series.items():
            for number in range(self._first, first):
                if (requests := series.read.pop(number, None)) is not None:
                    series.past += self._warmed(number, requests)
                    series.past_seconds += self.window(host, number).seconds
                else:
                    series.past_unread += 1
                series.times.pop(number, None)
                series.values.pop(number, None)
        self._first = first

    def window(self, host: str, number: int) -> Window:
        """Return a window in a host's own time. The first one begins when that host took the release."""
        known = self.hosts[host]
        begin = self.edges[number] + known.ahead
        if number == 0 and known.ended is not None:
            begin = min(begin, known.ended)
        return Window(begin, self.edges[number + 1] + known.ahead)

    def take_before(self, measured: Mapping[MetricKey, Measurement]) -> None:
        """Take what was counted before the release."""
        for key, answer in measured.items():
            series = self._series.setdefault(key, _Series())
            series.last = answer
            if not answer.blind and answer.windows:
                series.before = answer.windows[0]

    def take(self, measured: Mapping[MetricKey, Measurement], asked: Mapping[MetricKey, Sequence[int]]) -> None:
        """Take a reading; `asked` has the numbers of the windows that each source was asked for."""
        for key, answer in measured.items():
            series = self._series.setdefault(key, _Series())
            series.last = answer
            if answer.blind:
                continue
            series.values[len(self.edges) - 2] = answer.values
            for number, requests in zip(asked[key], answer.windows, strict=True):
                series.read[number] = requests
                series.times[number] = series.times.get(number, 0) + 1

    def unseen(self, app: str, source: str) -> int:
        """Return how many windows of the new hosts were not read, on the host where that are most."""
        kept = range(self._first, len(self.edges) - 1)
        known = [self._series.get((app, source, host), _Series(past_unread=self._first)) for host in self.new]
        return max((each.past_unread + sum(number not in each.read for number in kept) for each in known), default=0)

    def slowest_before(self) -> float:
        """Return the upper bound of the 99th percentile of durations before, in seconds; 0 where none is known."""
        bounds = [series.before.durations.percentile(0.99) for series in self._series.values()]
        return max((high for _, high in filter(None, bounds) if high is not None), default=0.0)

    def measurements(
        self, app: str, source: str, hosts: Sequence[str], numbers: Sequence[int] | None = None
    ) -> tuple[HostMeasurement, ...]:
        """Return what was counted on these hosts in all windows together, or in those of these numbers. A host whose
        newest reading failed is blind."""
        made = []
        for host in hosts:
            series = self._series.get((app, source, host), _Series())
            meant = range(self._first, len(self.edges) - 1) if numbers is None else numbers
            windows = {number: series.read[number] for number in meant if number in series.read}
            counted = pooled(self._warmed(number, requests) for number, requests in windows.items())
            seconds = sum(self.window(host, number).seconds for number in windows)
            if numbers is None:
                counted, seconds = series.past + counted, series.past_seconds + seconds
            known = self.hosts[host]
            values = series.values.get(max(meant, default=0), {})
            answer = replace(series.last, windows=(counted, series.before), values=values)
            if known.problem:
                answer = Measurement(blind=known.problem, hint="fab -H ENV status tells what runs there")
            elif not seconds and not answer.blind:
                answer = Measurement(blind="it was not read yet")
            made.append(HostMeasurement(host, host in self.new, answer, max(1.0, seconds), self.before))
        return tuple(made)

    def _warmed(self, number: int, requests: Requests) -> Requests:
        """Return the requests of a window without the durations of its warm-up."""
        cold = self.edges[number] < self.begin + self.warm_up
        return replace(requests, durations=Durations(), untimed=0) if cold else requests
