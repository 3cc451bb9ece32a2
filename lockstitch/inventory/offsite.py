"""Where backups are copied to: a bucket, or a folder of another host."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from lockstitch.inventory.settings import Settings, wrong
from lockstitch.inventory.types import AppPath, HostName, SecretReference, WebUrl, matching, text

# AWS allows less, other stores and AWS's oldest buckets more.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def _prefix(value: str) -> str | None:
    """A folder in a bucket; nothing is the bucket itself. `..` would be a folder of that name."""
    if value.startswith("/") or not {".", ".."}.isdisjoint(value.split("/")) or not value.isprintable():
        return f"{value!r} cannot be a folder in a bucket: write it like backups/prod"
    return None


BucketName = Annotated[
    str, text("name of a bucket", matching(_BUCKET, "cannot be the name of a bucket"), pattern=_BUCKET)
]
Region = Annotated[
    str, text("region", matching(_REGION, "cannot be a region: write it like eu-west-1"), pattern=_REGION)
]
Prefix = Annotated[str, text("path in the bucket", _prefix)]

_AGE = re.compile(r"age1[a-z0-9]+|ssh-(ed25519|rsa) \S+.*")
# Not the value: it may be the secret half.
_NO_KEY = "it is no public key: age-keygen prints one, age1…"
PublicKey = Annotated[str, text("public key", lambda value: None if _AGE.fullmatch(value) else _NO_KEY, pattern=_AGE)]

_OF_A_BUCKET = ("prefix", "endpoint", "insecure", "region", "key", "secret")


class OffsiteSettings(Settings):
    """Where copies of backups are, should their host be lost: either a bucket, or a folder of another host."""

    bucket: BucketName | None = Field(default=None, description="a bucket of S3, or of a store that speaks like it")
    prefix: Prefix = Field(default="", description="folder in the bucket that the backups are put into")
    endpoint: WebUrl | None = Field(default=None, description="where the store is; left out, it is AWS's")
    insecure: bool = Field(
        default=False, description="the store may be spoken to by `http://`, where all can read along"
    )
    region: Region | None = Field(default=None, description="the bucket's region, where the store needs it")
    key: SecretReference | None = Field(
        default=None,
        description="where the access key's id is; left out with `secret`, boto3's own ways are gone: the variables "
        "`AWS_…`, `~/.aws`, the machine's role",
    )
    secret: SecretReference | None = Field(default=None, description="where the secret access key is")
    age: tuple[PublicKey, ...] = Field(
        default=(),
        description="public keys of age; a copy is one file, encrypted for each of them before it leaves this machine",
    )
    host: HostName | None = Field(default=None, description="another host of the environment, by its name")
    directory: AppPath | None = Field(default=None, description="folder of that host that the backups are put into")

    @model_validator(mode="after")
    def _one_of_two(self) -> OffsiteSettings:
        if (self.bucket is None) == (self.host is None):
            raise wrong("", "name either a bucket or a host" + (", not both" if self.bucket else ""))
        if self.host is not None and self.directory is None:
            raise wrong("", "a host needs a directory that the backups are put into")
        foreign = ("directory",) if self.bucket is not None else _OF_A_BUCKET
        for name in foreign:
            if getattr(self, name):
                raise wrong(name, f"that is of a {'host' if name == 'directory' else 'bucket'}, and there is none")
        if self.endpoint and self.endpoint.lower().startswith("http://") and not self.insecure:
            raise wrong("endpoint", "over http:// all can read the dumps along: write https://, or insecure: true")
        if (self.key is None) != (self.secret is None):
            raise wrong("key" if self.key else "secret", "key and secret are given both, or neither")
        return self
