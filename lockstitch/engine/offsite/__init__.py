"""EFFECT: copies of backups elsewhere, in case their host is lost: on this machine, in a bucket, on another host.

- manifest.py: what a manifest says; source.py: a backup on its host
- copy.py: fetching it
- bucket.py: pushing it to a bucket; where.py: which one; store.py: its objects; boto.py: the connection
- sealed.py: one encrypted file of it, where `offsite` has public keys
- host.py: pushing it to another host; shell.py: what runs there

A copy is there whole, with every file's SHA-256 compared where it then is, or it does not look like a backup.
"""

from lockstitch.engine.offsite.fetch import fetch
from lockstitch.engine.offsite.s3 import Bucket, StoreError, bucket_of
from lockstitch.engine.offsite.source import PushObserver, PushResult
from lockstitch.engine.offsite.to_bucket import push_sealed_to_bucket, push_to_bucket
from lockstitch.engine.offsite.to_host import push_sealed_to_host, push_to_host

__all__ = [
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
