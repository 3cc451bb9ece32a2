"""Where everything of an app is."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.model.layout import Layout, LayoutKind, layout

KINDS: list[LayoutKind] = ["in_place", "releases"]
names = st.text("abc-_.0 '$", min_size=1, max_size=8).filter(lambda name: name not in (".", ".."))
paths = st.tuples(st.booleans(), st.lists(names, min_size=1, max_size=4)).map(lambda p: "/" * p[0] + "/".join(p[1]))
RELEASE = "20260101T000000Z-c55e9f800c06"


def every_path(made: Layout) -> dict[str, str]:
    inside = ("clone", "releases", "shared", "current")
    return {name: getattr(made, name) for name in (*inside, "journal", "lock", "state")} | {"it": made.release(RELEASE)}


@given(st.sampled_from(KINDS), paths)
def test_code_lies_in_the_apps_folder_and_state_beside_it(kind: LayoutKind, path: str) -> None:
    made = layout(kind, path)
    told = every_path(made)
    for name in ("clone", "releases", "shared", "current", "it"):
        assert told[name] == made.path or told[name].startswith(made.path + "/"), name
    for name in ("journal", "lock", "state"):
        assert not told[name].startswith(made.path + "/"), name
    assert posixpath.isabs(made.path) == path.startswith("/")
    assert all(posixpath.normpath(value) == value for value in told.values())


@given(st.sampled_from(KINDS), st.lists(paths, min_size=2, max_size=6, unique_by=posixpath.normpath))
def test_two_apps_never_share_a_lock(kind: LayoutKind, some: list[str]) -> None:
    assert len({layout(kind, path).lock for path in some}) == len(some)


def test_the_two_layouts() -> None:
    there = layout("in_place", "/app/api/")
    assert (there.clone, there.current, there.release(RELEASE)) == ("/app/api/.git", "/app/api", "/app/api")
    there = layout("releases", "app")
    assert there.current == "app/current"
    assert there.release(RELEASE) == f"app/releases/{RELEASE}"
    assert there.lock == ".lockstitch/app/lock.json"
    assert layout("releases", "/app", "/var/state").journal == "/var/state/journal.jsonl"


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_value(kind: LayoutKind) -> None:
    assert layout(kind, "app") == layout(kind, "./app/") == layout(kind, "x/../app")
