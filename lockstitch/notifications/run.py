"""Channel `run`: a command of the user's own on this machine, with the notice as JSON on stdin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.model.command import Value
from lockstitch.model.notice import Notice, NoticeRefusedError
from lockstitch.notifications.base import Channel, WebSender
from lockstitch.notifications.webhook import notice_json

# In seconds: it is ended before its channel is given up.
_PATIENCE = 9.0


class CommandChannel(Channel):
    """A line for `sh`, which runs where `fab` is typed. It fails where its exit code is not 0."""

    key = "run"
    example: ClassVar[Mapping[str, Any]] = {"run": "/opt/acme/tell"}

    run: str = Field(description="the command; it gets the notice as one line of JSON on stdin", min_length=1)

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        # Start-up: only such a channel needs them.
        import os
        import signal
        import subprocess

        # What it prints may be anything, and is in no notice and no record.
        process = subprocess.Popen(
            ["/bin/sh", "-c", self.run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.communicate(f"{json.dumps(notice_json(notice), ensure_ascii=False)}\n".encode(), _PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise NoticeRefusedError(f"it was ended, because it took longer than {_PATIENCE:g} s") from None
        if process.returncode:
            raise NoticeRefusedError(f"it ended with exit code {process.returncode}")
        return ""
