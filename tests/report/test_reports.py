"""Plans, outcomes and facts as text and as JSON, with whatever a host, a commit or a message holds."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.errors import ConnectError, ExitCode
from lockstitch.facts.history import HistoryFacts, JournalEntry
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey
from lockstitch.model.command import Command, Secret
from lockstitch.model.gate import Gate, failed, passed
from lockstitch.model.layout import layout
from lockstitch.model.lock import LockInfo
from lockstitch.model.outcome import Failure, ManualAction, Outcome, SiteOutcome
from lockstitch.model.plan import Change, Commit, Plan, Site, SitePlan, Step, Wave
from lockstitch.model.probe import Probe
from lockstitch.report.history import HistoryFilter, history_json, history_text
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import plan_json, plan_text
from lockstitch.report.status import SiteStates, differ, status_json, status_text
from lockstitch.services.state import ServiceProcess, ServiceState

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
A, B = "a" * 40, "b" * 40
SITES = [Site(host, "api", layout("releases", "app")) for host in ("web1", "web2", "web3")]
HOSTILE = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\x1b]0;owned\x07", "a\r\nb", "\u202egnp.exe", "\udcff", "\n\n"]
)


def plan(text: str = "fine", **changes: Any) -> Plan:
    secret = Secret("hunter2hunter2", "env:TOKEN")
    step = Step(
        "build",
        f"build {text}",
        Command('echo "$text"', values={"text": text.replace("\0", "")}, env={"TOKEN": secret}),
    )
    gate = Gate("health", Probe("health", Command("true"), lambda said, code: code), lambda code: passed("ok"))
    made = Plan(
        "deploy", "prod", "run-1", "ada@desk", text,
        waves=(
            Wave(f"prepare {text}", tuple(SitePlan(site, (step,)) for site in SITES)),
            Wave("api 1/1", tuple(SitePlan(site, (step,), (gate,)) for site in SITES), visible=True, pause=30),
        ),
        changes=tuple(Change(site, A, B, "R2", tuple(Commit(B, text, text) for _ in range(25))) for site in SITES),
        notes=(text,),
    )  # fmt: skip
    return replace(made, **changes)


def outcome(text: str = "fine", code: ExitCode = ExitCode.REVERTED, **changes: Any) -> Outcome:
    made = Outcome(
        plan(text), code,
        sites=(SiteOutcome(SITES[0], "new"), SiteOutcome(SITES[1], "old"), SiteOutcome(SITES[2], "unknown", seconds=1.23456)),
        failures=(Failure(SITES[0], text, text, text, (text, text), {text: (text,)}), Failure(None, "interrupt", "interrupted")),
        seconds=61,
    )  # fmt: skip
    return replace(made, **changes)


def survey(text: str = "fine") -> tuple[Survey, dict[Site, Any]]:
    journal = ({"release": "R1", "verdict": "good", "run": "r1", "at": "2026", "message": text, "by": text},)
    lock = LockInfo("r", text, text, text)
    state = ServiceState(True, text, (ServiceProcess("worker", 1, 100, text),), 5, text, 1_700_000_000)
    facts = {
        site: Facts(
            site, CheckoutFacts(True, A if number else B, "R1", (), (text,), text, text), HostFacts((), 1 << 30, (), lock, journal), state
        )
        for number, site in enumerate(SITES)
    }  # fmt: skip
    return Survey(facts, {"gone": ConnectError("gone", text)}), dict.fromkeys(SITES, failed(text or "no"))


def history(text: str) -> dict[Site, HistoryFacts]:
    entry = JournalEntry("2026-11-24T14:03:11Z", text, "done", "r1", text, text, text, "R1", A, text, "good")
    return dict.fromkeys(SITES, HistoryFacts((entry,)))


def texts(text: str) -> list[str]:
    made, verdicts = survey(text)
    return [
        plan_text(plan(text)),
        plan_text(plan(text), commands=True),
        *(outcome_text(outcome(text, code, manual_actions=actions)) for code in ENDINGS for actions in ((), LEFT)),
        status_text(made, SiteStates(verdicts), NOW),
        history_text(history(text), HistoryFilter(), NOW),
    ]


ENDINGS = [
    code for code in ExitCode if code not in (ExitCode.DEFECT, ExitCode.USAGE, ExitCode.UNREACHABLE, ExitCode.LOCKED)
]
LEFT = (ManualAction(SITES[2], "it could not be put back", "fab -H prod:web3 status"),)


@given(HOSTILE)
def test_no_report_holds_what_a_terminal_obeys(text: str) -> None:
    for made in texts(text):
        bad = [c for c in made if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\n\t"]
        assert not bad, (bad, made)


@given(HOSTILE)
def test_every_report_is_json(text: str) -> None:
    made, verdicts = survey(text)
    for data in (
        plan_json(plan(text)),
        outcome_json(outcome(text, manual_actions=LEFT)),
        status_json(made, SiteStates(verdicts)),
        history_json(history(text), HistoryFilter()),
    ):
        assert json.loads(json.dumps(data)) == data, "without a default: nothing but what JSON has"


def test_no_report_holds_a_secret() -> None:
    for made in [*texts("fine"), json.dumps(plan_json(plan())), json.dumps(outcome_json(outcome()))]:
        assert "hunter2" not in made
    assert "***" in plan_text(plan(), commands=True)


@pytest.mark.parametrize("code", ENDINGS)
def test_an_outcome_says_how_it_ended_what_is_where_and_what_to_type(code: ExitCode) -> None:
    text = outcome_text(outcome(code=code))
    rows = {line.split()[0]: line.split() for line in text.split("\n") if line.startswith("web")}
    assert rows["web1"][4] == "bbbbbbbb", "new"
    assert rows["web2"][4] == "aaaaaaaa", "old"
    assert rows["web3"][4] == "unknown"
    assert text.split("\n")[-1].startswith("next: fab -H prod")
    assert "1 min 1 s" in text
    needs = outcome_text(outcome(code=code, manual_actions=LEFT))
    assert needs.split("\n")[-1] == "next: fab -H prod:web3 status"
    assert "! api@web3: it could not be put back" in needs


def test_an_interrupt_that_left_something_does_not_say_that_all_is_back() -> None:
    assert "every host is back" in outcome_text(outcome(code=ExitCode.INTERRUPTED))
    assert "every host is back" not in outcome_text(outcome(code=ExitCode.INTERRUPTED, manual_actions=LEFT))


def test_a_plan_shows_each_step_once_and_its_commands_when_asked() -> None:
    text = plan_text(plan())
    assert text.count("build fine") == 2, "once a wave: the second has a gate more"
    assert "and 5 more" in text
    assert "then wait for 30 s" in text
    assert "echo" not in text
    assert 'echo "$text"' in plan_text(plan(), commands=True)
    assert "nothing to do" in plan_text(plan(waves=()))


def test_hosts_that_differ() -> None:
    made, verdicts = survey()
    assert differ(made) == {SITES[0]}
    lines = status_text(made, SiteStates(verdicts), NOW).split("\n")
    assert [line.split()[0] for line in lines if line.endswith("<- differs")] == ["web1"]
    two = Survey({site: facts for site, facts in made.facts.items() if site != SITES[2]})
    assert differ(two) == {SITES[0], SITES[1]}, "of two that differ neither is the usual one"


def test_history_is_one_line_for_what_one_run_did() -> None:
    (entry,) = history_json(history("fine"), HistoryFilter())["entries"]
    assert entry["hosts"] == ["web1", "web2", "web3"]
    assert history_json(history("fine"), HistoryFilter(by="ada")) == {"entries": []}
    assert "nothing was recorded" in history_text({}, HistoryFilter(), NOW)


def test_a_clock_from_nowhere_is_no_defect() -> None:
    made, verdicts = survey()
    facts = made.facts[SITES[0]]
    odd = replace(facts, service=replace(facts.service, boot=10**15 - 1))
    assert "web1" in status_text(Survey({SITES[0]: odd}), SiteStates(verdicts), NOW)


@pytest.mark.parametrize(("result", "shown"), [("failed", "failed"), ("done", "done")])
def test_the_database_of_a_deploy_is_listed_as_a_part_of_it(result: str, shown: str) -> None:
    """A database's own journal has steps of the run, and not what it was, nor how it ended."""
    at = layout("in_place", "/srv/x")
    deploy = JournalEntry("2026-01-01T00:00:00Z", "deploy", result, "r1", "ada")
    steps = JournalEntry("2026-01-01T00:00:01Z", "", "done", "r1", "ada")
    alone = JournalEntry("2026-01-01T00:00:02Z", "", "open", "r2", "ada")
    journals = {
        Site("a", "api", at): HistoryFacts((deploy,)),
        Site("a", "main", at, database=True): HistoryFacts((steps, alone)),
    }
    lines = {(e["app"], e["run"]): (e["kind"], e["result"]) for e in history_json(journals, HistoryFilter())["entries"]}
    assert lines == {("api", "r1"): ("deploy", result), ("main", "r1"): ("deploy", shown), ("main", "r2"): ("", "open")}
