"""The grammar of a selection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.errors import UsageError
from lockstitch.inventory.model import Group, Inventory
from lockstitch.inventory.schema import Rollout
from lockstitch.inventory.selection import Selection, select
from lockstitch.model.host import Address, Host

API = ("api1.example.com", "api2.example.com")
SHAPE = {
    "prod": {"backend": [*API], "frontend": ["web1", "web2"], "mixed": ["web2", "api1.example.com", "both"]},
    "staging": {"backend": ["s1", "web1"], "twin": ["s2"]},
    "twin": {"all": ["t1"]},
}


class Shelf:
    """Inventories without files."""

    def names(self) -> list[str]:
        return list(SHAPE)

    def load(self, name: str) -> Inventory:
        groups = tuple(
            Group(group, tuple(Host(host, Address(host)) for host in hosts), (), Rollout())
            for group, hosts in SHAPE[name].items()
        )
        return Inventory(name, False, groups, {})


def chosen(text: str) -> dict[str, list[str]]:
    selection = select(Shelf(), text)
    assert not selection.plain
    return {fleet.inventory.name: [host.name for host in fleet.hosts] for fleet in selection.fleets}


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("prod", [*API, "web1", "web2", "both"]),
        ("prod:backend", [*API]),
        ("prod:api1.example.com", ["api1.example.com"]),
        ("prod:web*", ["web1", "web2"]),
        ("prod:web?", ["web1", "web2"]),
        ("prod:web[2-9]", ["web2"]),
        ("prod:*end", [*API, "web1", "web2"]),
        ("prod:!frontend", [*API, "web2", "both"]),
        ("prod:!web*", [*API, "both"]),
        ("prod:backend,web1", [*API, "web1"]),
        ("prod:web1,backend", [*API, "web1"]),
        ("prod:backend,!api2.example.com", ["api1.example.com"]),
        ("prod:!api2.example.com,backend", ["api1.example.com"]),
        ("prod:!backend,!mixed", ["web1", "web2"]),
        ("prod:backend,prod:web1", [*API, "web1"]),
        ("prod,prod:!frontend", [*API, "web2", "both"]),
        ("prod:backend,web1,prod", [*API, "web1", "web2", "both"]),
        (" prod:backend , web1 ,", [*API, "web1"]),
        ("prod:*", [*API, "web1", "web2", "both"]),
    ],
)
def test_one_environment(text: str, hosts: list[str]) -> None:
    assert chosen(text) == {"prod": hosts}


def test_several_environments() -> None:
    assert chosen("prod,staging") == {"prod": [*API, "web1", "web2", "both"], "staging": ["s1", "web1", "s2"]}
    assert chosen("staging,prod:web1") == {"staging": ["s1", "web1", "s2"], "prod": ["web1"]}
    assert chosen("prod:web1,staging:web1") == {"prod": ["web1"], "staging": ["web1"]}
    assert chosen("prod:web1,staging,web2") == {"prod": ["web1", "web2"], "staging": ["s1", "web1", "s2"]}


def test_a_word_that_is_no_environment_is_a_plain_host() -> None:
    assert select(Shelf(), "10.0.0.7") == Selection((), ("10.0.0.7",))
    assert select(Shelf(), "root@prdo,web3,api3.example.com,db.internal,10.0.0.71").plain == (
        "root@prdo",
        "web3",
        "api3.example.com",
        "db.internal",
        "10.0.0.71",
    )
    assert select(Shelf(), "root@10.0.0.7:22,h:2222,[::1]:22,h:2222").plain == (
        "root@10.0.0.7:22",
        "h:2222",
        "[::1]:22",
    )
    mixed = select(Shelf(), "h1,prod:web1,root@h2")
    assert mixed.plain == ("h1", "root@h2")
    assert [host.name for host in mixed.fleets[0].hosts] == ["web1"]
    assert select(Shelf(), "prod,web1").plain == ("web1",)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("prdo", "prod"),
        ("Prod", "prod"),
        ("prod1", "prod"),
        ("production", "prod"),
        ("stag", "staging"),
        ("backend", "prod:backend"),
        ("bakcend", "prod:backend"),
        ("wbe1", "prod:web1"),
        ("api1.exmaple.com", "prod:api1.example.com"),
    ],
)
def test_a_word_that_is_close_to_a_name_of_the_inventories_is_questioned(typed: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"there is no environment {typed}: did you mean {meant}\\?") as refused:
        select(Shelf(), typed)
    assert f"fab -H {meant} " in refused.value.hint and f"fab -H USER@{typed} " in refused.value.hint


def test_an_inventory_that_cannot_be_read_is_no_reason_to_refuse_a_plain_host() -> None:
    class Broken(Shelf):
        def load(self, name: str) -> Inventory:
            raise UsageError("it is broken")

    assert select(Broken(), "web3").plain == ("web3",)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("prdo:backend", "there is no environment prdo: did you mean prod?", ""),
        (
            "prod:bakend",
            "prod has no group or host bakend: did you mean backend?",
            "groups of prod: backend, frontend, mixed",
        ),
        (
            "prod:web1,wbe2",
            "prod has no group or host wbe2: did you mean web2?",
            "groups of prod: backend, frontend, mixed",
        ),
        (
            "prod:!bakend",
            "prod has no group or host bakend: did you mean backend?",
            "groups of prod: backend, frontend, mixed",
        ),
        ("prod:zz*", "prod has no group or host that matches zz*", "groups of prod: backend, frontend, mixed"),
        ("prod:web1,!web1", "nothing of prod is selected by web1, !web1", "groups of prod: backend, frontend, mixed"),
        ("prod:!*", "nothing of prod is selected by !*", "groups of prod: backend, frontend, mixed"),
        ("prod:", "prod: is not a selection", "write prod, prod:GROUP or prod:HOST"),
        ("prod:a:b", "prod:a:b is not a selection", "write prod, prod:GROUP or prod:HOST"),
        ("prod:!", "prod has no group or host ", "groups of prod: backend, frontend, mixed"),
        ("!web1", "!web1 does not say of which environment", "write 'prod:!web1'"),
        ("staging,!web1", "!web1 does not say of which environment", "write 'staging:!web1'"),
        ("web*", "web* does not say of which environment", "write 'prod:web*'"),
        ("-oProxyCommand=x", "'-oProxyCommand=x' is no environment, and cannot be a host: write it like", ""),
        ("root@-x", "'root@-x' is no environment, and cannot be a host: write it like user@host:port", ""),
        ("we b", "'we b' is no environment, and cannot be a host", ""),
        ("", "no hosts are selected", "name an environment: prod, staging, twin"),
        (" , ", "no hosts are selected", "name an environment: prod, staging, twin"),
        (
            "staging:s1,twin",
            "twin is in staging, and an environment",
            "write staging:twin for the one, or put twin first for the other",
        ),
    ],
)
def test_what_means_nothing(text: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(Shelf(), text)
    assert caught.value.message.startswith(says)
    assert caught.value.hint == hint
    assert caught.value.exit_code == 2


WORDS = st.sampled_from(
    [
        "prod",
        "staging",
        "prod:backend",
        "staging:s1",
        "web1",
        "!web1",
        "web*",
        "!mixed",
        "frontend",
        "prod:!both",
        "h9",
        "prod:*",
    ]
)


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_hosts_come_once_and_in_the_order_of_the_inventory(words: list[str]) -> None:
    try:
        selection = select(Shelf(), ",".join(words))
    except UsageError as error:
        assert error.message
        return
    for fleet in selection.fleets:
        whole = [host.name for host in fleet.inventory.hosts]
        names = [host.name for host in fleet.hosts]
        assert names
        assert len(set(names)) == len(names)
        assert set(names) <= set(whole)


@given(st.permutations(["web1", "!api2.example.com", "backend", "mixed"]))
def test_the_order_of_words_means_nothing(words: list[str]) -> None:
    assert chosen("prod:" + ",".join(words)) == chosen("prod:web1,!api2.example.com,backend,mixed")


@given(st.text(alphabet="prodstagin:,!*?[]@ -.1", max_size=25))
def test_any_text_is_a_selection_or_a_usage_error(text: str) -> None:
    try:
        assert select(Shelf(), text) != Selection()
    except UsageError as error:
        assert error.exit_code == 2
