"""Models of `runbooks/NAME.yml`: the stages of a runbook, what must hold before, and what undoes them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from lockstitch.inventory.requires import Needs
from lockstitch.inventory.settings import AlternativeForm, Settings, wrong
from lockstitch.inventory.types import DURATION_FORM, Name, PositiveDuration, WebUrl, plain, text
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.window import ChangeWindow

_FIELD = re.compile(r"\{([A-Za-z0-9][A-Za-z0-9._-]*)\}")
Risk = Literal["low", "medium", "high"]


def _command(value: str) -> str | None:
    if said := plain(value):
        return said
    try:
        words = shlex.split(value)
    except ValueError:
        return f"{value!r} has a quote without an end"
    if not words or words[0].startswith("-"):
        return f"{value!r} does not begin with a command"
    named = words[0] in ("fab", "sh", "bash", "ssh", "sudo")
    return f"{value!r}: write what stands after `fab -H ENV`, such as `deploy --only api`" if named else None


def _lines(value: str) -> str | None:
    return "it is empty" if not value.strip() else "it holds a NUL character" if "\0" in value else None


Line = Annotated[str, text("text", plain)]
Lines = Annotated[str, text("text", _lines)]
TypedCommand = Annotated[str, text("command", _command)]
Role = Annotated[str, text("role", plain)]


def _several(written: Any) -> Any:
    return [written] if isinstance(written, str) else written


TypedCommands = Annotated[tuple[TypedCommand, ...], AlternativeForm(_several, {"type": "string"})]
StageChannels = Annotated[tuple[Name, ...], AlternativeForm(_several, {"type": "string"})]
StandsIn = Annotated[tuple[Name, ...], AlternativeForm(_several, {"type": "string"})]


class ExpectedTimes(Settings):
    """Times that were planned. Each is compared with the real one."""

    stage: PositiveDuration | None = Field(default=None, description="how long the stage takes")
    rollback_start: PositiveDuration | None = Field(
        default=None, description="from the failure of the stage to the beginning of its `undo`"
    )
    rollback: PositiveDuration | None = Field(default=None, description="how long its `undo` takes")


def _stage_time(written: Any) -> Any:
    return {"stage": written} if isinstance(written, str | int | float) and not isinstance(written, bool) else written


StageTimes = Annotated[ExpectedTimes, AlternativeForm(_stage_time, DURATION_FORM)]


class StartDelay(Settings):
    """The time that a stage begins after another one has ended."""

    stage: Name | None = Field(default=None, description="the other stage (default: the one before)")
    seconds: PositiveDuration = Field(alias="for", description="how long after its end")


def _delay(written: Any) -> Any:
    return {"for": written} if isinstance(written, str | int | float) and not isinstance(written, bool) else written


Delay = Annotated[StartDelay, AlternativeForm(_delay, DURATION_FORM)]


class StageSettings(Settings):
    """One stage: a sign-off, commands, a text for a person, or a notice."""

    run: TypedCommands = Field(default=(), description="commands as they are typed after `fab -H ENV`, in this order")
    tell: Lines | None = Field(
        default=None,
        description="what a person does; without `run` or `sign` the runbook waits until that is confirmed",
    )
    sign: Line | None = Field(default=None, description="what a person signs for")
    role: Role | None = Field(default=None, description="the role that the signer must have")
    barred: tuple[Literal["author", "operator"], ...] = Field(
        default=(), alias="not", description="who may not sign: `author` of the commits, `operator` of the run"
    )
    lasts: PositiveDuration | None = Field(default=None, description="how long the sign-off is valid")
    stands_in: StandsIn = Field(
        default=(), alias="for", description="needs in whose place it is signed, where they are inconclusive"
    )
    of: Literal["plan"] | None = Field(default=None, description="`plan`: another plan makes the sign-off void")
    notify: StageChannels = Field(default=(), description="channels of `notify` of the inventory that are told `text`")
    text: Line | None = Field(default=None, description="the text of `notify`; `{ref}` and the like are filled in")
    after: Delay | None = Field(
        default=None, description="begin so long after the end of the stage before; the command waits until then"
    )
    expect: StageTimes = Field(default_factory=ExpectedTimes, description="planned time; a longer one is told")
    watch: PositiveDuration | None = Field(
        default=None, description="watch the release so long after the commands, with `watch --for`"
    )
    risk: Risk | None = Field(default=None, description="shown with the stage")
    links: dict[Line, WebUrl] = Field(default={}, description="documents and dashboards, shown with the stage")
    environment: Name | None = Field(default=None, description="another environment, such as `staging`")
    visible: bool | None = Field(
        default=None,
        description="whether the window is checked before it (default: if a command of it changes something)",
    )

    @model_validator(mode="after")
    def _whole(self) -> StageSettings:
        if not (self.run or self.tell or self.sign or self.notify or self.watch):
            raise wrong("", "it does nothing: give it run, tell, sign, notify or watch")
        if self.sign and (self.run or self.watch or self.notify):
            raise wrong("sign", "a sign-off is a stage of its own: the next one can run what was signed")
        if not self.sign:
            for key, value in (
                ("role", self.role),
                ("not", self.barred),
                ("lasts", self.lasts),
                ("of", self.of),
                ("for", self.stands_in),
            ):
                if value:
                    raise wrong(key, "it belongs to `sign`, which this stage lacks")
        if bool(self.notify) != bool(self.text):
            raise wrong("text" if self.text else "notify", "`notify` and `text` belong together")
        return self


@dataclass(frozen=True)
class Stage:
    """A stage with its name, and the commands that undo it."""

    name: str
    settings: StageSettings
    undo: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands in their order, with the watch that `watch:` asks for."""
        watch = self.settings.watch
        return (*self.settings.run, *((f"watch --for {watch:g}s",) if watch else ()))

    @property
    def is_confirmed(self) -> bool:
        """Tell whether a person confirms by hand that it is done."""
        return bool(self.settings.tell) and not (self.settings.sign or self.commands)


class RunbookSettings(Settings):
    """A runbook: what must hold, when it may change something, its stages, and what undoes them."""

    title: Line | None = Field(default=None, description="what it is for")
    owner: Line | None = Field(default=None, description="who keeps it up to date")
    needs: Needs = Field(
        default=(), description="what must be shown of the revisions before they are released: [evidence](evidence.md)"
    )
    window: ChangeWindow | None = Field(default=None, description="when a stage that changes something may begin")
    roles: dict[Name, Line] = Field(
        default={}, description="who has which role, such as `on-call`: shown, and carried by every notice"
    )
    links: dict[Line, WebUrl] = Field(default={}, description="documents and dashboards")
    fields: tuple[Name, ...] = Field(
        default=(), description="what whoever begins it must say, with `--set severity=high`; `{severity}` in texts"
    )
    steps: tuple[dict[Name, StageSettings], ...] = Field(
        alias="stages", min_length=1, description="the stages in their order, each `- NAME: {…}`"
    )
    undo: dict[Name, TypedCommands] = Field(default={}, description="the commands that undo a stage, by its name")

    @model_validator(mode="after")
    def _fits(self) -> RunbookSettings:
        names: list[str] = []
        for number, step in enumerate(self.steps):
            if len(step) != 1:
                raise wrong(f"stages/{number}", "one stage an entry: write `- NAME: {…}`")
            name, stage = next(iter(step.items()))
            if name in names:
                raise wrong("stages", f"the stage {name} is there twice")
            if stage.after and stage.after.stage and stage.after.stage not in names:
                raise wrong("stages", f"{name} begins after {stage.after.stage}, which is no stage before it")
            if unknown := [key for key in stage.stands_in if key not in {need.key for need in self.needs}]:
                raise wrong("stages", f"{name} is signed for {unknown[0]}, which is not among `needs`")
            names.append(name)
        for name in self.undo:
            if name not in names:
                raise wrong(f"undo/{name}", f"there is no stage {name}")
        return self

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in their order."""
        return tuple(Stage(name, each, self.undo.get(name, ())) for step in self.steps for name, each in step.items())


def published_runbook() -> dict[str, Any]:
    """Return the JSON Schema of a runbook's file, for editors."""
    # Start-up: only `python -m lockstitch schema` and the docs ask for it.
    from lockstitch.inventory.schema import published_model

    return published_model(RunbookSettings, "Lockstitch runbook")


def command_words(line: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words of a command, with `{ref}` and the like filled in: a value never becomes several words."""
    return tuple(filled_line(word, values) for word in shlex.split(line))


def filled_line(line: str, values: Mapping[str, str]) -> str:
    """Return a text in which each known `{name}` is replaced by its value; others stay as they are."""
    return _FIELD.sub(lambda match: values.get(match[1], match[0]), line)
