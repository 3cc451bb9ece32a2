"""A flag in Unleash: on a stand-in always, and on the real server where `scripts/test --unleash` installs it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from lockstitch.flags import FlagPlace, FlagReading, parse_reading
from lockstitch.flags.unleash import UnleashFlag
from lockstitch.model.command import Command, Secret
from tests.flags.unleash_server import (
    ADMIN,
    CLIENT,
    FEATURES,
    RealUnleash,
    StandIn,
    Unleash,
    real_unleash,
    stand_in,
    unleash,
)

__all__ = ["real_unleash", "stand_in", "unleash"]

NAMES = iter(f"FLAG_{number}" for number in range(10_000))
NOT_IN = {"contextName": "userId", "operator": "NOT_IN", "values": ["7"]}


def flag(server: Unleash, **more: object) -> UnleashFlag:
    known = {"kind": "unleash", "url": server.url, "token": "env:TOKEN", "environment": "development"}
    return UnleashFlag.model_validate({**known, "timeout": "5s", **more})


def place(name: str, token: str = ADMIN) -> FlagPlace:
    return FlagPlace(name, "api", "current", "prod", {"env:TOKEN": Secret(token, "env:TOKEN")})


def run(command: Command) -> tuple[str, int]:
    done = subprocess.run(["sh"], input=command.render().encode(), capture_output=True)
    return (done.stdout + done.stderr).decode(), done.returncode


def read(mine: UnleashFlag, at: FlagPlace) -> FlagReading:
    return parse_reading(*run(mine.probe(at).command))


def created(server: Unleash, *rollouts: str, **more: Any) -> str:
    name = next(NAMES)
    server.create(name, *rollouts, **more)
    return name


def test_a_share_goes_up_and_back_to_what_it_was_and_nothing_else_changes(unleash: Unleash) -> None:
    name = created(unleash, "25", constraints=[NOT_IN])
    unleash.ask("POST", f"{FEATURES}/{name}/environments/development/strategies", {"name": "default", "parameters": {}})
    mine, at, before = flag(unleash), place(name), unleash.state(name)
    assert read(mine, at) == FlagReading("off 25")
    expected = "value off 25"
    for value in ("0", "10", "50", "100", "12.5", "off 12.5", "off 25"):
        said, code = run(mine.change(at, value, expected))
        assert (code, said) == (0, f"{name}: value {value}\n")
        state, expected = unleash.state(name), f"value {value}"
        assert state["enabled"] is not value.startswith("off")
        assert state["strategies"][0]["parameters"] == {
            "rollout": value.removeprefix("off "),
            "stickiness": "default",
            "groupId": name,
        }
        assert state["strategies"][1:] == before["strategies"][1:]
        assert state["strategies"][0] == {**before["strategies"][0], "parameters": state["strategies"][0]["parameters"]}
    assert unleash.state(name) == before
    said, code = run(mine.change(at, "50", "value 10"))
    assert code == 1 and "it was 'value 10' and is 'value off 25'" in said
    assert unleash.state(name) == before


def test_users_meet_a_higher_share_only_once_it_is_whole(unleash: Unleash) -> None:
    """Switch on after the share is set, and off before it: nobody meets a share of before."""
    name = created(unleash, "80")
    mine, at = flag(unleash), place(name)
    assert run(mine.change(at, "5"))[1] == 0
    assert [each.split("/")[0] for each in unleash.asked if not each.startswith("GET")] == ["PATCH ", "POST "]
    unleash.asked.clear()
    assert run(mine.change(at, "off 80"))[1] == 0
    assert [each.split("/")[0] for each in unleash.asked if not each.startswith("GET")] == ["POST ", "PATCH "]


def test_what_stays_as_it_is_is_not_written(unleash: Unleash) -> None:
    name = created(unleash, "30")
    unleash.ask("POST", f"{FEATURES}/{name}/environments/development/on")
    said, code = run(flag(unleash).change(place(name), "30"))
    assert code == 0, said
    assert [each for each in unleash.asked if not each.startswith("GET")] == []


def test_of_several_strategies_one_is_named(unleash: Unleash) -> None:
    name = next(NAMES)
    first, second = unleash.create(name, "10", "20", title="everybody"), None
    problem = read(flag(unleash), place(name)).problem
    assert f"{name} has several rollout strategies in development, say which with strategy: " in problem
    assert all(each in problem for each in first)
    unleash.ask(
        "PATCH",
        f"{FEATURES}/{name}/environments/development/strategies/{first[1]}",
        [{"op": "replace", "path": "/title", "value": "testers"}],
    )
    for which in ("testers", first[1]):
        assert read(flag(unleash, strategy=which), place(name)) == FlagReading("off 20")
    assert run(flag(unleash, strategy="testers").change(place(name), "40"))[1] == 0
    second = unleash.state(name)["strategies"]
    assert [each["parameters"]["rollout"] for each in second] == ["10", "40"]
    assert "has no one rollout strategy nobody" in read(flag(unleash, strategy="nobody"), place(name)).problem


def test_a_strategy_that_is_off_by_itself_lets_nobody_in_by_accident(unleash: Unleash) -> None:
    """Refuse it: Unleash adds a strategy for everybody where an environment is switched on that has none."""
    name = next(NAMES)
    (strategy,) = unleash.create(name, "10")
    at = f"{FEATURES}/{name}/environments/development"
    unleash.ask("PATCH", f"{at}/strategies/{strategy}", [{"op": "replace", "path": "/disabled", "value": True}])
    before = unleash.state(name)
    said, code = run(flag(unleash).change(place(name), "10"))
    assert code == 1 and "the rollout strategy in development is switched off by itself" in said
    assert unleash.state(name) == before
    unleash.ask("POST", f"{at}/on")
    assert unleash.state(name)["strategies"][-1]["parameters"]["rollout"] == "100", "so it is"


@pytest.mark.parametrize(
    ("settings", "token", "says"),
    [
        ({}, "*:*.nobody", "the token is not accepted: Unleash answered 401, You must log in to use Unleash."),
        ({}, CLIENT, "the token may not do that: Unleash answered 403, invalid token"),
        ({"environment": "prod"}, ADMIN, "has no environment prod: it has development, production"),
        ({"environment": "production"}, ADMIN, "has no gradual rollout in production: add the strategy in Unleash"),
        ({"project": "other"}, ADMIN, "in project other, or it is archived: Unleash answered 404"),
        ({"name": "other"}, ADMIN, "there is no flag other in project default, or it is archived"),
    ],
)
def test_what_is_not_there_is_told_and_never_off(
    unleash: Unleash, settings: dict[str, str], token: str, says: str
) -> None:
    name = created(unleash, "10")
    before = unleash.state(name)
    mine, at = flag(unleash, **settings), place(name, token)
    reading = read(mine, at)
    assert reading.value is None and says in reading.problem and token not in reading.problem
    said, code = run(mine.change(at, "50"))
    assert code == 1 and says in said and token not in said
    assert unleash.state(name) == before


def test_an_archived_flag_and_one_with_a_strange_share_are_told(unleash: Unleash) -> None:
    name = next(NAMES)
    (strategy,) = unleash.create(name, "many")
    assert read(flag(unleash), place(name)).problem == "its share is 'many', which is no percentage"
    unleash.ask("DELETE", f"{FEATURES}/{name}")
    assert "or it is archived: Unleash answered 404" in read(flag(unleash), place(name)).problem


WRITES = [("PATCH", ""), ("POST", "")]
HTML = (200, "<html><body>Sign in</body></html>")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ((500, '{"message":"boom\\nsecond line"}'), "it failed: Unleash answered 500, boom"),
        ((503, "<html>busy</html>"), "it failed: Unleash answered 503, which is no answer of its admin API"),
        (
            (409, '{"message":"held by a change request"}'),
            "it conflicts with what is there: Unleash answered 409, held",
        ),
        ((429, '{"message":"slower"}'), "it was asked too often: Unleash answered 429, slower"),
        ((302, ""), "it failed: Unleash answered 302"),
        (HTML, "its answer is none of the admin API of Unleash"),
        ((200, "[]"), "its answer is none of the admin API of Unleash"),
        ((200, '{"environments": [{"name": "development", "enabled": true}]}'), "has no strategies to read"),
        ("hang", "Unleash does not answer"),
        ("lost", "Unleash does not answer"),
    ],
)
def test_a_stand_in_that_fails_is_no_value(stand_in: StandIn, fault: Any, says: str) -> None:
    name = created(stand_in, "10")
    mine = flag(stand_in, timeout="500ms")
    stand_in.fault = lambda method, path: fault
    try:
        reading = read(mine, place(name))
        assert reading.value is None and says in reading.problem
        said, code = run(mine.change(place(name), "50"))
        assert code == 1 and says in said
    finally:
        stand_in.fault = lambda method, path: ""
    assert read(mine, place(name)) == FlagReading("off 10")


@pytest.mark.parametrize("drop", range(6))
@pytest.mark.parametrize("fault", [(500, "{}"), "lost"])
def test_after_a_change_that_failed_at_any_request_the_way_back_works(unleash: Unleash, drop: int, fault: Any) -> None:
    """Go from `off 25` to 50 in six requests; whichever fails or is lost, the way back puts everything as it was."""
    name = created(unleash, "25")
    mine, at, before = flag(unleash), place(name), unleash.state(name)
    unleash.asked.clear()
    unleash.fault = lambda method, path: fault if len(unleash.asked) == drop + 1 else ""
    said, code = run(mine.change(at, "50", "value off 25"))
    assert code == 1 and len(unleash.asked) > drop, said
    unleash.fault = lambda method, path: ""
    said, code = run(mine.change(at, "off 25"))
    assert code == 0 and unleash.state(name) == before, said


def test_real_users_who_were_in_stay_in(real_unleash: RealUnleash) -> None:
    name = created(real_unleash, "0")
    mine, at, seen = flag(real_unleash), place(name), [set[str]()]
    for value in ("10", "50", "100"):
        assert run(mine.change(at, value))[1] == 0
        seen.append(real_unleash.users_in(name))
        assert seen[-2] <= seen[-1], "going up takes nobody out"
    assert 5 <= len(seen[1]) <= 40 and 70 <= len(seen[2]) <= 130 and len(seen[3]) == 200
    assert run(mine.change(at, "off 0"))[1] == 0
    assert real_unleash.users_in(name) == set()


@pytest.mark.parametrize("value", ["101", "-1", "off", "ten", "010", "100.5", "off 50 %"])
def test_a_value_that_is_no_share_is_refused(value: str) -> None:
    mine = UnleashFlag.model_validate({"kind": "unleash", **json.loads(json.dumps(UnleashFlag.examples[0]))})
    assert "is no share" in mine.refusal(value)
    assert not any(map(mine.refusal, ("0", "10", "100", "2.5", "off 0", "off 25")))
