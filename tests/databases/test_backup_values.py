"""What a vault tells of its backups is believed only where it makes sense, and never breaks the listing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.databases.backup import (
    LONGEST_LABEL,
    NAME,
    Backup,
    BackupDirectory,
    BackupDirectoryFacts,
    backup_name,
    opened,
    parse_backups,
    refuse_label,
)
from lockstitch.errors import UsageError
from lockstitch.facts.database import parse_vault
from lockstitch.model.folder import UnwritableFolder
from lockstitch.model.probe import collect

RUN = "20260101T020000Z-1a2b"
NAMED = f"main-{RUN}"


def line(name: str = NAMED, **more: Any) -> str:
    """The first line of a manifest, as a host lists it."""
    told = {"at": "2026-01-01T02:00:00Z", "server": "16.2", "tool": "16.2", "head": "", "size": 10, "tables": 1}
    told |= {"rows": 7, "bytes": 5, "sha256": "ab" * 32, **more}
    return f"backup {name} {opened(name=name, database='main')},{json.dumps(told)[1:-1]},"


def parsed(*lines: str) -> tuple[Backup, ...]:
    return parse_backups(collect("\n".join(lines)))


def test_a_backup_is_what_its_manifest_says() -> None:
    (backup,) = parsed(
        line(label="before the sale", app="api", revision="f" * 40, run=RUN, by="ada", engine="postgres")
    )
    assert backup.good and backup.when == datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert (backup.name, backup.rows, backup.bytes, backup.size, backup.tables) == (NAMED, 7, 5, 10, 1)
    assert (backup.label, backup.app, backup.run, backup.by) == ("before the sale", "api", RUN, "ada")


def test_the_oldest_comes_first_and_one_of_no_known_time_before_all() -> None:
    names = [f"main-2026010{n}T000000Z-0000" for n in (1, 2, 3)]
    lines = [
        line(names[0], at="2026-01-03T00:00:00Z"),
        line(names[1], at="2026-01-01T00:00:00Z"),
        line(names[2], at="no"),
    ]
    assert [backup.name for backup in parsed(*lines)] == [names[2], names[1], names[0]]


def test_a_proof_belongs_to_the_backup_it_names() -> None:
    proof = f'proven {NAMED} "proven":{{"at":"2026-02-01T00:00:00Z","run":"r","by":"ada"}},'
    assert [backup.proven for backup in parsed(line(), proof)] == ["2026-02-01T00:00:00Z"]
    assert [backup.proven for backup in parsed(proof, line())] == ["2026-02-01T00:00:00Z"]
    assert [backup.proven for backup in parsed(line(), proof.replace(NAMED, f"{NAMED}x"))] == [""]
    assert [backup.proven for backup in parsed(line(), f'proven {NAMED} "proven":nonsense')] == [""]
    # One that is broken does not become good by it.
    assert [backup.good for backup in parsed(f"broken {NAMED}", proof)] == [False]


MARK = '{"at":"2026-02-01T00:00:00Z","by":"%s","seal":"ab","why":"database.dump: FAILED"}'


def test_a_mark_belongs_to_the_backup_it_names_and_says_when_and_why() -> None:
    mark = f"marked {NAMED} {MARK % 'verify'}"
    said = "damaged, says backup.verify of 2026-02-01T00:00:00Z: database.dump: FAILED"
    for lines in ((line(), mark), (mark, line())):
        (backup,) = parsed(*lines)
        assert not backup.good and backup.problem == f"{said}; to look again: backup.verify {NAMED}"
        assert (backup.rows, backup.bytes) == (7, 5)
    (backup,) = parsed(line(), f"marked {NAMED} {MARK % 'prove'}")
    assert backup.problem.startswith("it could not be restored, says backup.prove of 2026-02-01T00:00:00Z: ")
    assert [b.good for b in parsed(line(), mark.replace(NAMED, f"{NAMED}x"))] == [True]
    assert [b.problem for b in parsed(f"broken {NAMED}", mark)] == [b.problem for b in parsed(f"broken {NAMED}")]


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense", '{"at":[],"by":3}'])
def test_a_mark_that_says_nothing_is_one_all_the_same(text: str) -> None:
    (backup,) = parsed(line(), f"marked {NAMED} {text}")
    assert not backup.good and backup.problem.startswith("damaged, says backup.verify of ")


@pytest.mark.parametrize(
    "said",
    [
        f"backup {NAMED} ",
        f"backup {NAMED} {{",
        f"backup {NAMED} []",
        f"backup {NAMED} nonsense",
        line().replace('"sha256":', '"sum":'),
        line().replace(f'"name":"{NAMED}"', '"name":"main-20250101T000000Z-0000"'),
        line()[:-30],
        line(sha256=""),
        f"broken {NAMED}",
    ],
)
def test_what_cannot_be_counted_on_is_listed_with_the_reason(said: str) -> None:
    (backup,) = parsed(said)
    assert backup.name == NAMED and not backup.good and backup.problem


def test_wrong_types_are_no_sizes_and_a_manifest_cannot_call_itself_bad_or_good() -> None:
    (backup,) = parsed(
        line(rows=True, bytes="5", size=None, tables=1.5, head=["x"], label=3, problem="mine", proven="today")
    )
    assert (backup.rows, backup.bytes, backup.size, backup.tables) == (0, 0, 0, 0)
    assert (backup.problem, backup.label) == ("", "3")


@pytest.mark.parametrize("name", ["", ".part", "../x", "a/b", "-x", "ä", "a\x00"])
def test_what_has_no_name_of_a_backup_is_left_out(name: str) -> None:
    assert parsed(f"backup {name} {{}}", f"broken {name}", "free 5", "") == ()


GARBAGE = st.text(st.characters(codec="utf-8"), max_size=60)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | GARBAGE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(GARBAGE, inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from([*Backup.__dataclass_fields__, "lockstitch", "contents"])
LINES = st.one_of(
    GARBAGE,
    st.tuples(st.sampled_from(["backup", "broken", "proven", "marked"]), GARBAGE).map(" ".join),
    st.tuples(st.sampled_from(["backup", "proven", "marked"]), st.just(NAMED), GARBAGE).map(" ".join),
    st.dictionaries(FIELDS, VALUES).map(lambda more: line(**{k: v for k, v in more.items() if k != "name"})),
    st.dictionaries(GARBAGE, VALUES).map(lambda proof: f'proven {NAMED} "proven":{json.dumps(proof)},'),
    st.integers(0, 300).map(lambda size: line()[:size]),
)


@given(st.lists(LINES, max_size=8))
def test_no_listing_breaks_it(lines: list[str]) -> None:
    found = parse_vault("\n".join(lines), 0)
    for backup in found.backups:
        assert NAME.fullmatch(backup.name) and backup.when.tzinfo is UTC
        assert all(isinstance(getattr(backup, name), int) for name in ("bytes", "size", "tables", "rows"))
        assert all(isinstance(getattr(backup, name), str) for name in ("at", "label", "proven", "sha256", "by"))
    assert len({backup.name for backup in found.backups}) == len(found.backups)
    assert found.newest is None or found.newest.good


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0001-01-01", "", "2026-13-01"]
)
def test_no_time_breaks_it(at: str) -> None:
    assert Backup(NAMED, at=at).when.tzinfo is UTC


@given(GARBAGE)
def test_a_label_makes_a_plain_name(label: str) -> None:
    name = backup_name("main", RUN, label)
    assert NAME.fullmatch(name) and name.startswith(NAMED) and len(name) <= len(NAMED) + 61
    assert not name.endswith((".", "-"))


def test_a_label_has_an_end() -> None:
    refuse_label("ä" * LONGEST_LABEL)
    with pytest.raises(UsageError, match="201 characters long, and may have 200") as raised:
        refuse_label("x" * 201)
    assert raised.value.exit_code == 2 and "x" * 201 not in str(raised.value)


@given(st.dictionaries(st.sampled_from(["name", "label", "by", "app"]), GARBAGE))
def test_a_manifests_first_line_is_json_whatever_is_said(known: dict[str, str]) -> None:
    first = opened(**known)
    assert "\n" not in first and json.loads(first + "}") == {"lockstitch": 1, **known}


def test_facts_of_a_vault() -> None:
    facts = parse_vault(
        "\n".join([line(), "missing psql", "free 5", "unwritable ada ada /\t/x", "written 70", "noise"]), 0
    )
    assert facts == BackupDirectoryFacts(
        parsed(line()), 5 * 1024, missing=("psql",), unwritable=(UnwritableFolder("/x", "/", "ada", "ada"),), written=70
    )
    assert facts.find(NAMED) is facts.newest and facts.find("other") is None
    assert BackupDirectoryFacts().newest is None and BackupDirectoryFacts((Backup("a", problem="bad"),)).newest is None


def test_a_vault_keeps_its_state_apart_for_each_database() -> None:
    vault = BackupDirectory("bk", "main")
    assert (vault.state, vault.marks) == ("bk/.lockstitch/main", "bk/.lockstitch/main/damaged")
