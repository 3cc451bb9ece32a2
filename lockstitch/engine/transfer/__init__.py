"""Files and folders to many hosts and from them: whole or not at all, and going on where they were cut off.

tree.py      VALUES: what is carried
moved.py     VALUE: what came of it
near.py      what is read here, and its checksums
receive.py   what is written here
names.py     the names of parts
shell.py     what a host is asked and told
far.py       one host that is asked
put.py get.py   one host's part of it
many.py      many hosts at once
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
