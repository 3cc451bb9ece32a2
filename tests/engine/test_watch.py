"""Pauses that metric gates judge: every verdict with every policy, on a simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.errors import ExitCode
from lockstitch.model.outcome import RollbackBegan, WaveBegan
from lockstitch.model.wave_watch import Way
from lockstitch.report.outcome import outcome_text
from tests.engine.simulated import ERRORS, HOSTS, P95, PAUSE, START, Simulation

Simulate = Callable[..., Simulation]


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Simulate:
    def make(**settings: Any) -> Simulation:
        made = Simulation(**settings)
        monkeypatch.setattr("lockstitch.engine.ask.time", SimpleNamespace(time=made.now, monotonic=made.now))
        return made

    return make


def waves(simulation: Simulation) -> int:
    return sum(isinstance(event, WaveBegan) for event in simulation.events)


def share_of_new(share: float) -> Callable[[str, bool, float], float]:
    return lambda host, new, at: share if new else 0.001


def test_a_good_release_sits_its_pauses_out(simulate: Simulate) -> None:
    simulation = simulate(bad=share_of_new(0.002), gates={"errors": ERRORS, "p95": P95})
    outcome = simulation.deploy()
    assert outcome.code is ExitCode.DONE, outcome_text(outcome)
    assert simulation.verdicts == {"errors": "pass", "p95": "pass"}
    # There is no early pass.
    assert simulation.time >= START + 2 * PAUSE
    last = [event for event in simulation.readings if event.last]
    assert len(last) == 4 and all(event.end - event.begin == PAUSE for event in last)
    # Of two hosts that reload one after the other, the first counts from its own reload on.
    assert {event.total for event in last if event.gate == "errors"} == {3000, 6015}
    # Beside the canary stand the hosts with the old release; beside the last wave nobody.
    assert [event.old_total for event in last if event.gate == "errors"] == [6000, None]
    # Durations of the first 30 seconds do not count.
    assert {event.total for event in last if event.gate == "p95"} == {2850, 5700}


def test_a_bad_release_goes_back_before_the_second_wave(simulate: Simulate) -> None:
    simulation = simulate(bad=share_of_new(0.15))
    outcome = simulation.deploy()
    assert outcome.code is ExitCode.REVERTED
    assert waves(simulation) == 1
    assert simulation.switched == {}
    assert "gate errors of api fails: before its time is over" in outcome.failures[0].reason
    assert simulation.time < START + PAUSE / 2


def test_a_slow_release_goes_back(simulate: Simulate) -> None:
    simulation = simulate(slow=share_of_new(0.3), gates={"p95": P95})
    outcome = simulation.deploy()
    assert (outcome.code, waves(simulation)) == (ExitCode.REVERTED, 1)
    assert "took over 0.3 s" in outcome.failures[0].reason


def test_one_that_only_fails_in_all_counts_goes_back_at_the_end(simulate: Simulate) -> None:
    simulation = simulate(bad=share_of_new(0.08), rate=lambda host: 0.7)
    outcome = simulation.deploy()
    assert (outcome.code, simulation.verdicts) == (ExitCode.REVERTED, {"errors": "fail"})
    assert simulation.time >= START + PAUSE


@pytest.mark.parametrize("ahead", [-3600.0, 7200.0])
def test_clocks_that_differ_change_nothing(simulate: Simulate, ahead: float) -> None:
    def counts(**settings: Any) -> list[tuple[int, int]]:
        simulation = simulate(bad=share_of_new(0.01), **settings)
        assert simulation.deploy().code is ExitCode.DONE
        return [(event.bad, event.total) for event in simulation.readings if event.last]

    assert counts(ahead={"web1": ahead, "web3": -ahead}) == counts()


# Each as rate and share of errors: what the counts of ten minutes say, by a limit of 5 %.
FEW, UNCLEAR = (0.05, 0.0), (0.5, 0.045)


@pytest.mark.parametrize(
    ("counts", "policy", "code", "says"),
    [
        (FEW, {"few": "continue"}, ExitCode.DONE, "going on: gate errors of api is few"),
        (FEW, {"few": "wait"}, ExitCode.DONE, "waiting for more: gate errors of api has too few"),
        ((0.001, 0.0), {"few": "wait"}, ExitCode.REVERTED, "there is no terminal to ask at"),
        (UNCLEAR, {"unclear": "ask"}, ExitCode.REVERTED, "there is no terminal to ask at, so it counts as failed"),
        (UNCLEAR, {"unclear": "fail"}, ExitCode.REVERTED, "gate errors of api is unclear"),
        (UNCLEAR, {"unclear": "continue"}, ExitCode.DONE, "going on: gate errors of api is unclear"),
    ],
)
def test_what_is_inconclusive_follows_its_policy(
    simulate: Simulate, counts: tuple[float, float], policy: dict[str, str], code: ExitCode, says: str
) -> None:
    rate, share = counts
    simulation = simulate(rate=lambda host: rate, bad=share_of_new(share), policy=policy)
    outcome = simulation.deploy()
    assert outcome.code is code, outcome_text(outcome)
    assert says in simulation.said + "".join(failure.reason for failure in outcome.failures)
    assert (simulation.switched == {}) is (code is not ExitCode.DONE)


def test_few_waits_as_long_as_three_more_pauses(simulate: Simulate) -> None:
    simulation = simulate(rate=lambda host: 0.001, policy={"few": "wait"})
    simulation.deploy()
    assert 4 * PAUSE <= simulation.time - START < 4 * PAUSE + 120


@pytest.mark.parametrize("answer", [Way.ON, Way.BACK, None])
def test_a_person_is_asked(simulate: Simulate, answer: Way | None) -> None:
    simulation = simulate(rate=lambda host: 0.5, bad=share_of_new(0.045), answer=answer)
    outcome = simulation.deploy(waves=(HOSTS[:1],))
    assert [decision.choices for decision in simulation.asked] == [(Way.ON, Way.BACK)]
    assert outcome.code is (ExitCode.DONE if answer is Way.ON else ExitCode.REVERTED)


@pytest.mark.parametrize("unclear", ["ask", "continue", "fail"])
def test_a_source_that_cannot_be_read_at_the_end_is_never_a_pass(simulate: Simulate, unclear: str) -> None:
    simulation = simulate(blind=lambda host, at: "gone" if at > 200 else "", policy={"unclear": unclear})
    outcome = simulation.deploy()
    assert outcome.code is ExitCode.REVERTED
    assert "gate errors of api could not be judged: web1: gone" in outcome.failures[0].reason
    assert simulation.verdicts == {"errors": "blind"}


def test_what_could_not_be_read_for_a_while_is_read_later(simulate: Simulate) -> None:
    simulation = simulate(blind=lambda host, at: "gone" if 100 < at < 300 else "")
    assert simulation.deploy().code is ExitCode.DONE
    assert {event.answer for event in simulation.readings} == {"pass", "blind"}
    assert {event.total for event in simulation.readings if event.last} == {3000, 6015}


def test_what_was_never_read_is_said(simulate: Simulate) -> None:
    simulation = simulate(blind=lambda host, at: "gone" if 20 < at < 570 else "")
    assert simulation.deploy().code is ExitCode.DONE
    first = next(event for event in simulation.readings if event.last)
    assert first.total < 3000 and first.says.endswith("of 11 windows of time were not read"), first


def test_a_waived_gate_is_shown_and_goes_on(simulate: Simulate) -> None:
    simulation = simulate(blind=lambda host, at: "gone")
    assert simulation.deploy(waived=("errors",)).code is ExitCode.DONE
    assert simulation.verdicts == {"errors": "blind"}


def test_a_dry_gate_decides_nothing(simulate: Simulate) -> None:
    simulation = simulate(bad=share_of_new(0.5), gates={"errors": {**ERRORS, "dry": True}})
    assert simulation.deploy(dry=("errors",)).code is ExitCode.DONE
    assert simulation.verdicts == {"errors": "fail"}
    assert all(event.dry for event in simulation.readings)


def outage(host: str, new: bool, at: float) -> float:
    """All hosts fail from the fifth minute of the first pause on."""
    return 0.6 if at > 300 else 0.001


def test_trouble_that_old_hosts_share_rolls_nothing_back(simulate: Simulate) -> None:
    simulation = simulate(bad=outage)
    outcome = simulation.deploy()
    assert outcome.code is ExitCode.NEEDS_A_PERSON
    assert list(simulation.switched) == ["web1"] and waves(simulation) == 1
    assert {site.site.host: site.where for site in outcome.sites} == {"web1": "new", "web2": "old", "web3": "old"}
    reason = outcome.failures[0].reason
    assert "on web2, web3 with the old release too: this release is not to blame" in reason
    assert "there is no terminal to ask at, so the run stops here" in reason
    assert [action.site.host for action in outcome.manual_actions] == ["web1"]
    assert not any(isinstance(event, RollbackBegan) for event in simulation.events)
    assert "what has switched stays as it is" in simulation.said
    assert "nothing that users can see was changed" not in simulation.said
    assert simulation.remote.names("web1")[-1] == simulation.remote.names("web2")[-1] == "unlock"


@pytest.mark.parametrize(
    ("answer", "code", "on"),
    [(Way.BACK, ExitCode.REVERTED, 0), (Way.ON, ExitCode.DONE, 3), (Way.STOP, ExitCode.NEEDS_A_PERSON, 1)],
)
def test_a_person_decides_about_shared_trouble(simulate: Simulate, answer: Way, code: ExitCode, on: int) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.6 if 300 < at < 400 else 0.0, answer=answer)
    assert simulation.deploy().code is code
    assert len(simulation.switched) == on
    assert simulation.asked[0].choices == (Way.STOP, Way.BACK, Way.ON)


def test_a_fault_of_the_release_during_other_trouble_goes_back(simulate: Simulate) -> None:
    simulation = simulate(
        bad=lambda host, new, at: 0.6 if at > 300 else 0.0,
        slow=share_of_new(0.5),
        gates={"errors": ERRORS, "p95": P95},
    )
    outcome = simulation.deploy()
    assert outcome.code is ExitCode.REVERTED and "gate p95" in outcome.failures[0].reason


def test_in_the_last_wave_the_time_before_is_what_it_shares(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.5)
    outcome = simulation.deploy(waves=(HOSTS,))
    assert outcome.code is ExitCode.NEEDS_A_PERSON
    assert "before the release too: this release is not to blame" in outcome.failures[0].reason
    assert len(simulation.switched) == 3


def test_hosts_in_maintenance_are_compared_with_nothing_and_come_up_again(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.5)
    outcome = simulation.deploy(down=HOSTS[1:])
    assert outcome.code is ExitCode.NEEDS_A_PERSON
    assert "before the release too: this release is not to blame" in outcome.failures[0].reason
    for host in HOSTS[1:]:
        assert simulation.remote.names(host)[1:] == ["maintenance", "undo maintenance", "unlock"]
    assert "undo activate" not in simulation.remote.names("web1")
    assert {site.site.host: site.where for site in outcome.sites} == {"web1": "new", "web2": "old", "web3": "old"}


def test_the_fix_of_a_broken_release_goes_out(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.0 if new else 0.4)
    assert simulation.deploy(not_worse=("errors",)).code is ExitCode.DONE
    same = simulate(bad=lambda host, new, at: 0.4)
    assert same.deploy(not_worse=("errors",)).code is ExitCode.DONE
    worse = simulate(bad=lambda host, new, at: 0.8 if new else 0.4)
    assert worse.deploy(not_worse=("errors",)).code is ExitCode.REVERTED


def test_new_hosts_beside_old_ones(simulate: Simulate) -> None:
    worse = {"source": "access", "status": "5xx", "against": ["old", "before"], "by": "1%"}
    # web1 always was worse, and is not blamed for it.
    always = simulate(bad=lambda host, new, at: 0.04 if host == "web1" else 0.0, gates={"worse": worse})
    always.deploy(waves=(HOSTS[:1], HOSTS[1:]))
    assert always.readings[-1].answer != "fail"
    simulation = simulate(bad=lambda host, new, at: 0.1 if new else 0.0, gates={"worse": worse})
    assert simulation.deploy().code is ExitCode.REVERTED
    reading = simulation.readings[-1]
    assert reading.old_total and reading.old_bad == 0 and reading.low is not None and reading.low > 0.01


def test_a_site_whose_journal_does_not_say_when_is_blind(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.remote.answer("web1", "steps", output="unreadable /app/journal may not be read by ada\n")
    outcome = simulation.deploy()
    assert outcome.code is ExitCode.REVERTED
    assert "may not be read by ada" in outcome.failures[0].reason


def test_an_old_host_that_is_away_is_no_new_one(simulate: Simulate) -> None:
    simulation = simulate(bad=share_of_new(0.001))
    simulation.remote.answer("web3", "clock", output="no date here", times=1)
    assert simulation.deploy().code is ExitCode.DONE
    assert {event.total for event in simulation.readings if event.last} == {3000, 6015}


def test_each_reading_is_one_script_a_host(simulate: Simulate) -> None:
    simulation = simulate(gates={"errors": ERRORS, "p95": P95})
    simulation.deploy(waves=(HOSTS,))
    asked = [step for step in simulation.remote.ran if step.host == "web1" and step.name == "access_log"]
    # The time before, then ten readings and the one where the warm-up ends.
    assert len(asked) == 12


PAGE = {"source": "page", "status": "5xx", "max": "5%"}


@pytest.mark.parametrize("ahead", [{}, {"web1": -3600.0, "web3": 7200.0}])
def test_a_metrics_page_is_counted_from_the_release_on(simulate: Simulate, ahead: dict[str, float]) -> None:
    simulation = simulate(bad=share_of_new(0.002), gates={"errors": PAGE}, ahead=ahead)
    outcome = simulation.deploy()
    assert outcome.code is ExitCode.DONE, outcome_text(outcome)
    assert simulation.verdicts == {"errors": "pass"}
    # Each reading is two seconds after the end of its window, and a process begins a second before it serves.
    counts = [event.total for event in simulation.readings if event.last]
    assert all(abs(count - expected) <= 60 for count, expected in zip(counts, (3000, 6015), strict=True)), counts


def test_a_bad_release_goes_back_by_its_metrics_page(simulate: Simulate) -> None:
    simulation = simulate(bad=share_of_new(0.15), gates={"errors": PAGE})
    outcome = simulation.deploy()
    assert (outcome.code, waves(simulation)) == (ExitCode.REVERTED, 1)
    assert "gate errors of api fails: before its time is over" in outcome.failures[0].reason


def test_old_hosts_are_counted_between_two_readings_of_their_page(simulate: Simulate) -> None:
    gates = {"worse": {"source": "page", "status": "5xx", "against": "old", "by": "2%"}}
    worse = simulate(bad=lambda host, new, at: 0.1 if new else 0.01, gates=gates).deploy()
    assert worse.code is ExitCode.REVERTED, outcome_text(worse)
    simulation = simulate(bad=lambda host, new, at: 0.05, gates=gates)
    assert simulation.deploy().code is ExitCode.DONE
    # In the last wave there is no old host.
    assert [event.answer for event in simulation.readings if event.last] == ["pass", "few"]
