"""Delivery statistics, recomputed by hand from the records of a journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from lockstitch.facts.history import HistoryFacts, JournalEntry, parse_commits
from lockstitch.model.layout import layout
from lockstitch.model.plan import Site
from lockstitch.report.delivery import Delivery, delivery, delivery_json, delivery_text

BEGIN, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 29, tzinfo=UTC)
ONE, TWO = (Site(host, "api", layout("releases", "/srv/api")) for host in ("one", "two"))


def at(hours: float) -> str:
    return (BEGIN + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def revision(n: int) -> str:
    return f"{n:040x}"


class Journals:
    """Journals of two hosts, an hour after another unless said otherwise."""

    def __init__(self) -> None:
        self.entries: dict[Site, list[JournalEntry]] = {ONE: [], TWO: []}
        self.reloads: dict[str, str] = {}
        self.results: dict[str, str] = {}

    def record(
        self, n: int, hours: float, *verdicts: str, kind: str = "deploy", release: int = 0, met: bool = True
    ) -> None:
        """Run `n` ended at one host and, an hour later, at the other; its first reload was an hour before."""
        run, number = f"r{n}", release or n
        self.reloads |= {run: at(hours - 1)} if met else {}
        for later, (site, verdict) in enumerate(zip((ONE, TWO), verdicts, strict=False)):
            result = {"good": "done", "left": "left"}.get(verdict, "failed")
            about = at(hours + later), kind, result, run, "ada", "", "", f"R{number}", revision(number), "", verdict
            self.entries[site].append(JournalEntry(*about))

    def heads(self) -> dict[str, dict[str, str]]:
        return {run: {"run": run, "ended": result} for run, result in self.results.items()}

    def stats(self, committed: float | None = -2.0, damaged: int = 0) -> Delivery:
        known = (
            {revision(n): (BEGIN + timedelta(hours=n * 10 + committed)).timestamp() for n in range(99)}
            if committed
            else {}
        )
        facts = {s: HistoryFacts(tuple(e), 0, damaged, (), self.reloads, self.heads()) for s, e in self.entries.items()}
        return delivery(facts, known, BEGIN, END)


def test_what_was_proven_on_every_host_is_counted_with_its_lead_time() -> None:
    journals = Journals()
    for n in range(1, 9):
        journals.record(n, n * 10, "good", "good")
    # Started, and not proven on one of the hosts; built, and met by nobody.
    journals.record(20, 200, "good", "stopped")
    journals.record(21, 210, "bad", "bad", met=False)
    # The same release once more is no new one.
    journals.record(22, 220, "good", "good", release=8)
    data = delivery_json(journals.stats())
    assert (data["frequency"]["n"], data["frequency"]["per_week"]) == (9, 2.25)
    assert (data["lead_time"]["n"], data["lead_time"]["median"]) == (8, 3 * 3600)
    assert (data["failure_rate"]["n"], data["failure_rate"]["runs"]) == (10, ["r20"])


def test_a_failed_deploy_is_over_when_it_was_put_back_or_a_release_is_proven_again() -> None:
    journals = Journals()
    journals.record(1, 10, "good", "good")
    for n in range(2, 5):
        journals.record(n, n * 10, "bad", "bad")
        journals.results[f"r{n}"] = "put back"
    # It needed a person, and the rollback after it took ten hours.
    journals.record(5, 50, "bad", "bad")
    journals.results["r5"] = "needs a person"
    journals.record(6, 60, "good", "good", kind="rollback", release=1)
    # It was proven, and a rollback left it five hours later.
    journals.record(7, 70, "good", "good")
    journals.record(8, 75, "left", "left", kind="rollback", release=7)
    journals.record(8, 75, "good", "good", kind="rollback", release=1)
    made = journals.stats()
    assert [seconds / 3600 for seconds in made.recovery] == [2, 2, 2, 12, 7]
    assert delivery_json(made)["recovery"]["median"] == 2 * 3600
    assert delivery_json(made)["failure_rate"]["share"] == round(5 / 6, 4)


def test_there_is_no_median_below_five_and_what_is_not_known_is_told() -> None:
    journals = Journals()
    for n in range(1, 4):
        journals.record(n, n * 10, "good", "good")
    journals.record(4, 40, "bad", "bad")
    journals.record(5, 50, "bad", "bad")
    journals.results["r5"] = "needs a person"
    made = journals.stats(committed=None, damaged=2)
    data, text = delivery_json(made), delivery_text(made)
    assert data["frequency"]["per_week"] is data["lead_time"]["median"] is data["recovery"]["median"] is None
    assert "not enough: 3 of 5" in text and "not enough: 0 of 5" in text
    assert (data["lead_time"]["unknown"], data["recovery"]["unknown"], data["recovery"]["not_over"]) == (3, 1, 1)
    assert "! api@one: 2 lines of its journal are damaged, and not counted" in text
    assert (
        "! 3 releases whose commit the hosts do not have" in text and "! 1 failed deploy of which no host keeps" in text
    )


def test_a_release_of_another_tool_is_not_a_deploy() -> None:
    journals = Journals()
    # Recorded by the run that came after it, before its own record.
    journals.record(1, 10, "good", "good", release=50)
    journals.record(1, 10, "good", "good")
    assert [run.revisions for run in journals.stats().proven] == [frozenset({("api", revision(1))})]


def test_a_host_that_switched_and_has_no_record_proved_nothing() -> None:
    journals = Journals()
    journals.record(1, 10, "good")
    made = journals.stats()
    assert ([run.run for run in made.failed], made.proven, made.unknown["recoveries"]) == (["r1"], (), 1)


def test_a_deploy_that_was_killed_after_users_met_it_is_named() -> None:
    journals = Journals()
    journals.reloads["r1"] = at(10)
    journals.entries[TWO].append(JournalEntry(at(9), "deploy", "open", "r1", "ada"))
    journals.entries[TWO].append(JournalEntry(at(9), "deploy", "open", "r2", "ada"))
    made = journals.stats()
    assert not made.met and made.notes == ("run r1 reloaded a service and has no recorded end: it is not counted",)


VERDICTS = st.sampled_from(
    [("good", "good"), ("good", "bad"), ("bad", "bad"), ("left", "left"), ("unknown", "good"), ("good",)]
)


@given(st.lists(st.tuples(VERDICTS, st.booleans(), st.sampled_from(["deploy", "rollback"])), max_size=30))
def test_the_parts_of_any_history_fit_together(runs: Sequence[tuple[tuple[str, ...], bool, str]]) -> None:
    journals = Journals()
    for n, (verdicts, met, kind) in enumerate(runs, 1):
        journals.record(n, n * 10, *verdicts, kind=kind, met=met, release=max(1, n - verdicts.count("left")))
    made = journals.stats()
    assert set(made.failed) <= set(made.met) and set(made.proven) <= set(made.met)
    assert all(seconds >= 0 for seconds in (*made.lead, *made.recovery))
    assert len(made.recovery) + made.unknown["recoveries"] + made.unknown["open"] == len(made.failed)
    assert delivery_text(made) and delivery_json(made)


@dataclass(frozen=True)
class Told:
    """A run as a person would tell it; hours are those since the window began. It ran on `sites` hosts, an hour after
    another, and was proven on those that are `good`. `leaves` is the run whose release a rollback left."""

    number: int
    kind: str
    good: tuple[bool, ...]
    met: bool
    result: str
    revision: int
    leaves: int

    @property
    def first(self) -> int:
        return self.number * 10 - 100

    @property
    def last(self) -> int:
        return self.first + len(self.good) - 1

    @property
    def proven(self) -> bool:
        # A host that switched and has no record proved nothing; each reload here is on both.
        return all(self.good) and (len(self.good) == 2 or not self.met)


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    runs: list[Told] = []
    for number in range(1, draw(st.integers(0, 30)) + 1):
        kind = draw(st.sampled_from(["deploy", "deploy", "rollback"]))
        good = draw(st.sampled_from([(True, True), (True, True), (True, False), (False, False), (True,)]))
        result = draw(st.sampled_from(["", "done", "put back", "needs a person"]))
        leaves = draw(st.integers(0, number - 1)) if kind == "rollback" else 0
        runs.append(Told(number, kind, good, draw(st.booleans()), result, draw(st.integers(1, number)), leaves))
    return runs


def hours_of(seconds: Sequence[float]) -> list[float]:
    return sorted(round(each / 3600, 6) for each in seconds)


# A deploy that needed a person was not over with one that was taken back itself.
TWICE = [
    *(Told(number, "deploy", (False, False), False, "", number, 0) for number in range(1, 11)),
    Told(11, "deploy", (False, False), True, "needs a person", 11, 0),
    Told(12, "deploy", (True, True), True, "done", 12, 0),
    Told(13, "rollback", (True, True), True, "done", 1, 12),
]


@given(histories())
@example(TWICE)
def test_each_number_is_what_a_person_counts(runs: list[Told]) -> None:
    """The four definitions, counted once more from what happened, run by run."""
    journals = Journals()
    for run in runs:
        if run.leaves:
            # The record of a release that it leaves stands before its own.
            journals.record(run.number, run.first, "left", "left", kind="rollback", release=run.leaves, met=run.met)
        verdicts = ["good" if good else "bad" for good in run.good]
        journals.record(run.number, run.first, *verdicts, kind=run.kind, release=run.number, met=run.met)
        journals.results[f"r{run.number}"] = run.result
        for site, entries in journals.entries.items():
            journals.entries[site] = [
                replace(entry, revision=revision(run.revision)) if entry.release == f"R{run.number}" else entry
                for entry in entries
            ]
    taken_back = {run.leaves for run in runs if run.leaves and runs[run.leaves - 1].proven}
    window = [run for run in runs if run.kind == "deploy" and 0 <= run.last < 28 * 24]
    proven = [run for run in window if run.proven]
    met = [run for run in window if run.proven or run.met]
    failed = [run for run in met if not run.proven or run.number in taken_back]
    lead = []
    for run in proven:
        earlier = [other for other in runs if other.proven and other.revision == run.revision and other.last < run.last]
        if not earlier:
            lead.append(max(0, run.last - (run.revision * 10 - 2)))
    recovery = []
    for run in failed:
        later = [o for o in runs if o.last > run.last and o.proven and o.number not in taken_back]
        if run.met and not run.proven and run.result == "put back":
            recovery.append(run.last - (run.first - 1))
        elif run.met and (run.proven or run.result) and later:
            recovery.append(later[0].last - (run.first - 1))
    made = journals.stats()
    assert hours_of(made.lead) == sorted(lead) and hours_of(made.recovery) == sorted(recovery)
    assert [each.run for each in made.failed] == [f"r{run.number}" for run in failed]
    data = delivery_json(made)
    counts: dict[str, Sequence[object]] = {
        "frequency": proven,
        "lead_time": lead,
        "failure_rate": met,
        "recovery": recovery,
    }
    assert {name: data[name]["n"] for name in counts} == {name: len(values) for name, values in counts.items()}
    assert data["frequency"]["per_week"] == (round(len(proven) / 4, 2) if len(proven) >= 5 else None)
    assert data["failure_rate"]["share"] == (round(len(failed) / len(met), 4) if len(met) >= 5 else None)
    for name, values in (("lead_time", lead), ("recovery", recovery)):
        ordered, half = sorted(values), len(values) // 2
        middle = ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2 if values else 0
        assert data[name]["median"] == (middle * 3600 if len(values) >= 5 else None)


def test_commits_that_cannot_be_read_are_not_taken_for_none() -> None:
    known = parse_commits(f"commit {revision(1)} 1790000000\nwarning: noise\n", 0)
    assert dict(known.times) == {revision(1): 1790000000.0} and not known.unreadable
    assert parse_commits("fatal: not a git repository\n", 128).unreadable == "fatal: not a git repository"
