"""Channel `release`: a release of Sentry for each app, and that it was deployed to the environment.

Format: https://docs.sentry.io/api/releases/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from lockstitch.metrics.settings import Reference, Url
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice
from lockstitch.notifications.base import Channel, WebSender, accepted, value_of

_SLUG = r"^[A-Za-z0-9_-]+$"


class ReleaseProject(BaseModel):
    """The project of Sentry that gets the release."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    org: str = Field(description="the organization", pattern=_SLUG)
    project: str = Field(description="the project", pattern=_SLUG)
    app: str = Field("", description="only the revision of this app; empty: of every app of the run")


class ReleaseChannel(Channel):
    """A release of Sentry. Only `done` of a deploy or a rollback is sent."""

    key = "release"
    example: ClassVar[Mapping[str, Any]] = {"release": {"org": "acme", "project": "api"}, "token": "env:SENTRY_TOKEN"}

    release: ReleaseProject = Field(description="the organization and the project")
    token: Reference = Field(description="reference to a token with the scope project:releases")
    base: Url = Field("https://sentry.io", description="where Sentry is")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        headers = {"Authorization": f"Bearer {value_of(known, self.token)}"}
        organization = f"{self.base.rstrip('/')}/api/0/organizations/{self.release.org}"
        if notice.event == "test":
            accepted(web("GET", f"{organization}/releases/?per_page=1", None, headers))
        if notice.level != "info" or notice.event in ("begun", "waiting", "message", "test"):
            return ""
        for app, revision in notice.revisions:
            if self.release.app in ("", app):
                document = {"version": revision, "projects": [self.release.project]}
                accepted(web("POST", f"{organization}/releases/", document, headers))
                deploy = {"environment": notice.environment, "name": notice.run}
                accepted(web("POST", f"{organization}/releases/{revision}/deploys/", deploy, headers))
        return ""
