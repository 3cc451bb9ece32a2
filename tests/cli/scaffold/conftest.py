"""Somebody who has installed the wheel, and nothing of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.scaffold.newcomer import Newcomer
from tests.wheels import unpacked


@pytest.fixture
def newcomer(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    return Newcomer(tmp_path, unpacked(tmp_path_factory))
