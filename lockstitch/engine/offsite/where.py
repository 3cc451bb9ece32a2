"""The value Bucket: where the objects of backups are, and who we are there."""

from __future__ import annotations

from dataclasses import dataclass

from lockstitch.inventory.offsite import OffsiteSettings
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Secret


@dataclass(frozen=True)
class Bucket:
    """A bucket, and the folder in it. Without key and secret, boto3 finds out who we are."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    key: Secret | None = None
    secret: Secret | None = None
    insecure: bool = False

    def __str__(self) -> str:
        where = f" at {self.endpoint}" if self.endpoint else ""
        return f"bucket {self.name}{where}"

    def place(self, *parts: str) -> str:
        """The key of an object."""
        return "/".join(part for part in (self.prefix.strip("/"), *parts) if part)


def bucket_of(settings: OffsiteSettings) -> Bucket:
    """The bucket that an inventory names, its secrets fetched."""
    assert settings.bucket is not None
    key, secret = (resolve_secret(reference) if reference else None for reference in (settings.key, settings.secret))
    return Bucket(settings.bucket, settings.prefix, settings.endpoint, settings.region, key, secret, settings.insecure)
