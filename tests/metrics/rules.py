"""Rules that every metric source keeps, for each of its examples."""

from __future__ import annotations

from collections.abc import Callable

from lockstitch.metrics.base import Source, WebReply
from lockstitch.metrics.measurement import LogPlace, Measurement, Question, Window
from lockstitch.model.host import Address, Host

QUESTION = Question((Window(-60),), (0.5,), ("/healthz",), ("ERROR",), (LogPlace("api.log"),))
HOSTS = [Host(name, Address(name)) for name in ("web1", "web2")]


def examples(model: type[Source]) -> list[Source]:
    kind = model.model_fields["kind"].annotation.__args__[0]  # type: ignore[union-attr]
    return [model.model_validate({"kind": kind, **example}) for example in model.examples]


def settings_are_described(source: Source) -> None:
    for name, field in type(source).model_fields.items():
        assert field.description, name


def it_has_kinds_of_numbers(source: Source) -> None:
    assert source.measures()
    assert bool(source.units()) == ("values" in source.measures())


def it_is_asked_in_one_way(source: Source) -> None:
    asked = source.probe(QUESTION), source.web_query(dict.fromkeys(HOSTS, QUESTION), 1e9)
    assert [each is None for each in asked].count(False) == 1


def what_a_host_says_never_raises_and_nothing_is_blind(source: Source) -> None:
    if probe := source.probe(QUESTION):
        for text, code in (
            ("", 0),
            ("", 124),
            ("garbage\nfile x\nlines 1", 0),
            ("file x\nunreadable y", 0),
            ("\0\n" * 9, 1),
        ):
            answer = probe.parse(text, code)
            assert isinstance(answer, Measurement)
            assert answer.blind, text


def what_a_server_says_never_raises_and_nothing_is_blind(source: Source) -> None:
    if query := source.web_query(dict.fromkeys(HOSTS, QUESTION), 1e9):
        for reply in (
            WebReply(error="away"),
            WebReply(200),
            WebReply(200, "[]"),
            WebReply(500, "{}"),
            WebReply(200, "\0"),
        ):
            measured = query.parse([reply] * len(query.requests))
            for host in HOSTS:
                assert measured[host.name].blind, reply


RULES: tuple[Callable[[Source], None], ...] = (
    settings_are_described,
    it_has_kinds_of_numbers,
    it_is_asked_in_one_way,
    what_a_host_says_never_raises_and_nothing_is_blind,
    what_a_server_says_never_raises_and_nothing_is_blind,
)
