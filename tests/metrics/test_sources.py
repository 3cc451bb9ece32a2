"""Every metric source that there is keeps the rules of all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lockstitch.metrics.base import Source, source_types
from tests.metrics.rules import RULES, examples


def test_they_are_in_order_and_have_examples() -> None:
    assert list(source_types()) == sorted(source_types())
    assert all(model.examples for model in source_types().values())


@pytest.mark.parametrize("kind", source_types())
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rules(kind: str, rule: Callable[[Source], None]) -> None:
    for source in examples(source_types()[kind]):
        rule(source)
