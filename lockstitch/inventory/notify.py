"""Models of `notify`: the channels, and which of them is told of what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from lockstitch.inventory.settings import AnyKey, Settings, wrong
from lockstitch.inventory.types import Name
from lockstitch.model.notice import NoticeEvent
from lockstitch.model.plan import RunKind
from lockstitch.notifications import Channel, channel_types

AnyChannel = Annotated[Channel, AnyKey(channel_types)]
ChannelNames = tuple[Name, ...]


class NoticeRules(Settings):
    """The channels that are told of each event, by their names. A channel that was told the beginning of a run is told
    its end, whichever it is."""

    begun: ChannelNames = Field(default=(), description="the first change of a run is about to be made")
    success: ChannelNames = Field(
        default=(), alias="done", description="a run is done; where a watch follows, once that has ended"
    )
    failed: ChannelNames = Field(
        default=(),
        description="a run failed: it was put back, needs a person, or was killed; or its watch did not pass",
    )
    rolled_back: ChannelNames = Field(
        default=(), description="a run failed and was put back, a watch took its release back, or a rollback is done"
    )
    refused: ChannelNames = Field(default=(), description="a run was refused after it was told that it has begun")
    interrupted: ChannelNames = Field(default=(), description="a run or its watch was interrupted")
    needs_person: ChannelNames = Field(default=(), description="a run failed, and hosts need a person")
    killed: ChannelNames = Field(
        default=(), description="the process of a run was killed; told by the next command that sees that"
    )
    day: ChannelNames = Field(default=(), description="the summary of a day, which `report --day --send` sends")

    waiting: ChannelNames = Field(default=(), description="the run of a runbook waits for a person, or for its window")

    def channels(self, events: Iterable[NoticeEvent]) -> tuple[str, ...]:
        """Return the channels that are told of any of these events, each once."""
        return tuple(dict.fromkeys(name for event in events for name in self.of(event)))

    def of(self, event: NoticeEvent) -> tuple[str, ...]:
        """Return the channels that are told of one event."""
        return tuple(getattr(self, "success" if event == "done" else event, ()))


class NotifySettings(Settings):
    """The channels that are told of runs, and of what: [notifications](notifications.md)."""

    to: dict[Name, AnyChannel] = Field(default={}, description="the channels by name; each has one of these keys")
    when: NoticeRules = Field(default_factory=NoticeRules, description="the channels that are told, by event")
    runs: tuple[Literal[RunKind, "runbook"], ...] = Field(
        default=("deploy", "rollback"), description="the kinds of runs that are told"
    )

    @model_validator(mode="after")
    def _known(self) -> NotifySettings:
        for event in get_args(NoticeEvent):
            for name in self.when.of(event):
                if name not in self.to:
                    raise wrong(f"when/{event}", f"there is no channel {name}: write it under `to`")
        return self
