"""Every service is one file that says what it is, answers without touching a host, and quotes nothing itself."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import pytest

import lockstitch
from lockstitch.model.command import Command
from lockstitch.services import service_types
from lockstitch.services.base import Service
from lockstitch.services.maintenance import Page
from lockstitch.services.release_context import ReleaseContext
from tests.services.test_state import PLACE, SETTINGS, every_service
from tests.shells import SHELLS, says

PACKAGE = Path(lockstitch.__file__).parent
# An English word, which the engine uses for a thing of its own.
NOT_A_NAME = {"command"}


def test_all_are_found_in_alphabetical_order() -> None:
    assert list(service_types()) == sorted(service_types())
    assert set(SETTINGS) <= set(service_types())


@pytest.mark.parametrize("kind", sorted(service_types()))
def test_each_has_a_file_of_its_own_name_and_tells_its_settings(kind: str) -> None:
    model = service_types()[kind]
    file = Path(inspect.getfile(model))
    assert file in (PACKAGE / "services" / f"{kind}.py", PACKAGE / "services" / kind / "__init__.py")
    assert (sys.modules[model.__module__].__doc__ or "").startswith(f"Service `{kind}`")
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert name == "kind" or field.description, f"{kind}.{name}"


def test_the_name_of_a_service_stands_nowhere_else() -> None:
    names = re.compile(rf"\b({'|'.join(sorted(set(service_types()) - NOT_A_NAME))})(?![-\w])", re.IGNORECASE)
    said = [
        f"{file.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for file in sorted((*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.sh")))
        if "services" not in file.relative_to(PACKAGE).parts
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
        if names.search(line)
    ]
    assert said == []


def commands(service: Service, place: ReleaseContext = PLACE) -> dict[str, Command]:
    """Every command that a service makes for a place."""
    made = {"probe": service.probe(place).command, "migrate": service.migrating(place, "migrate")}
    hooks = (service.prepare, service.before, service.after, service.pause_workers, service.clear_caches)
    steps = [service.reload_step(place), *(step for hook in hooks for step in hook(place))]
    made |= {step.name: step.command for step in (*steps, *filter(None, [service.check(place)]))}
    mode, queues, about = service.maintenance_mode(), service.queue(place), service.extra_probe(place)
    if mode:
        made |= {"down": mode.down(place, "run", "ada", "deploy"), "up": mode.up(place, "run"), "off": mode.off(place)}
        made |= {"on": mode.on(place, "run", "ada", Page("60", "s", "m")), "mode": mode.probe(place).command}
    if queues:
        made |= {"queue": queues.status.command, "retry": queues.retry(["all"]), "again": queues.restart}
    one = {"stop": service.stop(place), "console": service.console(place, "about"), "about": about and about.command}
    return made | {name: command for name, command in one.items() if command}


@every_service
def test_every_text_is_one_that_each_shell_can_read(service: Service) -> None:
    for command in commands(service).values():
        for shell in SHELLS:
            assert says((*shell, "-n"), command.render()) == b""


@every_service
def test_texts_are_constant(service: Service) -> None:
    """No value is pasted into a text: it is the same for another place."""
    other = type(PLACE)("other", PLACE.layout, "20270101T000000Z-ffffffffffff", "f" * 40, {"A": "b"})
    made, again = commands(service), commands(service, other)
    assert made.keys() == again.keys()
    for name, command in made.items():
        assert command.text == again[name].text
        assert PLACE.release not in command.text


@every_service
def test_it_names_the_tools_it_needs(service: Service) -> None:
    assert all(tool and "/" not in tool and " " not in tool for tool in service.tools())
