"""Service `nginx`: its unit, whose configuration is tested before it is reloaded or restarted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lockstitch.model.shell import shell_text
from lockstitch.services.systemd import Systemd
from lockstitch.services.systemd_unit import UNIT_NAME

_TEST = shell_text(__package__, "test.sh")


class Nginx(Systemd):
    """nginx, for an app that holds its configuration. What `nginx -t` does not accept is never given to it."""

    examples = ({}, {"unit": "openresty", "reload": "restart", "test": "sudo openresty -t"})

    kind: Literal["nginx"]  # type: ignore[assignment]
    unit: str = Field("nginx", description="name of its systemd unit", pattern=UNIT_NAME)
    reload: Literal["reload", "restart", "reload-or-restart"] = Field(
        "reload", description="the systemctl verb that makes it take a changed configuration"
    )
    test: str | None = Field(None, description="line that tests the configuration; otherwise `nginx -t`, through sudo")

    def test_text(self) -> str:
        return super().test_text() or _TEST
