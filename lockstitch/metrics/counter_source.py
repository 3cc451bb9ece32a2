"""The base of sources that read the counters of applications: how these are called, and a login to where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from lockstitch.metrics.base import Kind, Source, Unit
from lockstitch.metrics.counters import LABEL_NAME, METRIC_NAME, Names
from lockstitch.metrics.settings import Reference, RequestPaths, Seconds


class CounterSource(Source):
    """A source of counters and histograms; a subclass has a `url` and says where they are."""

    requests: str = Field(
        default="http_requests_total",
        description="counter of requests; the `_count` of a histogram is one; empty: there is none",
    )
    status_label: str = Field(
        default="", description="its label with the HTTP status; by default `status`, `code`, `status_code` and others"
    )
    path_label: str = Field(
        default="", description="its label with the path; by default `path`, `handler`, `route` and others"
    )
    durations: str = Field(
        default="http_request_duration_seconds",
        description="histogram of the durations, without `_bucket`; empty: there is none",
    )
    unit: Literal["s", "ms"] = Field(default="s", description="unit of the durations")
    values: dict[str, str] = Field(default={}, description="values of now by name")
    ignore: RequestPaths = Field(default=(), description="paths whose requests do not count, with all below them")
    token: Reference | None = Field(default=None, description="reference to a bearer token")
    user: str = Field(default="", description="user of basic auth")
    password: Reference | None = Field(default=None, description="reference to that user's password")
    timeout: Seconds = Field(default=10.0, description="how long its answer may take")

    @model_validator(mode="after")
    def _written_well(self) -> CounterSource:
        for name in (self.requests, self.durations):
            if name and not METRIC_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a metric")
        for label in (self.status_label, self.path_label):
            if label and not LABEL_NAME.fullmatch(label):
                raise ValueError(f"{label!r} is no name of a label")
        if self.token and self.user:
            raise ValueError("give a token, or a user with a password")
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password belong together")
        return self

    @property
    def names(self) -> Names:
        """The names of its series."""
        scale = 0.001 if self.unit == "ms" else 1.0
        return Names(self.requests, self.durations, self.status_label, self.path_label, scale)

    def measures(self) -> frozenset[Kind]:
        kinds: list[tuple[Kind, bool]] = [
            ("requests", bool(self.requests)),
            ("durations", bool(self.requests and self.durations)),
            ("values", bool(self.values)),
        ]
        return frozenset(kind for kind, has in kinds if has)

    def units(self) -> Mapping[str, Unit]:
        return dict.fromkeys(self.values, "number")
