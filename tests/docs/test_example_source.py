"""The source of docs/adding-a-metric-source.md: it keeps the rules of all, and is judged, with nothing but its file."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lockstitch import metrics
from lockstitch.checks.metric_gates import HostMeasurement, judge_gate
from lockstitch.checks.metric_queries import gate_queries
from lockstitch.engine.read_sources import read_sources
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.metrics.base import Source
from lockstitch.metrics.measurement import Window
from tests.docs.test_docs import EXAMPLE_SOURCE, fenced
from tests.local import LocalRemote
from tests.metrics.rules import RULES, examples


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example, lying where sources are found."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "spool.py").write_text(fenced(EXAMPLE_SOURCE, "python")[0])
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "__path__", [*metrics.__path__, str(folder)])
        importlib.invalidate_caches()
        yield importlib.import_module("lockstitch.metrics.spool")
        sys.modules.pop("lockstitch.metrics.spool", None)
        metrics.__dict__.pop("spool", None)


def verdicts(root: Path, remote: LocalRemote) -> dict[str, str]:
    (fleet,) = select(InventoryFolder(root / "hosts"), "box").fleets
    measured = read_sources(remote, gate_queries(fleet, lambda query: (Window(-60), Window(-120, -60))))
    ((host, app),) = fleet.sites()
    hosts = [HostMeasurement(host.name, True, measured["api", "orders", host.name], 60.0)]
    return {name: judge_gate(name, gate, hosts).answer.value for name, gate in app.gates.items()}


def test_the_example_source_is_judged_on_a_real_folder(spool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts" / "box.yml").write_text(fenced(EXAMPLE_SOURCE, "yaml")[0])
    remote = LocalRemote(tmp_path / "homes")
    assert verdicts(tmp_path, remote) == {"late": "blind", "files": "blind"}, "there is no folder"
    waiting = remote.home("api1.example.com") / "spool"
    waiting.mkdir()
    assert verdicts(tmp_path, remote) == {"late": "few", "files": "pass"}
    for number in range(100):
        (waiting / str(number)).touch()
    assert verdicts(tmp_path, remote) == {"late": "pass", "files": "pass"}
    for number in range(20):
        os.utime(waiting / str(number), (time.time() - 900,) * 2)
    for number in range(100, 201):
        (waiting / str(number)).touch()
    assert verdicts(tmp_path, remote) == {"late": "fail", "files": "fail"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_example_source_keeps_the_rules_of_all(spool: ModuleType, rule: Callable[[Source], None]) -> None:
    (source,) = examples(spool.Spool)
    rule(source)


def test_the_example_of_a_test_passes(spool: ModuleType) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(fenced(EXAMPLE_SOURCE, "python")[1], "tests/metrics/test_spool.py", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert tests
    for each in tests:
        each()
