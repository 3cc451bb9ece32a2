"""Lines of `metrics` for each kind of number."""

from __future__ import annotations

from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.measurement import Durations, Measurement, Requests
from lockstitch.report.metrics import metrics_json, metrics_text

MEASURED = {
    "access": {
        "a": Measurement((Requests({200: 9, 500: 1}, Durations(10, {}, {}, {}, {(0.1, 0.25): 10})),), "combined"),
        "b": Measurement(blind="no such file", hint="look"),
    },
    "orders": {"a": Measurement((Requests(share=Proportion(3, 120)),), "3 of 120")},
    "host": {"a": Measurement((Requests(),), "memory 45 %", values={"memory": 0.45})},
    "logs": {"a": Measurement((Requests(records={"ERROR": Proportion(1, 9)}),), "1 of 9 records match ERROR")},
}


def test_text() -> None:
    lines = [" ".join(line.split()) for line in metrics_text(MEASURED, 600).splitlines()]
    for line in (
        "access a 10 1 100 ms to 250 ms ≥ 100 ms combined",
        "access b ? ? ? ? cannot be read",
        "orders a - - - - 3 of 120",
        "host a - - - - memory 45 %",
        "logs a - - - - 1 of 9 records match ERROR",
        "access on b cannot be read: no such file",
    ):
        assert any(each.startswith(line) or each == line for each in lines), (line, lines)


def test_json() -> None:
    sources = metrics_json(MEASURED, 7)["sources"]
    assert sources["access"]["a"]["statuses"] == {"200": 9, "500": 1}
    assert sources["orders"]["a"]["share"] == [3, 120]
    assert sources["host"]["a"]["values"] == {"memory": 0.45}
    assert sources["logs"]["a"]["records"] == {"ERROR": [1, 9]}
    assert sources["access"]["b"] == {"blind": "no such file", "hint": "look"}
