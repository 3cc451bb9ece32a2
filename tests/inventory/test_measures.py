"""`measure` of an app: kinds by name, and what does not fit is said with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockstitch.errors import InventoryError
from lockstitch.inventory.load import load
from lockstitch.measures.base import measure_types

BASE = """\
groups: {g: {hosts: [a], apps: [api]}}
apps:
  api:
    repository: git@example.com:acme/api.git
    path: srv/api
    service: {kind: dummy, unit: api}
    secrets: {VAPI_API_KEY: "env:VAPI_API_KEY"}
    %s
    measure:
      %s
"""
HEALTH = 'health: {url: "http://localhost:8000/healthz"}'


def loaded(folder: Path, measure: str, more: str = HEALTH) -> dict[str, str]:
    """Return the kind of each measure by name."""
    (folder / "prod.yml").write_text(BASE % (more, measure))
    return {name: str(each.kind) for name, each in load(folder, "prod").app("api", "a").measure.items()}  # type: ignore[attr-defined]


def test_the_kind_is_the_name_or_what_is_written(tmp_path: Path) -> None:
    lines = [
        "health: {url: /healthz, p95: 100ms}",
        "bundle: {path: dist, never: [VAPI_API_KEY]}",
        "pages: {kind: bundle, path: public, total: 2MB}",
        "lighthouse: {url: https://www.example.com/, min: 95}",
        "redis: {p95: 5ms}",
        "suite: {kind: command, run: npm test}",
    ]
    assert loaded(tmp_path, "\n      ".join(lines)) == {
        "health": "http",
        "bundle": "bundle",
        "pages": "bundle",
        "lighthouse": "lighthouse",
        "redis": "redis",
        "suite": "command",
    }


@pytest.mark.parametrize("kind", list(measure_types()))
def test_examples_of_each_kind(kind: str) -> None:
    model = measure_types()[kind]
    assert model.examples and [model.model_validate({"kind": kind, **example}) for example in model.examples]


@pytest.mark.parametrize(
    ("measure", "more", "says"),
    [
        ("health: {url: /healthz, p59: 1s}", HEALTH, ":10: apps.api.measure.health.p59: is not a key here: did you mean p99?"),
        ("health: {p95: 1s}", HEALTH, ":10: apps.api.measure.health.url: is missing"),
        ("health: {kind: bundel, path: x}", HEALTH, "'bundel' is not one of bundle, command, http, lighthouse, redis: did you mean"),
        ("health: 100ms", HEALTH, ":10: apps.api.measure.health: it should be a mapping"),
        ("health: {url: /healthz}", "logs: []", ":10: apps.api.measure.health.url: it is a path on the server of the app's health"),
        ("health: {url: /healthz, from: here}", HEALTH, ":10: apps.api.measure.health.from: api has its health URL on each host"),
        ("health: {url: /healthz, gate: true}", HEALTH.replace("localhost", "api.example.com"), ":10: apps.api.measure.health.url: a gate asks each host itself"),
        ("health: {url: 'http://localhost.example.com/', gate: true}", HEALTH, "a gate asks each host itself: write a path"),
        ("health: {url: 'http://127.example.com/', gate: true}", HEALTH, "a gate asks each host itself: write a path"),
        ("bundle: {path: dist, never: [VAPI_KEY]}", HEALTH, ":10: apps.api.measure.bundle.never[0]: api has no secret VAPI_KEY: did you mean VAPI_API_KEY?"),
        ("bundle: {path: dist, max_chunk: 5 GB}", HEALTH, ":10: apps.api.measure.bundle.max_chunk: '5 GB' is not a size"),
        ("redis: {p95: 1s, samples: 5}", HEALTH, ":10: apps.api.measure.redis.samples: it should be 60 or more"),
    ],
)  # fmt: skip
def test_what_does_not_fit(tmp_path: Path, measure: str, more: str, says: str) -> None:
    with pytest.raises(InventoryError) as caught:
        loaded(tmp_path, measure, more)
    assert says in str(caught.value)
