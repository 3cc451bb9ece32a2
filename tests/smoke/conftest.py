"""The sample application, once for all tests of a process, and a project for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smoke.world import Desk, Office


@pytest.fixture(scope="session")
def open_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office") / "home")
    yield office
    office.close()


@pytest.fixture
def office(open_office: Office) -> Office:
    open_office.reset()
    return open_office


@pytest.fixture
def desk(tmp_path: Path, office: Office) -> Desk:
    return Desk(tmp_path / "desk", office.url)
