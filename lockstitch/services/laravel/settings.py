"""The settings of service `laravel`, part by part."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from lockstitch.services.maintenance import MaintenanceWhen
from lockstitch.services.systemd_unit import UNIT_NAME

Cache = Literal["config", "route", "view", "event"]
_REFERENCE = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|cmd:.+)$"
WORD = r"^[^-\s]\S*$"
_Seconds = Annotated[StrictInt, Field(gt=0)]
_Count = Annotated[StrictInt, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MaintenanceSettings(_Part):
    """Maintenance by artisan: at which deploys, and the options of `artisan down`."""

    when: MaintenanceWhen = Field(
        "never", description="at which deploys: `never`, `migrations` (when one is pending), `always`"
    )
    secret: str | None = Field(
        None, description="reference (`env:NAME`, …) of the secret that passes the page", pattern=_REFERENCE
    )
    retry: _Seconds | None = Field(None, description="seconds, for the header Retry-After")
    refresh: _Seconds | None = Field(None, description="seconds after which the browser loads the page again")
    render: str | None = Field(None, description="view that is the page, such as `errors::503`", pattern=WORD)
    status: Annotated[StrictInt, Field(ge=100, le=599)] | None = Field(None, description="HTTP status of the page")
    redirect: str | None = Field(None, description="path that every request is sent to", pattern=WORD)
    except_: str | None = Field(None, alias="except", description="path that stays open, where artisan knows that")


class QueueSettings(_Part):
    """Queue workers: each deploy ends them after their job, and their supervisor starts them again in the new code."""

    restart: bool = Field(True, description="tell the workers with `artisan queue:restart`")
    horizon: Literal["auto", "always", "never"] = Field(
        "auto", description="end Horizon with `horizon:terminate`; `auto`: where the app has it"
    )
    settle: _Seconds = Field(60, description="seconds that old workers have to end their job; one still at it is named")
    start_timeout: _Seconds = Field(
        30, description="seconds that workers which ended then have to be back, beside the RestartSec of systemd units"
    )
    workers: _Count | None = Field(
        None, description="workers that must run on each host afterwards; otherwise as many as ran before"
    )
    names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+$")], ...] = Field(
        ("default",), description="queues whose sizes are shown, beside those that workers name"
    )


class FpmSettings(_Part):
    """php-fpm, which runs the app's PHP for the web server."""

    unit: str = Field(description="its systemd unit, such as `php8.2-fpm`", pattern=UNIT_NAME)
    test: str | None = Field(
        None, description="line that tests its configuration before a reload or a restart, such as `sudo php-fpm8.2 -t`"
    )
    settle: _Seconds = Field(60, description="seconds until old workers must have ended their requests")
