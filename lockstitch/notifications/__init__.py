"""Channels that notices are sent to: every module in this folder that defines one is found.

A channel is a pydantic model of its settings. The field that is named as the module stands for it in inventories: a
mapping that has the key is such a channel.
"""

from __future__ import annotations

from functools import cache

from lockstitch.model.plugins import classes_in
from lockstitch.notifications.base import Channel


@cache
def channel_types() -> dict[str, type[Channel]]:
    """Return every channel by its key, in alphabetical order."""
    types = {channel.key: channel for channel in classes_in(__name__, Channel) if channel.key}
    return dict(sorted(types.items()))


__all__ = ["Channel", "channel_types"]
