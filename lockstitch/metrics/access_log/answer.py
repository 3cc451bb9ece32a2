"""The parser of what `count.sh` prints: counts, or why they cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstitch.metrics.measurement import Durations, Measurement, Requests, pooled
from lockstitch.model.format import span
from lockstitch.model.probe import KeyedLines, collect, last, number

# A log is up to date if its newest line is no older than this many times the longest gap of the half hour before, and
# never has to be newer than this many seconds.
_GAPS, _LEAST_AGE = 3, 30
_STRANGE = 0.01
FORMATS_HINT = "set `format` of the source to what the server's configuration has"
TIMES_HINT = (
    "its format has no durations: in nginx add `rt=$request_time` to log_format, in Apache ` %D` to LogFormat, in a "
    "Python server ` %(D)s` to --access-logformat, and set `format`"
)


def measurement(text: str, code: int, windows: int, limits: Sequence[float]) -> Measurement:
    """Return the requests in each window, of all files that were read. It is blind where one could not be."""
    if code:
        return Measurement(blind=f"the question ended with exit code {code}: {text.strip()[-300:]}")
    about: list[str] = []
    parts: list[tuple[Requests, ...]] = []
    before, *files = text.split("file ") if text.startswith("file ") else text.split("\nfile ")
    for unreadable in collect(before)["unreadable"]:
        return Measurement(blind=unreadable, hint="fab metrics shows what each source reads")
    for each in files:
        name, _, rest = each.partition("\n")
        said = collect(rest)
        if blind := _blind(name, said):
            return Measurement(about=", ".join(dict.fromkeys(about)), blind=blind[0], hint=blind[1])
        about += said["format"]
        parts.append(tuple(_requests(said, window, limits) for window in range(1, windows + 1)))
    if not parts:
        return Measurement(blind="the host gave no answer that is known")
    together = tuple(pooled(files) for files in zip(*parts, strict=True))
    return Measurement(together, ", ".join(dict.fromkeys(about)) or "no line yet", untimed_hint=TIMES_HINT)


def _blind(name: str, said: KeyedLines) -> tuple[str, str] | None:
    """Return why a file cannot be judged by, and what to do; None where it can."""
    if unreadable := said["unreadable"]:
        return unreadable[0], "let the login user read it, for example as a member of its group"
    if "end" not in said:
        return f"{name}: the host did not read it to its end", ""
    lines, strange = _numbers(last(said, "lines"))
    if strange and strange > _STRANGE * lines:
        sample = last(said, "sample")
        return f"{name}: {strange} of {lines} lines were not understood, such as: {sample}", FORMATS_HINT
    if compressed := said["compressed"]:
        return f"{compressed[0]}: the window begins in a file that is compressed already", "use a shorter window"
    now, earliest, cut = _numbers(last(said, "now"))
    first, newest, gap = (number(last(said, word)) for word in ("first", "newest", "gap"))
    if newest is None:
        return f"{name}: it has no line", "is it the file that the server writes to?"
    if cut and (first is None or first > earliest):
        return f"{name}: more than 64 MiB were written since the window began", "use a shorter window"
    if now - newest > max(_LEAST_AGE, _GAPS * (gap or 0)):
        usual = f"where one came at least every {span(gap or 0)} before"
        says = f"{name}: its newest line is {span(now - newest)} old, {usual}"
        return says, "it is buffered, rotated, or not the file that the server writes to"
    return None


def _requests(said: KeyedLines, window: int, limits: Sequence[float]) -> Requests:
    statuses = {status: n for at, status, n in _rows(said["status"]) if at == window}
    longer = {limits[limit - 1]: n for at, limit, n in _rows(said["over"]) if at == window}
    times = {at: (timed, untimed) for at, timed, untimed in _rows(said["times"])}
    buckets: dict[int, int] = {}
    for line in said["buckets"]:
        at, first, *counts = _numbers(line)
        if at == window:
            buckets = {bucket: count for bucket, count in enumerate(counts, first) if count}
    timed, untimed = times.get(window, (0, 0))
    return Requests(statuses, Durations(timed, buckets, {**dict.fromkeys(limits, 0), **longer}), untimed)


def _rows(lines: Iterable[str]) -> Iterable[tuple[int, ...]]:
    return (_numbers(line) for line in lines)


def _numbers(line: str) -> tuple[int, ...]:
    return tuple(int(word) for word in line.split())
