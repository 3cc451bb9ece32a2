"""Worlds for the engine's tests, each made in milliseconds from one repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lockstitch.model.layout import LayoutKind
from tests.engine.world import World, copied, make_repository

MakeWorld = Callable[..., World]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("template") / "origin"
    make_repository(repository, ("v1", "v2", "v3", "v4"))
    return repository


@pytest.fixture(params=["in_place", "releases"])
def layout(request: pytest.FixtureRequest) -> LayoutKind:
    kind: LayoutKind = request.param
    return kind


@pytest.fixture
def make_world(tmp_path: Path, template: Path) -> MakeWorld:
    """Makes worlds of a layout: `make_world("releases", min_free="1T")`."""
    made = 0

    def make(layout: LayoutKind, **settings: str) -> World:
        nonlocal made
        made += 1
        return copied(template, tmp_path / f"world{made}", layout, **settings)

    return make


@pytest.fixture
def world(make_world: MakeWorld, layout: LayoutKind) -> World:
    """A world where nothing is deployed yet; a test that takes it runs for both layouts."""
    return make_world(layout)


@pytest.fixture
def any_world(make_world: MakeWorld) -> World:
    """A world of the layout with folders, for what does not depend on the layout."""
    return make_world("releases")
