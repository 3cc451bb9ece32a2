"""Every service that is found keeps every rule, by the examples that its own file has."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import lockstitch
from lockstitch.services import service_types
from lockstitch.services.base import Service
from tests.services.rules import RULES, examples

PACKAGE = Path(lockstitch.__file__).parent
# An English word, which the engine uses for a thing of its own.
NOT_A_NAME = {"command"}
# A source of numbers names the programs whose logs it reads, and a dialect of environment files the one that reads it.
SPEAKS_OF = {"nginx": Path("metrics/access_log"), "systemd": Path("model/env_file.py")}


def test_all_are_found_in_alphabetical_order_with_an_example_each() -> None:
    assert list(service_types()) == sorted(service_types())
    assert [kind for kind, model in service_types().items() if not model.examples] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(
    "service",
    [service for kind in service_types() for service in examples(kind)],
    ids=lambda service: service.kind,
)
def test_every_service(rule: Callable[[Service], None], service: Service) -> None:
    rule(service)


def test_the_name_of_a_service_stands_nowhere_else() -> None:
    names = re.compile(rf"\b({'|'.join(sorted(set(service_types()) - NOT_A_NAME))})(?![-\w])", re.IGNORECASE)
    said = [
        f"{file.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for file in sorted((*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.sh")))
        if "services" not in file.relative_to(PACKAGE).parts
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
        for name in map(str.lower, names.findall(line))
        if SPEAKS_OF.get(name) not in (file.parent.relative_to(PACKAGE), file.relative_to(PACKAGE))
    ]
    assert said == []
