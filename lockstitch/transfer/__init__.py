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

from lockstitch.transfer.far import Progress
from lockstitch.transfer.many import Carrying, Fetch, Send, carry
from lockstitch.transfer.moved import Moved, size_text
from lockstitch.transfer.names import Names
from lockstitch.transfer.near import Source

__all__ = ["Carrying", "Fetch", "Moved", "Names", "Progress", "Send", "Source", "carry", "size_text"]
