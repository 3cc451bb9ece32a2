"""EFFECT: copies of backups elsewhere, in case their host is lost: on this machine, in a bucket, on another host.

- manifest.py: parses a manifest; source.py: a backup on its host
- fetch.py: copies a backup to this machine
- to_bucket.py: copies it into a bucket; s3.py: the bucket, its objects and its errors
- to_host.py and *.sh: copies it to another host, with the scripts that run there
- sealed.py: a backup as one encrypted file, where `offsite` has public keys

A copy gets its name once every file's SHA-256 was compared in the new place.
"""

from lockstitch.engine.offsite.fetch import fetch
from lockstitch.engine.offsite.s3 import Bucket, StoreError, bucket_of
from lockstitch.engine.offsite.source import BackupSource, PushObserver, PushResult
from lockstitch.engine.offsite.to_bucket import push_sealed_to_bucket, push_to_bucket
from lockstitch.engine.offsite.to_host import push_sealed_to_host, push_to_host

__all__ = [
    "BackupSource",
    "Bucket",
    "PushObserver",
    "PushResult",
    "StoreError",
    "bucket_of",
    "fetch",
    "push_sealed_to_bucket",
    "push_sealed_to_host",
    "push_to_bucket",
    "push_to_host",
]
