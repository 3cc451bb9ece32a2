"""`metrics` and `gates`: what is read, and what is refused, with its line."""

from __future__ import annotations

import pytest

from lockstitch.inventory.load import load
from tests.inventory.conftest import Refused, Write

INVENTORY = """
metrics: {{access: {{kind: access_log, path: /var/log/nginx/a.log}}, prom: {{kind: prometheus, url: "http://p", durations: ""}}, orders: {{kind: command, run: x}}, mails: {{kind: command, run: x, prints: number}}, page: {{kind: endpoint, url: "http://h/metrics"}}}}
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
        "{source: prom, status: 5xx, max: 5%}",
        "{source: orders, max: 5%}",
        "{source: orders, against: [old, before], by: 5%}",
        "{source: mails, max: 100}",
        "{source: mails, max: 0}",
        "{source: page, percentile: 95, max: 300ms}",
        "{source: page, status: 5xx, against: old, by: 1%}",
        "{source: host, value: memory, max: 90%}",
        "{source: host, value: load, max: 1.5}",
        "{source: logs, match: ERROR, against: before, increase: 0}",
    ],
)
def test_gates(write: Write, gate: str) -> None:
    inventory = load(write(prod=INVENTORY.format(gate=gate)).directory, "prod")
    assert inventory.app("api", "a").gates["g"].source in inventory.metrics
    declared = [name for name in inventory.metrics if name not in ("host", "logs")]
    assert declared == ["access", "prom", "orders", "mails", "page"]


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("{source: acess, status: 5xx, max: 5%}", "there is no metric source acess: did you mean access?"),
        ("{source: access}", "give one of status, percentile, rate, match and value"),
        (
            "{source: access, status: 5xx, percentile: 95, max: 5%}",
            "give one of status, percentile, rate, match and value",
        ),
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
        ("{source: access, max: 5%}", "say what of access is judged: {status: 5xx, max: 5%} or {percentile: 95"),
        ("{source: prom, percentile: 95, max: 1s}", "prom has no durations: it is judged by {status: 5xx, max: 5%}"),
        ("{source: orders, status: 5xx, max: 5%}", "orders has no requests: it is judged by {max: 5%}"),
        ("{source: orders, rate: requests, against: before, drop: 5%}", "orders has no requests"),
        ("{source: orders, max: 5}", "orders counts: write a percentage"),
        ("{source: mails, max: 5%}", "mails is a number: write one"),
        ("{source: mails, against: before, by: 5%}", "mails has a value of now alone: write max"),
        ("{source: mails, value: mail, max: 5}", "mails has no value mail"),
        ("{source: access, value: memory, max: 5}", "access has no values"),
        ("{source: access, match: ERROR, max: 5}", "access has no records"),
        ("{source: host, value: memry, max: 90%}", "host has no value memry: did you mean memory?"),
        ("{source: host, value: memory, max: 90}", "memory is a part: write a percentage"),
        ("{source: host, value: load, max: 90%}", "load is a number: write one"),
        ("{source: host, max: 90%}", "say what of host is judged: {value: NAME, max: NUMBER}"),
        ("{source: host, value: memory}", "a value needs a limit"),
        ("{source: page, status: 5xx, against: [old, before], by: 1%}", "page is counted from when it is read first"),
        ("{source: page, rate: requests, against: before, drop: 50%}", "knows nothing of the time before"),
        ("{source: logs, max: 5%}", "say what of logs is judged: {match: ERROR, max: 0}"),
        ("{source: access, match: ERROR}", "give one limit: max: 10, or against: before and increase: 0"),
        ("{source: access, match: ERROR, increase: 0}", "an increase is one from what was before"),
        ("{source: access, match: ERROR, max: 5%}", "records that match are counted"),
        ("{source: access, match: '(', max: 5}", "is no regular expression"),
        ("{source: access, match: '\\d+', max: 5}", "is not known to every host: write POSIX"),
        ("{source: access, match: '(?i)error', max: 5}", "is not known to every host: write POSIX"),
        ("{source: access, match: a, against: before, increase: -1}", "is no increase"),
        ("{source: access, status: 5xx, max: 5%, increase: 1}", "only what matches can increase"),
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
        ("{kind: acces_log, path: /a}", "did you mean access_log?"),
        ("{path: /a}", "is missing"),
        ("{kind: access_log}", "is missing"),
        ("{kind: access_log, path: ~/a}", "is no path"),
        ("{kind: access_log, path: /a, format: '$request'}", "has no time that is known"),
        ("{kind: access_log, path: /a, format: '[$time_local] $request'}", "has no status"),
        ("{kind: access_log, path: /a, format: '$time_local$status'}", "with nothing between them"),
        ("{kind: access_log, path: /a, ignore: [healthz]}", "it begins with /"),
        ("{kind: command, run: ' '}", "it is empty"),
        ("{kind: command, run: x, prints: text}", "'text' is not one of counts, number"),
        ("{kind: endpoint, url: h/metrics}", "is not an http(s) URL"),
        ("{kind: endpoint, url: 'http://h', format: json}", "say what of the JSON is read"),
        ("{kind: endpoint, url: 'http://h', format: json, total: a}", "total, bad and started belong together"),
        ("{kind: endpoint, url: 'http://h', total: a}", "are keys of format: json"),
        ("{kind: endpoint, url: 'http://h', requests: a-b}", "is no name of a metric"),
        ("{kind: endpoint, url: 'http://h', requests: ''}", "say what of the text is read"),
        ("{kind: prometheus, url: example.com}", "is not an http(s) URL"),
        ("{kind: prometheus, url: 'http://u:p@h'}", "it holds a password"),
        ("{kind: prometheus, url: 'http://h', token: abc}", "an inventory holds no secrets"),
        ("{kind: prometheus, url: 'http://h', user: ada}", "user and password belong together"),
        ("{kind: prometheus, url: 'http://h', user: a, password: env:P, token: env:T}", "give a token, or a user"),
        ("{kind: prometheus, url: 'http://h', requests: 'a b'}", "is no name of a metric"),
        ("{kind: prometheus, url: 'http://h', requests: ''}", "say what is read"),
        ("{kind: prometheus, url: 'http://h', values: {a: ' '}}", "the value a has no expression"),
        ("{kind: prometheus, url: 'http://h', host_label: a-b}", "is no name of a label"),
        ("{kind: prometheus, url: 'http://h', timeout: soon}", "is not a duration"),
        ("{kind: prometheus, url: 'http://h', hosts: {aa: 'x:1'}}", "there is no host aa: did you mean a?"),
    ],
)
def test_refused_sources(refused: Refused, source: str, says: str) -> None:
    problems = refused(prod=f"groups: {{web: {{hosts: [a]}}}}\nmetrics: {{access: {source}}}\n")
    assert any(says in problem for problem in problems), problems


def test_a_gate_of_one_host_is_judged_beside_its_source_too(refused: Refused) -> None:
    text = INVENTORY.format(gate="{source: access, status: 5xx, max: 5%}")
    text = text.replace(
        "hosts: [a]", "hosts: [{name: a, override: {api: {gates: {more: {source: acess, status: 502, max: 5%}}}}}]"
    )
    assert any("there is no metric source acess: did you mean access?" in each for each in refused(prod=text))


WATCHED = """
      e: {{source: access, status: 5xx, max: 5%}}
      p: {{source: access, percentile: 95, max: 300ms}}
      t: {{source: access, rate: requests, against: before, drop: 50%}}
    {more}
"""


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("rollback_on: {er: {over: 10%, for: 5m}}", "there is no gate er: did you mean e?"),
        ("rollback_on: {helth: {over: 10%, for: 5m}}", "there is no gate helth: did you mean health?"),
        ("rollback_on: {health: {failures: 3}}", "the app has no health URL"),
        ("rollback_on: {e: {failures: 3}}", "failures are those of health"),
        ("rollback_on: {e: {over: 1s, for: 5m}}", "requests with a status are over a percentage"),
        ("rollback_on: {p: {over: 10%, for: 5m}}", "a percentile is over a duration"),
        ("rollback_on: {t: {over: 10%, for: 5m}}", "a gate on traffic has no rule yet"),
        ("rollback_on: {e: {over: 10%}}", "write {over: 10%, for: 5m} for a gate"),
        ("rollback_on: {e: {over: 10%, form: 5m}}", "is not a key here: did you mean for?"),
        ("rollback_on: {e: {over: 10%, for: 5m, first: flag ON}}", "there is no flag ON"),
        ("rollback_on: {e: {over: 10%, for: 5m, first: ON}}", "first"),
        ("watch: [{for: 5m, every: 10m}]", "it is longer than the part"),
        ("watch: [{for: 5m}]", "every: is missing"),
    ],
)
def test_what_a_watch_cannot_do_is_refused(refused: Refused, more: str, says: str) -> None:
    text = INVENTORY.replace("\n      g: {gate}\n", WATCHED)
    problems = refused(text.format(more=more))
    assert any(says in problem for problem in problems), problems


def test_rules_of_a_watch_are_those_of_all_hosts(refused: Refused) -> None:
    text = INVENTORY.replace("\n      g: {gate}\n", WATCHED).format(more="rollback_on: {e: {over: 10%, for: 5m}}")
    text = text.replace(
        "hosts: [a]", "hosts: [b, {name: a, override: {api: {rollback_on: {e: {over: 20%, for: 5m}}}}}]"
    )
    (problem,) = refused(prod=text)
    assert "rollback_on: it differs from that of api on b: write it once" in problem


def test_a_watch_is_read(write: Write) -> None:
    more = "watch: [{for: 1h, every: 5m}, {for: 1d, every: 30m}]\n    rollback_on: {e: {over: 10%, for: 5m}}"
    text = INVENTORY.replace("\n      g: {gate}\n", WATCHED).format(more=more)
    app = load(write(prod=text).directory, "prod").app("api", "a")
    assert [(stage.for_, stage.every) for stage in app.watch] == [(3600, 300), (86400, 1800)]
    rule = app.rollback_on["e"]
    assert rule.over is not None and (rule.over.part, rule.for_) == (0.1, 300)
