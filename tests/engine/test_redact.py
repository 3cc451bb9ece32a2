"""What a person typed goes to a journal without its secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.engine.redact import redacted
from lockstitch.model.command import Secret, words

HIDDEN = "hunter2!"


@pytest.mark.parametrize(
    ("typed", "stays"),
    [
        (f"PGPASSWORD={HIDDEN} psql -h db", "psql -h db"),
        (f"export DB_PASSWORD='{HIDDEN} and more' && make", "make"),
        (f'curl -H "Authorization: Bearer {HIDDEN}" https://example.com/x', "https://example.com/x"),
        (f"curl -u ada:{HIDDEN} https://example.com/", "-u ada:"),
        (f"curl --user=ada:{HIDDEN} https://example.com/", "ada:"),
        (f"psql postgresql://ada:{HIDDEN}@db/shop", "postgresql://ada:"),
        (f"mysql -uroot -p{HIDDEN} shop", "-uroot"),
        (f"mariadb-dump -p'{HIDDEN} x' shop", "shop"),
        (f"redis-cli -h cache -a {HIDDEN} info", "info"),
        (f"tool --api-key {HIDDEN} list", "list"),
        (f"tool --client-secret={HIDDEN} list", "list"),
        (f'echo \'{{"token": "{HIDDEN}"}}\' >x.json', "x.json"),
        (f"MYSQL_PWD={HIDDEN} mysqladmin status", "mysqladmin status"),
        (f"sshpass -p {HIDDEN} ssh web1", "ssh web1"),
        (f"docker login -u ada -p {HIDDEN} registry", "registry"),
        (f"psql postgresql://ada:p@ss{HIDDEN}@db/shop", "@db/shop"),
        (f"psql postgresql://ada:p/ss@{HIDDEN}@db/shop", "@db/shop"),
    ],
)
def test_what_looks_like_a_secret_is_masked(typed: str, stays: str) -> None:
    said = redacted(typed)
    assert HIDDEN not in said and "***" in said and stays in said


@given(st.text(st.sampled_from("ab ;&|'\"$@:"), max_size=8))
def test_what_is_quoted_is_masked_to_its_end(odd: str) -> None:
    """Several words after `--` are quoted by us where they hold odd signs, as passwords do."""
    secret = f"x{odd}{HIDDEN}"
    for first in (["env", f"DB_PASSWORD={secret}"], ["curl", "-u", f"ada:{secret}"], ["mysql", f"-p{secret}"]):
        said = redacted(words("run", "--", *first, "and", "more"))
        assert HIDDEN not in said and said.endswith("and more"), said


@pytest.mark.parametrize(
    "typed", ["uptime", "systemctl restart app", "mkdir -p /a/b", "git log --oneline -5", "ps -u deploy", "df -h /"]
)
def test_the_rest_stays(typed: str) -> None:
    assert redacted(typed) == typed


def test_a_secret_that_is_known_is_masked_wherever_it_stands() -> None:
    assert redacted("echo hunter2 | chpasswd", [Secret("hunter2")]) == "echo *** | chpasswd"


@given(st.text())
def test_any_text_can_be_kept(text: str) -> None:
    assert redacted(text).count("\n") <= text.count("\n")
