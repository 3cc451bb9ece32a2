"""The objects of a bucket as streams, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lockstitch.engine.offsite.s3 import connected, missing, words
from lockstitch.engine.offsite.where import Bucket

MIB = 1 << 20
# S3 takes up to 10,000 parts of one object.
_PARTS = 9_000
_SMALLEST_PART = 8 * MIB
_PARTS_IN_MEMORY = 3


class Store:
    """A bucket that is connected to. Use it as a context manager: it closes its connections."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._client, self._secrets = connected(bucket)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    @contextmanager
    def read(self, key: str) -> Iterator[Object | None]:
        """An object; None where there is none."""
        with self.told():
            body = self._body(key)
        if body is None:
            yield None
            return
        try:
            yield Object(body, self)
        finally:
            body.close()

    def write(self, key: str, stream: Any, size: int) -> None:
        """Make an object of what a stream has, a part at a time; on an error there is none."""
        from boto3.s3.transfer import TransferConfig

        part = max(_SMALLEST_PART, -(-size // _PARTS // MIB) * MIB)
        config = TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=_PARTS_IN_MEMORY)
        config.max_in_memory_upload_chunks = _PARTS_IN_MEMORY
        config.preferred_transfer_client = "classic"
        with self.told():
            self._client.upload_fileobj(stream, self.bucket.name, key, Config=config)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Whatever boto3 raises, in words, and without what it was given."""
        try:
            yield
        except Exception as error:
            if (said := words(error, self.bucket, self._secrets)) is None:
                raise
            raise said from None

    def _body(self, key: str) -> Any:
        try:
            return self._client.get_object(Bucket=self.bucket.name, Key=key)["Body"]
        except Exception as error:
            if missing(error):
                return None
            raise


class Object:
    """What is read of an object."""

    def __init__(self, body: Any, store: Store) -> None:
        self._body, self._store = body, store

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        with self._store.told():
            data: bytes = self._body.read(size)
            return data
