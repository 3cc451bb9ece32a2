"""Rules that every service keeps. Each takes a service and raises AssertionError where it does not keep it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict
from lockstitch.model.layout import layout
from lockstitch.services import service_types
from lockstitch.services.base import Service
from lockstitch.services.maintenance import Page
from lockstitch.services.release_context import ReleaseContext
from tests.shells import SHELLS, says

PLACE = ReleaseContext("api", layout("releases", "/app"), "20260101T000000Z-c55e9f800c06", "c55e9f80" * 5, {})
# What a probe may print for a service that runs the release.
GOOD = """boot 1700000000
reloaded 5000
release /app/releases/R2
running active running
process master 10 100 /app/releases/R1
process worker 11 5000 /app/releases/R2
process worker 12 5003 /app/releases/R2/sub folder
also instance 0 online 3 60000"""
WORDS = [
    "process worker",
    "process",
    "running",
    "down",
    "reloaded",
    "boot",
    "release",
    "also before",
    "also instance",
    "also",
]
BITS = ["", "0", "1", "-1", "²", "9" * 5000, "online", "errored", "/x", "/app/releases/R2", "x"]
line = st.tuples(st.sampled_from(WORDS), st.lists(st.sampled_from(BITS) | st.text(max_size=6), max_size=5)).map(
    lambda words: " ".join([words[0], *words[1]])
)
answers = st.one_of(
    st.text(max_size=60),
    st.lists(line | st.sampled_from(GOOD.split("\n")), max_size=10).map("\n".join),
)


def examples(kind: str) -> list[Service]:
    """Return a service for each example of settings that its file has."""
    model = service_types()[kind]
    return [model.model_validate({"kind": kind, **settings}) for settings in model.examples]


def judged(service: Service, text: str, code: int = 0) -> Verdict:
    """Return the service's judgement of what its probe prints."""
    return service.judge(service.probe(PLACE).parse(text, code))


def step_names(service: Service) -> tuple[list[str], ...]:
    """Return the names of the steps that stop it, start it and restart it."""
    hooks = (service.stopping, service.starting, service.restarting)
    return tuple([step.name for step in hook(PLACE)] for hook in hooks)


def commands(service: Service, place: ReleaseContext = PLACE) -> dict[str, Command]:
    """Return every command that a service makes for a place."""
    made = {"probe": service.probe(place).command, "migrate": service.migrating(place, "migrate")}
    hooks = (service.prepare, service.before, service.after, service.pause_workers, service.resume_workers)
    changes = (service.clear_caches, service.stopping, service.starting, service.restarting)
    steps = [service.reload_step(place), *(step for hook in (*hooks, *changes) for step in hook(place))]
    steps += filter(None, [service.check(place), service.configuration_test(place)])
    made |= {step.name: step.command for step in steps}
    mode, queues, about = service.maintenance_mode(), service.queue(place), service.extra_probe(place)
    if mode:
        made |= {"down": mode.down(place, "run", "ada", "deploy"), "up": mode.up(place, "run"), "off": mode.off(place)}
        made |= {"on": mode.on(place, "run", "ada", Page("60", "s", "m")), "mode": mode.probe(place).command}
    if queues:
        made |= {"queue": queues.status.command, "retry": queues.retry(["all"]), "again": queues.restart}
    made |= {f"log {number}": log.ask for number, log in enumerate(service.logs(place)) if log.ask}
    made |= {probe.name: probe.command for probe in (about, service.rights(place)) if probe}
    others = {"stop it": service.stop(place), "console": service.console(place, "about")}
    return made | {name: command for name, command in others.items() if command}


def has_a_file_of_its_own_kind_and_tells_its_settings(service: Service) -> None:
    model, kind = type(service), service.kind  # type: ignore[attr-defined]
    file = Path(inspect.getfile(model))
    assert (file.parent / file.stem).parts[-2:] in (("services", kind), (kind, "__init__"))
    assert (sys.modules[model.__module__].__doc__ or "").startswith(f"Service `{kind}`")
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert name == "kind" or field.description, f"{kind}.{name}"


def prints_what_any_shell_can_read(service: Service) -> None:
    for command in commands(service).values():
        for shell in SHELLS:
            assert says((*shell, "-n"), command.render()) == b""


def pastes_no_value_into_a_text(service: Service) -> None:
    """A text is the same for another place."""
    other = type(PLACE)("other", PLACE.layout, "20270101T000000Z-ffffffffffff", "f" * 40, {"A": "b"})
    made, again = commands(service), commands(service, other)
    assert made.keys() == again.keys()
    for name, command in made.items():
        assert command.text == again[name].text
        assert PLACE.release not in command.text


def names_the_tools_it_needs(service: Service) -> None:
    assert all(tool and "/" not in tool and " " not in tool for tool in service.tools())


def starts_and_restarts_what_it_can_stop(service: Service) -> None:
    stopping, starting, restarting = step_names(service)
    assert starting == ["start"]
    if stopping:
        assert stopping == ["stop"]
        assert restarting in (["restart"], ["stop", "start"])
    else:
        assert not restarting


def restarts_a_unit_with_what_depends_on_it(service: Service) -> None:
    if service.systemd_units():
        (step,) = service.restarting(PLACE)
        assert "ls_take restart" in step.command.text
        assert "systemctl restart" in step.description


def judges_any_answer(service: Service) -> None:
    @given(text=answers, code=st.integers(0, 255))
    def judge(text: str, code: int) -> None:
        state = service.probe(PLACE).parse(text, code)
        verdict = service.judge(state)
        assert isinstance(verdict, Verdict)
        assert verdict.reason
        assert state.since is None or state.since >= 0
        if code != 0 or not state.running:
            assert not verdict.passed, "what does not run or could not be asked never passes"

    judge()


def takes_no_answer_for_a_bad_one(service: Service) -> None:
    for text, code in (("", 1), ("sh: not found", 127), ("", 255)):
        assert not judged(service, text, code).passed


RULES: tuple[Callable[[Service], None], ...] = (
    has_a_file_of_its_own_kind_and_tells_its_settings,
    prints_what_any_shell_can_read,
    pastes_no_value_into_a_text,
    names_the_tools_it_needs,
    starts_and_restarts_what_it_can_stop,
    restarts_a_unit_with_what_depends_on_it,
    judges_any_answer,
    takes_no_answer_for_a_bad_one,
)
