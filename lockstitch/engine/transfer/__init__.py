"""Files and folders to and from many hosts. A file arrives whole or not at all, and resumes where it was cut off.

tree.py                    VALUES: the files to carry, and the result on one host
local_source.py            reads from this machine, with checksums
local_target.py            writes to this machine
part_names.py              the names of unfinished files
host_scripts.py *.sh       the scripts that run on a host
remote_side.py             asks one host
upload.py, download.py     one host's part of `put` and of `get`
transfer.py                many hosts at once
"""

from lockstitch.engine.transfer.local_source import LocalSource
from lockstitch.engine.transfer.part_names import PartNames
from lockstitch.engine.transfer.remote_side import TransferProgress
from lockstitch.engine.transfer.transfer import DownloadRequest, Transfer, UploadRequest, carry
from lockstitch.engine.transfer.tree import TransferResult

__all__ = [
    "DownloadRequest",
    "LocalSource",
    "PartNames",
    "Transfer",
    "TransferProgress",
    "TransferResult",
    "UploadRequest",
    "carry",
]
