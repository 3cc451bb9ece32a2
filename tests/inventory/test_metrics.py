"""`metrics` and `gates`: what is read, and what is refused, with its line."""

from __future__ import annotations

import pytest

from lockstitch.inventory.load import load
from tests.inventory.conftest import Refused, Write

INVENTORY = """
metrics: {{access: {{kind: access_log, path: /var/log/nginx/a.log}}}}
groups: {{web: {{hosts: [a], apps: [api]}}}}
apps:
  api:
    repository: r
    path: /app
    service: {{kind: dummy, unit: u}}
    gates:
      g: {gate}
"""


@pytest.mark.parametrize(
    "gate",
    [
        "{source: access, status: 5xx, max: 0.5%}",
        "{source: access, status: 502, against: old, by: 1%}",
        "{source: access, percentile: 95, max: 300ms}",
        "{source: access, rate: requests, against: before, drop: 50%, dry: true}",
    ],
)
def test_gates(write: Write, gate: str) -> None:
    inventory = load(write(prod=INVENTORY.format(gate=gate)).directory, "prod")
    assert inventory.app("api", "a").gates["g"].source == "access"
    assert list(inventory.metrics) == ["access"]


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("{source: acess, status: 5xx, max: 5%}", "there is no metric source acess: did you mean access?"),
        ("{source: access}", "give one of status, percentile and rate"),
        ("{source: access, status: 5xx, percentile: 95, max: 5%}", "give one of status, percentile and rate"),
        ("{source: access, status: 5xx}", "give one limit: max: 5%, or against and by: 1%"),
        ("{source: access, status: 5xx, max: 300ms}", "write a percentage"),
        ("{source: access, status: 5xx, max: 0%}", "is no part of all requests"),
        ("{source: access, status: 5xx, max: 5 percent}", "is not a duration"),
        ("{source: access, status: 6xx, max: 5%}", "is no HTTP status"),
        ("{source: access, percentile: 95, max: 5%}", "a percentile needs a duration"),
        ("{source: access, percentile: 100, max: 1s}", "it should be 99 or less"),
        ("{source: access, rate: requests, drop: 50%}", "a rate is compared with what it was"),
        ("{source: access, rate: requests, against: before}", "rate and drop belong together"),
        ("{source: access, status: 5xx, against: old}", "give one limit"),
        ("{source: access, status: 5xx, by: 1%}", "against and by belong together"),
        ("{source: access, status: 5xx, against: new, by: 1%}", "'new' is not one of old, before"),
        ("{source: access, statuz: 5xx, max: 5%}", "is not a key here: did you mean status?"),
    ],
)
def test_refused_gates(refused: Refused, gate: str, says: str) -> None:
    problems = refused(prod=INVENTORY.format(gate=gate))
    assert any(says in problem and problem.startswith("hosts/prod.yml:9: apps.api.gates.g") for problem in problems), (
        problems
    )


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{kind: acces_log, path: /a}", "'acces_log' is not one of access_log: did you mean access_log?"),
        ("{path: /a}", "is missing"),
        ("{kind: access_log}", "is missing"),
        ("{kind: access_log, path: ~/a}", "is no path"),
        ("{kind: access_log, path: /a, format: '$request'}", "has no time that is known"),
        ("{kind: access_log, path: /a, format: '[$time_local] $request'}", "has no status"),
        ("{kind: access_log, path: /a, format: '$time_local$status'}", "with nothing between them"),
        ("{kind: access_log, path: /a, ignore: [healthz]}", "it begins with /"),
    ],
)
def test_refused_sources(refused: Refused, source: str, says: str) -> None:
    problems = refused(prod=f"groups: {{web: {{hosts: [a]}}}}\nmetrics: {{access: {source}}}\n")
    assert any(says in problem for problem in problems), problems
