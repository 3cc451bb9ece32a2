"""EFFECT: metric sources, read on all hosts at once: one script a host, whatever is asked of it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockstitch.checks.app_values import AppValues, ValueQuery
from lockstitch.checks.metric_queries import MetricKey, MetricQuery
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.fanout import FanoutOptions
from lockstitch.errors import UsageError
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.metrics.base import WebQuery, WebReply, WebRequest
from lockstitch.metrics.measurement import Measurement, Snapshot
from lockstitch.metrics.snapshots import windowed
from lockstitch.model.command import Value, mask
from lockstitch.model.probe import Probe
from lockstitch.remote import Remote

# A reading asks for no more windows than are between so many snapshots of one source.
_SNAPSHOTS = 12


def read_sources(
    remote: Remote,
    queries: Sequence[MetricQuery],
    options: FanoutOptions | None = None,
    stopped: threading.Event | None = None,
    snapshots: dict[MetricKey, list[Snapshot]] | None = None,
) -> dict[MetricKey, Measurement]:
    """Return what each source counted, by app, source and host. A host that cannot be asked is blind, not raised.

    After an interrupt `stopped` is set, and what had not answered is blind. `snapshots` are those of former readings, of
    sources that know no windows; those of this one are added.
    """
    on_hosts: dict[tuple[str, str | None], list[tuple[MetricQuery, Probe[Measurement]]]] = defaultdict(list)
    parts = {part.about: part for query in queries for part in query.values}
    from_here: dict[tuple[str, str], list[MetricQuery]] = defaultdict(list)
    known, lacking = _secrets(queries)
    for query in queries:
        question = replace(query.question, known=known, lacking=lacking)
        if (probe := query.source.probe(question)) is None:
            from_here[query.app, query.name].append(query)
        else:
            on_hosts[query.host.name, query.user].append((query, probe))
    asked = [
        Query(_label(host, user), some[0][0].host, tuple(probe for _, probe in some), user=user)
        for (host, user), some in on_hosts.items()
    ]
    beside = {about: _part_query(part, known, lacking) for about, part in parts.items()}
    asked += [each for each in beside.values() if isinstance(each, Query)]
    replies = ask(remote, asked, options, stopped) if asked else {}
    measured = {}
    for (host, user), some in on_hosts.items():
        for number, (query, _) in enumerate(some):
            measured[query.key] = _answer(replies[_label(host, user)], number)
    for together in from_here.values():
        measured |= _asked_from_here(together)
    values = {about: _part_answer(parts[about], each, replies) for about, each in beside.items()}
    for query in queries:
        for part in query.values:
            measured[query.key] = values[part.about].beside(measured[query.key])
    kept = {} if snapshots is None else snapshots
    return {query.key: _windowed(query, measured[query.key], kept) for query in queries}


def _part_query(part: ValueQuery, known: Mapping[str, Value], lacking: Mapping[str, str]) -> Query | AppValues:
    """Return the question for values of an app, or why they cannot be asked for."""
    if missing := next((lacking[reference] for reference in part.needed if reference in lacking), ""):
        return part.without(missing)
    # Numbers are compared: where a secret is as short as they are, nothing of it is masked but the reasons.
    return Query(" ".join(part.about), part.host, (part.probe(known),), user=part.user, exact=True)


def _part_answer(part: ValueQuery, asked: Query | AppValues, replies: Mapping[str, Reply]) -> AppValues:
    if isinstance(asked, AppValues):
        return asked
    reply = replies[asked.label]
    if not reply.facts:
        return part.without(reply.result.words)
    answer: AppValues = reply.facts[0]
    secrets = asked.probes[0].command.secrets()
    return replace(answer, unread={name: mask(why, secrets) for name, why in answer.unread.items()})


def _secrets(queries: Sequence[MetricQuery]) -> tuple[dict[str, Value], dict[str, str]]:
    """Return the secrets that questions to hosts need, each looked up once; and why others cannot be had."""
    known: dict[str, Value] = {}
    lacking: dict[str, str] = {}
    for reference in dict.fromkeys(each for query in queries for each in _references(query)):
        try:
            known[reference] = resolve_secret(reference)
        except UsageError as error:
            lacking[reference] = error.message
    return known, lacking


def _references(query: MetricQuery) -> tuple[str, ...]:
    return (*query.source.references(), *(each for part in query.values for each in part.references))


def _windowed(query: MetricQuery, answer: Measurement, snapshots: dict[MetricKey, list[Snapshot]]) -> Measurement:
    """Return an answer with its windows, where it has none but a snapshot."""
    if answer.snapshot is None:
        return answer
    mine = snapshots.setdefault(query.key, [])
    mine.append(answer.snapshot)
    del mine[:-_SNAPSHOTS]
    return windowed(query.question, mine, answer)


def _asked_from_here(queries: Sequence[MetricQuery]) -> dict[MetricKey, Measurement]:
    """Return what one source says of all its hosts; a host of which it says nothing is blind."""
    asked = queries[0].source.web_query({query.host: query.question for query in queries}, time.time())
    answers = asked.parse(_replies(asked)) if asked else {}
    silent = Measurement(blind="the source says nothing of this host")
    return {query.key: answers.get(query.host.name, silent) for query in queries}


def _replies(asked: WebQuery) -> list[WebReply]:
    """Return the replies to all requests of a query, and to those that follow from them, as far as its time goes."""
    # Start-up: few sources are asked from here.
    from lockstitch.engine.web import fetch

    until = time.monotonic() + asked.seconds
    replies: list[WebReply] = []
    requests: Sequence[WebRequest] = asked.requests
    while requests and (seconds := until - time.monotonic()) > 0:
        replies += fetch(requests, seconds)
        requests = asked.more(replies)
    return replies


def _label(host: str, user: str | None) -> str:
    return f"{host} as {user}" if user else host


def _answer(reply: Reply, number: int) -> Measurement:
    if number < len(reply.facts):
        answer: Measurement = reply.facts[number]
        return answer
    return Measurement(blind=reply.result.words, away=reply.result.code if reply.away else None)
