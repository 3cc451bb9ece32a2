"""EFFECT: samples of measures, taken on hosts and from this machine, until what they say is decided."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lockstitch.engine.ask import Query, ask
from lockstitch.engine.fanout import FanoutOptions
from lockstitch.engine.run_program import run_program
from lockstitch.engine.send_requests import send_requests
from lockstitch.measures.base import Measure, MeasuredSite, MeasureResult, blind
from lockstitch.metrics.judgement import Answer
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.remote import Remote

# So many hosts are measured at once: what they share, such as a database, is asked by all of them.
_AT_ONCE = 4
# What further samples may still change.
_OPEN = (Answer.FEW, Answer.UNCLEAR)


@dataclass(frozen=True)
class MeasureJob:
    """A measure at one place, and who asks there. `before` are the numbers that it is compared with, of the run
    `before_run`."""

    measure: Measure
    site: MeasuredSite
    host: Host
    user: str | None = None
    before: dict[str, float] | None = None
    before_run: str = ""


def take_measures(
    remote: Remote,
    jobs: Sequence[MeasureJob],
    looks: Sequence[int],
    options: FanoutOptions | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> list[MeasureResult]:
    """Take one measure at all its places at once, and return the results in the order of `jobs`. It is judged after so
    many samples as `looks` has, and ends where they decide. Raises KeyboardInterrupt for an interrupt: a part of the
    samples is no base."""
    few = replace(options or FanoutOptions(), at_once=min(_AT_ONCE, (options or FanoutOptions()).at_once))
    samples: list[Any] = [None] * len(jobs)
    results: list[MeasureResult | None] = [None] * len(jobs)
    begin = 0
    for end in looks:
        asked = [at for at, result in enumerate(results) if result is None or result.answer in _OPEN]
        if not asked:
            break
        if begin:
            note(f"{jobs[0].site.name} is not decided after {begin}: going on to {end}")
        for at, sample in zip(asked, take_samples(remote, [jobs[at] for at in asked], begin, end, few), strict=True):
            if isinstance(sample, MeasureResult):
                results[at] = sample
                continue
            samples[at] = sample if samples[at] is None else samples[at] + sample
            results[at] = jobs[at].measure.judge(jobs[at].site, samples[at], jobs[at].before)
        begin = end
    return [result or blind("nothing was measured") for result in results]


def take_samples(
    remote: Remote, jobs: Sequence[MeasureJob], begin: int, end: int, options: FanoutOptions | None = None
) -> list[Any]:
    """Return the samples from `begin` to `end` of each job; a result in place of one that could not be taken."""
    probes = {
        str(at): (job, probe) for at, job in enumerate(jobs) if (probe := job.measure.probe(job.site, begin, end))
    }
    stopped = threading.Event()
    queries = [
        Query(label, job.host, (probe,), job.site.app, job.user, job.measure.seconds(end - begin))
        for label, (job, probe) in probes.items()
    ]
    replies = ask(remote, queries, options, stopped) if queries else {}
    if stopped.is_set():
        raise KeyboardInterrupt
    samples: list[Any] = []
    for at, job in enumerate(jobs):
        if (reply := replies.get(str(at))) is not None:
            samples.append(reply.facts[0] if reply.facts else blind(reply.result.words))
        elif load := job.measure.load(job.site, begin, end):
            samples.append(send_requests(load))
        elif program := job.measure.program(job.site):
            samples.append(run_program(program))
        else:
            samples.append(blind("nothing is asked there"))
    return samples
