"""`backup.push` to a bucket: the files first, each read back and compared; then the manifest, which makes them a
backup."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence

from lockstitch.databases.backup import MANIFEST
from lockstitch.engine.offsite.manifest import LONGEST_MANIFEST, Manifest, ManifestFile, parse
from lockstitch.engine.offsite.s3 import Bucket, Store
from lockstitch.engine.offsite.sealed import names, piped, recipients_of, seal, sealed_before
from lockstitch.engine.offsite.source import CHUNK, BackupSource, PushObserver, PushProgress, PushResult
from lockstitch.errors import CheckError, LockstitchError

GO_ON = "type it again: what is there whole is not sent again"


def push_to_bucket(source: BackupSource, bucket: Bucket, observe: PushObserver) -> PushResult:
    """Copy a backup into a bucket, through this machine and in constant memory.

    Objects that are there are compared, and sent only if they differ. `observe` counts every byte twice: once sent,
    once read back. Raises CheckError if the bucket has another backup of that name.
    """
    manifest, name = source.manifest(), source.name
    progress = PushProgress(observe, 2 * manifest.bytes)
    try:
        with Store(bucket) as store:
            before = _manifest_there(store, manifest, name)
            sent = sum(_push(source, store, file, progress) for file in manifest.files)
            if before != manifest.raw:
                _put(store, store.bucket.place(name, MANIFEST), manifest.raw)
    except LockstitchError as error:
        error.hint = error.hint or GO_ON
        raise
    where = f"{bucket}: {bucket.place(name)}"
    return PushResult(where, len(manifest.files), manifest.bytes, sent, not sent and before == manifest.raw)


def push_sealed_to_bucket(
    source: BackupSource, bucket: Bucket, recipients: Sequence[str], observe: PushObserver
) -> PushResult:
    """Copy a backup into a bucket as one file that only the holders of these recipients' keys can read.

    A copy that is there is compared with the note beside it, and sent only if it differs.
    """
    keys = recipients_of(recipients)
    manifest, name = source.manifest(), source.name
    progress = PushProgress(observe, 2 * manifest.bytes)
    file, note = (bucket.place(each) for each in names(name))
    read_back = progress.of("read back")
    try:
        with Store(bucket) as store:
            before = sealed_before(_small(store, note), manifest, name, str(bucket))
            already = before is not None and _is_there(store, file, before.file, lambda more: read_back(2 * more))
            if not already:
                with piped(lambda target: seal(source, manifest, keys, target, progress)) as stream:
                    store.write(file, stream, manifest.bytes)
                assert stream.sealed is not None
                if not _is_there(store, file, stream.sealed.file, read_back):
                    raise _damaged(store, file)
                _put(store, note, stream.sealed.note(recipients))
    except LockstitchError as error:
        error.hint = error.hint or GO_ON
        raise
    return PushResult(f"{bucket}: {file}", 1, manifest.bytes, int(not already), already)


def _small(store: Store, key: str) -> bytes:
    """Read an object that is no longer than a manifest; empty if there is none."""
    raw = b""
    with store.read(key) as stream:
        while stream is not None and len(raw) <= LONGEST_MANIFEST and (data := stream.read(CHUNK)):
            raw += data
    return raw


def _manifest_there(store: Store, manifest: Manifest, name: str) -> bytes | None:
    """Read the manifest in the bucket. Returns None if there is none. Raises CheckError if it lists other files."""
    raw = _small(store, store.bucket.place(name, MANIFEST))
    try:
        other = parse(raw, name).sha256 != manifest.sha256
    except ValueError:
        return None
    if other:
        said = f"{store.bucket} has another backup called {store.bucket.place(name)}"
        raise CheckError(said, hint="it was not touched; push this one under another prefix, or remove that one")
    return raw


def _push(source: BackupSource, store: Store, file: ManifestFile, progress: PushProgress) -> bool:
    """Send a file if the bucket does not have it whole. Returns whether it was sent."""
    key = store.bucket.place(source.name, file.name)
    sent, read_back = progress.of(file.name), progress.of(f"{file.name}, read back")
    if _is_there(store, key, file, lambda more: read_back(2 * more)):
        return False
    with source.open(file, sent) as stream:
        store.write(key, stream, file.bytes)
    if not _is_there(store, key, file, read_back):
        raise _damaged(store, key)
    return True


def _put(store: Store, key: str, raw: bytes) -> None:
    store.write(key, io.BytesIO(raw), len(raw))
    file = ManifestFile(key, len(raw), hashlib.sha256(raw).hexdigest())
    if not _is_there(store, key, file, lambda more: None):
        raise _damaged(store, key)


def _is_there(store: Store, key: str, file: ManifestFile, progress: Callable[[int], None]) -> bool:
    """Read an object back. Returns whether it has the size and the sum of `file`."""
    checksum, size = hashlib.sha256(), 0
    with store.read(key) as stream:
        while stream is not None and size <= file.bytes and (data := stream.read(CHUNK)):
            checksum.update(data)
            size += len(data)
            progress(len(data))
    return stream is not None and size == file.bytes and checksum.hexdigest() == file.sha256


def _damaged(store: Store, key: str) -> CheckError:
    said = f"{store.bucket}: {key} is not what was sent: read back, its SHA-256 differs"
    return CheckError(said, hint="no manifest was pushed, so it does not count as a backup; type it again")
