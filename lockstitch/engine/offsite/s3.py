"""Buckets and their objects, by boto3. No error and no log shows a key."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lockstitch.engine.redact import without_passwords
from lockstitch.errors import ExitCode, LockstitchError, UsageError
from lockstitch.inventory.database import OffsiteSettings
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Secret, mask
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Bucket:
    """A bucket, and the folder in it. Without key and secret, boto3 looks for credentials by itself."""

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
        """Return the key of an object."""
        return "/".join(part for part in (self.prefix.strip("/"), *parts) if part)


def bucket_of(settings: OffsiteSettings) -> Bucket:
    """Return the bucket that an inventory names, with its secrets resolved."""
    assert settings.bucket is not None
    key, secret = (resolve_secret(reference) if reference else None for reference in (settings.key, settings.secret))
    return Bucket(settings.bucket, settings.prefix, settings.endpoint, settings.region, key, secret, settings.insecure)


_COMPARE = "compare bucket, endpoint and region under offsite"
_RETRIES = {"mode": "standard", "max_attempts": 5}
_CHECKSUMS = ("request_checksum_calculation", "response_checksum_validation")
_NOT_THERE = ("NoSuchKey", "404", "NotFound")
_REFUSED = (
    "AccessDenied",
    "ExpiredToken",
    "Forbidden",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "403",
)


class StoreError(LockstitchError):
    """The store cannot be reached, or refuses the login."""

    exit_code = ExitCode.UNREACHABLE


def connect(bucket: Bucket) -> tuple[Any, list[Secret]]:
    """Return a boto3 client, and the secrets that no message may show."""
    try:
        from boto3.session import Session
    except ImportError as error:
        raise UsageError("a bucket needs boto3, which is not installed", hint="pip install 'lockstitch[s3]'") from error
    for chatty in ("boto3", "botocore", "s3transfer", "urllib3"):
        # With --debug they would tell the key's id and signatures.
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        session = Session(
            aws_access_key_id=bucket.key.reveal() if bucket.key else None,
            aws_secret_access_key=bucket.secret.reveal() if bucket.secret else None,
            region_name=bucket.region,
        )
        client = session.client("s3", endpoint_url=bucket.endpoint, config=_config(bucket))
        # It may come from AWS_ENDPOINT_URL or ~/.aws/config, too.
        if str(client.meta.endpoint_url).lower().startswith("http://") and not bucket.insecure:
            at = f"{bucket}: {without_passwords(str(client.meta.endpoint_url))}"
            hint = "use https://, or write insecure: true under offsite"
            raise UsageError(f"{at} is http://, where all can read the dumps along", hint=hint) from None
        return client, _secrets(session)
    except UsageError:
        raise
    except Exception as error:
        given = [secret for secret in (bucket.key, bucket.secret) if secret is not None]
        said = words(error, bucket, given)
        if said is None and isinstance(error, ValueError):
            said = UsageError(f"{bucket}: {mask(without_passwords(str(error)), given)}", hint=_COMPARE)
        raise (said or error) from None


def _config(bucket: Bucket) -> Any:
    from botocore.config import Config

    # Stores that are not AWS's may not know the checksums of today; what we compare is our own.
    old = bucket.endpoint is not None and set(_CHECKSUMS) <= set(Config.OPTION_DEFAULTS)
    options = dict.fromkeys(_CHECKSUMS, "when_required") if old else {}
    return Config(connect_timeout=10, read_timeout=60, retries=_RETRIES, **options)


def _secrets(session: Any) -> list[Secret]:
    """Return the credentials that boto3 was given or has found."""
    with suppress(AttributeError):
        return [Secret(value) for value in session.get_credentials().get_frozen_credentials()[:3] if value]
    return []


def missing(error: Exception) -> bool:
    """Tell whether an error means that there is no such object."""
    return _answer(error).get("Code") in _NOT_THERE


def words(error: Exception, bucket: Bucket, secrets: Iterable[Secret]) -> LockstitchError | None:
    """Translate an error of boto3 into one for people. Returns None for any other error."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
    from urllib3.exceptions import HTTPError

    if not isinstance(error, Boto3Error | BotoCoreError | ClientError | HTTPError):
        return None
    answer = _answer(error)
    code = str(answer.get("Code", ""))
    # An endpoint or proxy of the environment may have a password in its URL.
    text = f"{code}: {answer.get('Message', '')}" if code else str(error)
    said = mask(without_passwords(text), secrets)
    if code == "NoSuchBucket":
        return UsageError(f"{bucket} does not exist", hint=_COMPARE)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return UsageError(f"{bucket}: {said}", hint="write key and secret under offsite, or: export AWS_PROFILE=…")
    if code in _REFUSED:
        hint = "is it the right key? It needs s3:ListBucket, s3:GetObject and s3:PutObject there"
        return StoreError(f"{bucket} refuses us: {said}", hint=hint)
    return StoreError(f"{bucket}: {said}", hint="" if code else _COMPARE)


def _answer(error: Exception) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(error, "response", {}).get("Error", {})
    return answer


MIB = 1 << 20
# S3 takes up to 10,000 parts of one object.
_PARTS = 9_000
_SMALLEST_PART = 8 * MIB
_PARTS_IN_MEMORY = 3


class Store:
    """A connected bucket, as a context manager that closes its connections."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._client, self._secrets = connect(bucket)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    @contextmanager
    def read(self, key: str) -> Iterator[Object | None]:
        """Open an object; yields None where there is none."""
        with self.errors_in_words():
            body = self._body(key)
        if body is None:
            yield None
            return
        try:
            yield Object(body, self)
        finally:
            body.close()

    def write(self, key: str, stream: Any, size: int) -> None:
        """Upload a stream as an object, a part at a time. On an error there is no object."""
        from boto3.s3.transfer import TransferConfig

        part = max(_SMALLEST_PART, -(-size // _PARTS // MIB) * MIB)
        config = TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=_PARTS_IN_MEMORY)
        config.max_in_memory_upload_chunks = _PARTS_IN_MEMORY
        config.preferred_transfer_client = "classic"
        with self.errors_in_words():
            self._client.upload_fileobj(stream, self.bucket.name, key, Config=config)

    @contextmanager
    def errors_in_words(self) -> Iterator[None]:
        """Raise errors of boto3 as errors for people, without secrets."""
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
    """The content of an object."""

    def __init__(self, body: Any, store: Store) -> None:
        self._body, self._store = body, store

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""
        with self._store.errors_in_words():
            data: bytes = self._body.read(size)
            return data
