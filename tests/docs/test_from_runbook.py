"""The page that leads from runbooks to commands: each row has an answer, and each command of it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lockstitch.runbooks.settings import StageSettings
from tests.docs.test_docs import commands, parsed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-runbook-to-command.md"
# The sections of the runbooks that the page is about.
SECTIONS = """Overview
Pre-deployment: code
Pre-deployment: tests
Pre-deployment: infrastructure
Pre-deployment: configuration
Pre-deployment: backup
Pre-deployment: monitoring
Pre-deployment: people
Pre-deployment: external services
Pre-deployment: staging and hotfix
Deployment: hosts
Deployment: promotion
Deployment: platforms
Deployment: database
Deployment: flags
Verification: health
Verification: function
Verification: performance
Verification: errors and metrics
Monitoring: cadence
Monitoring: thresholds
Rollback: triggers
Rollback: steps
Rollback: after
Emergency
Troubleshooting
Post-deployment
Report
Contacts
Recurring""".splitlines()
# A command, a key or value of a file, a page, a refusal, or what a person does.
_ANSWERS = re.compile(r"`|\]\(|\*\*refused\*\*|\bnot there\b|\b[Ss]ign\b|\btell\b|\bperson\b|\bmade by itself\b")


def rows(section: str) -> list[list[str]]:
    """Return the cells of the table of a section, without its head."""
    text = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    body = next(part for part in text if part.startswith(f"{section}\n"))
    lines = [line for line in body.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_every_section_of_the_runbooks_has_a_table() -> None:
    assert re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE) == SECTIONS
    assert all(rows(section) for section in SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_has_an_answer(section: str) -> None:
    for row in rows(section):
        assert len(row) == 2 and row[0] and _ANSWERS.search(row[1]), row


def test_every_command_of_the_page_is_there() -> None:
    known = [name for command in commands(PAGE.read_text()) for name in parsed(command)]
    assert len(known) > 100 and len(set(known)) > 40


def test_the_stages_of_the_page_are_stages() -> None:
    keys = {field.alias or name for name, field in StageSettings.model_fields.items()}
    for text in re.findall(r"`\w+: \{((?:sign|tell): [^`]+)\}`", PAGE.read_text()):
        assert set(re.findall(r"(?:^|, )(\w+):", text)) <= keys, text
