"""Versions, and ranges of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.inventory.checks import AppChecks
from lockstitch.model.version import WANTED, parse_version, shown, within

versions = st.lists(st.integers(0, 40), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Python 3.11.2", (3, 11, 2)),
        ("v18.19.0", (18, 19, 0)),
        ("git version 2.39.5 (Apple Git-154)", (2, 39, 5)),
        ("PHP 8.2.29 (cli) (built: Jul  3 2025 16:29:26) (NTS)", (8, 2, 29)),
        ("psql (PostgreSQL) 17", (17,)),
        ("psql (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", (15, 14)),
        ("go version go1.21.3 linux/amd64", (1, 21, 3)),
        ("GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)", (5, 2, 15)),
        ("nginx version: nginx/1.22.1", (1, 22, 1)),
        ("OpenSSL 3.0.17 1 Jul 2025", (3, 0, 17)),
        ("jq-1.6", (1, 6)),
        ("OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.17 1 Jul 2025", (9, 2)),
        ("mysql  Ver 15.1 Distrib 10.11.14-MariaDB, for debian-linux-gnu (x86_64)", (10, 11, 14)),
        ("mysql  Ver 8.0.43 for Linux on x86_64 (MySQL Community Server - GPL)", (8, 0, 43)),
        ("10.8.2", (10, 8, 2)),
        ("Copyright (C) none at all", None),
        ("", None),
    ],
)
def test_what_programs_tell(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("version", "allowed", "is_within"),
    [
        ((3, 11, 0), ">=3.11", True),
        ((3, 10, 9), ">=3.11", False),
        ((4,), ">=3.11", True),
        ((20, 1), ">=18,<21", True),
        ((21, 0, 1), ">=18, <21", False),
        ((3, 11, 9), "<=3.11", True),
        ((3, 11, 9), ">3.11", False),
        ((3, 11, 9), "==3.11", True),
        ((3, 1), "==3.11", False),
        ((2,), "!=2.0", False),
        ((0,), "*", True),
    ],
)
def test_ranges(version: tuple[int, ...], allowed: str, is_within: bool) -> None:
    assert within(version, allowed) == is_within


@given(versions, versions, versions)
def test_what_is_newer_is_within_as_well(old: tuple[int, ...], new: tuple[int, ...], limit: tuple[int, ...]) -> None:
    allowed = f">={shown(limit)}"
    if within(old, allowed) and new >= old:
        assert within(new, allowed)


@given(versions, versions)
def test_signs_are_against_each_other(version: tuple[int, ...], limit: tuple[int, ...]) -> None:
    for sign, other in ((">=", "<"), ("<=", ">"), ("==", "!=")):
        assert within(version, sign + shown(limit)) != within(version, other + shown(limit))


@given(versions)
def test_what_is_shown_is_read_back(version: tuple[int, ...]) -> None:
    assert parse_version(f"program {shown(version)}") == version


@pytest.mark.parametrize("allowed", [">=3.11", ">=18,<21", "== 2", "*"])
def test_ranges_that_an_inventory_may_hold(allowed: str) -> None:
    assert WANTED.fullmatch(allowed)
    assert AppChecks.model_validate({"tools": {"node": allowed}}).tools == {"node": allowed}


@pytest.mark.parametrize("allowed", ["3.11", "=>3", ">=3.x", "", "^18", ">=1;reboot", 3.11])
def test_ranges_that_it_may_not(allowed: object) -> None:
    with pytest.raises(ValueError, match="range of versions|should be text"):
        AppChecks.model_validate({"tools": {"node": allowed}})
