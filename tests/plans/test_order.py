"""The order of a deploy and of a rollback: one list for each layout, shown in the documentation as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lockstitch.plans.deploy_order import DEPLOY, ROLLBACK

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
HEADING = "## The order of a deploy"


def shown() -> Iterator[str]:
    """Yield the lists as the page is to hold them."""
    for title, orders in (("Deploy", DEPLOY), ("Rollback", ROLLBACK)):
        for kind, order in orders.items():
            yield f"### {title}, `layout: {kind}`\n\n" + "\n".join(order.lines())


def test_the_documentation_shows_the_order_of_the_code() -> None:
    section = PAGE.read_text().partition(f"{HEADING}\n")[2].partition("\n## ")[0]
    lists = re.split(r"\n(?=### )", section.strip())[1:]
    assert [text.strip() for text in lists] == list(shown())


def test_both_layouts_have_the_same_phases_of_the_fleet() -> None:
    for orders in (DEPLOY, ROLLBACK):
        first, second = ([(phase.name, phase.hosts) for phase in order.fleet] for order in orders.values())
        assert first == second
