"""Pure: what is asked of a host by hand, whatever runs on it: its processes, its disks, who may log in."""

from lockstitch.upkeep.accounts import Account, accounts
from lockstitch.upkeep.disks import Disk, disks, folders
from lockstitch.upkeep.keys import Key, KeyFile, add, key_file, keys_of, remove, write
from lockstitch.upkeep.processes import Process, processes
from lockstitch.upkeep.question import Question

__all__ = [
    "Account",
    "Disk",
    "Key",
    "KeyFile",
    "Process",
    "Question",
    "accounts",
    "add",
    "disks",
    "folders",
    "key_file",
    "keys_of",
    "processes",
    "remove",
    "write",
]
