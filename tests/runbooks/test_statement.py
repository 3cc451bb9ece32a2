"""The text of a sign-off: one text for each statement, whatever is in its fields, and what has changed since."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstitch.runbooks.statement import Statement, differences, expiry, read_statement, runbook_hash

SIGNED = Statement(
    runbook="release",
    runbook_hash="1" * 64,
    run="20260301T080000Z-1f2e",
    stage="approve",
    consent="release",
    environment="prod",
    revisions={"api": "a" * 40, "web": "b" * 40},
    values={"ref": "v1.4.2"},
    plan="2" * 64,
    signed="2026-03-01T09:00:00Z",
    expires="2026-03-02T09:00:00Z",
)
# Newlines, control characters, quotes, surrogates and text that reads from right to left are among them.
anything = st.text(max_size=20) | st.sampled_from(
    ['"\n  "plan": "', "\r\n", "\0", "\x1b[2J", "\u202e", "\ud800", "é", "é"]
)
statements = st.builds(
    Statement,
    **dict.fromkeys(("runbook", "runbook_hash", "run", "stage", "consent", "environment"), anything),
    **dict.fromkeys(("plan", "signed", "expires", "note", "file", "file_hash"), anything),
    revisions=st.dictionaries(anything, anything, max_size=3),
    values=st.dictionaries(anything, anything, max_size=3),
)


@settings(max_examples=40, deadline=None)
@given(statements)
def test_a_statement_is_read_as_it_was_written(statement: Statement) -> None:
    text = statement.text()
    assert text.isascii() and text.endswith("}\n") and read_statement(text) == statement


@settings(max_examples=40, deadline=None)
@given(statements, statements)
def test_two_statements_have_one_text_only_if_they_are_the_same(one_statement: Statement, other: Statement) -> None:
    assert (one_statement.text() == other.text()) == (one_statement == other)


@settings(max_examples=40, deadline=None)
@given(statements)
def test_no_value_begins_a_line_of_the_text(statement: Statement) -> None:
    lines = statement.text().splitlines()
    names = ["form", *vars(SIGNED), *statement.revisions, *statement.values]
    assert len(lines) == len(names) + 2 + bool(statement.revisions) + bool(statement.values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[" * 100_000,
        SIGNED.text().rstrip("\n"),
        SIGNED.text().replace("\n", "\r\n"),
        SIGNED.text().replace('"plan"', '"plan": "x",\n  "plan"'),
        SIGNED.text().replace("lockstitch sign-off 1", "lockstitch sign-off 2"),
        SIGNED.text().replace('"release"', '"r\\u0065lease"'),
        SIGNED.text().replace('"prod"', "1"),
        SIGNED.text().replace('"v1.4.2"', '["v1.4.2"]'),
        json.dumps(json.loads(SIGNED.text())),
        SIGNED.text().replace('"signed"', '"signet"'),
        replace(SIGNED, note="x" * 300_000).text(),
    ],
)
def test_a_text_that_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is|^it does|^it has|^a field"):
        read_statement(text)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (replace(SIGNED, run="20260301T080000Z-ffff"), "run '20260301T080000Z-1f2e', and this is"),
        (replace(SIGNED, stage="qa"), "stage 'approve', and this is 'qa'"),
        (replace(SIGNED, environment="staging"), "environment 'prod', and this is 'staging'"),
        (replace(SIGNED, runbook="hotfix"), "runbook 'release', and this is 'hotfix'"),
        (replace(SIGNED, consent="release all"), "text of `sign:` 'release', and this is 'release all'"),
        (replace(SIGNED, runbook_hash="3" * 64), "the file of the runbook has changed"),
        (replace(SIGNED, plan="3" * 64), "the plan has changed: its hash was 222222222222, and is 333333333333"),
        (replace(SIGNED, plan=""), "it was about a plan, and there is none now"),
        (replace(SIGNED, revisions={"api": "a" * 40}), "web is not deployed any more"),
        (replace(SIGNED, revisions={**SIGNED.revisions, "job": "c" * 40}), "job is deployed as well, at cccccccc"),
        (
            replace(SIGNED, revisions={**SIGNED.revisions, "api": "c" * 40}),
            "the revision of api was aaaaaaaa, and is cccccccc",
        ),
        (replace(SIGNED, values={"ref": "v1.4.3"}), "ref was 'v1.4.2', and is 'v1.4.3'"),
    ],
)
def test_each_change_is_named(now: Statement, says: str) -> None:
    (sentence,) = differences(SIGNED, now)
    assert says in sentence


def test_note_file_and_times_are_the_signers_own() -> None:
    assert differences(SIGNED, replace(SIGNED, note="n", file="f", file_hash="0", signed="", expires="")) == ()


def test_a_statement_without_a_plan_does_not_sign_one() -> None:
    assert differences(replace(SIGNED, plan=""), SIGNED) == ("it was not about the plan, and the stage is `of: plan`",)


def test_the_ends_of_lines_do_not_change_the_hash_of_a_runbook() -> None:
    assert runbook_hash(b"a: 1\r\nb: 2\r\n") == runbook_hash(b"a: 1\nb: 2\n") != runbook_hash(b"a: 1\nb: 3\n")
    assert runbook_hash(b"a\rb") != runbook_hash(b"a\nb")


def test_an_expiry_is_so_long_after_the_signing() -> None:
    assert expiry("2026-03-01T09:00:00Z", 86400) == "2026-03-02T09:00:00Z"
    assert expiry("2026-03-01T09:00:00Z", 0) == ""


@pytest.mark.parametrize("moment", ["", "now", "2026-3-1T9:00:00Z", "2026-03-01T09:00:00", "2026-02-30T09:00:00Z"])
def test_what_is_no_time_is_refused(moment: str) -> None:
    with pytest.raises(ValueError, match="is not a time in UTC"):
        expiry(moment, 1)
