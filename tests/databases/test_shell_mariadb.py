"""`fab database.shell` with MariaDB's client; what has nothing to do with the engine is in test_shell.py."""

from __future__ import annotations

import pytest

from tests.databases.engines import only_mariadb
from tests.databases.test_shell import Place, Terminal, gone, opened, passes_from_its_beginning_to_its_end, place

__all__ = ["place"]
pytestmark = [only_mariadb, pytest.mark.parametrize("place", ["local", "openssh"], indirect=True)]


def test_a_session_from_its_beginning_to_its_end(place: Place) -> None:
    sessions = "SELECT user FROM information_schema.processlist WHERE db = 'shop'"
    passes_from_its_beginning_to_its_end(place[0], "app", sessions)


def test_a_closed_terminal_leaves_nothing(place: Place) -> None:
    project, _ = place
    terminal, folder = opened(project)
    assert terminal.hang_up() == 130
    gone(folder)


def test_an_interrupt_is_for_the_query(place: Place) -> None:
    project, _ = place
    terminal, folder = opened(project)
    terminal.type("SELECT SLEEP(60);\n")
    project.server.until("SELECT count(*) FROM information_schema.processlist WHERE state = 'User sleep'")
    terminal.type("\x03")
    project.server.until("SELECT count(*) = 0 FROM information_schema.processlist WHERE state = 'User sleep'")
    terminal.until("> ")
    terminal.type("SELECT 6 * 7 AS still;\n")
    terminal.until("42")
    terminal.type("\\q\n")
    assert terminal.ended() == 0 and not folder.exists()


def test_one_that_is_not_let_in_is_told(place: Place) -> None:
    project, _ = place
    project.env["SHOP"] = project.env["SHOP"].replace("/shop", "/gone")
    terminal = Terminal(project, "database.shell")
    assert terminal.ended() == 7 and "Access denied" in terminal.said and "'gone'" in terminal.said
    assert list(project.tmp.iterdir()) == []
