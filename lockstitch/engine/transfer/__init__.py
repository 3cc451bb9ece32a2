"""Files and folders to many hosts and from them: whole or not at all, and going on where they were cut off.

tree.py            VALUES: what is carried
result.py          VALUE: what came of it
local_source.py    what is read on this machine, and its checksums
local_target.py    what is written on this machine
part_names.py      the names of parts
host_scripts.py    what a host is asked and told
remote_side.py     one host that is asked
upload.py, download.py   one host's part of `put` and of `get`
transfer.py        many hosts at once
"""

from lockstitch.engine.transfer.local_source import LocalSource
from lockstitch.engine.transfer.part_names import PartNames
from lockstitch.engine.transfer.remote_side import TransferProgress
from lockstitch.engine.transfer.result import TransferResult
from lockstitch.engine.transfer.transfer import DownloadRequest, Transfer, UploadRequest, carry
from lockstitch.model.format import size_text

__all__ = [
    "DownloadRequest",
    "LocalSource",
    "PartNames",
    "Transfer",
    "TransferProgress",
    "TransferResult",
    "UploadRequest",
    "carry",
    "size_text",
]
