"""Remote over SSH, by Fabric and Paramiko: the only place of the engine that knows them.

- client.py: what OpenSSH's client says of a name; tokens.py: `%h` and the like in it
- way.py: a Host → the hops that lead to it (the inventory, then ~/.ssh/config)
- known_hosts.py: which key a host is known by; record.py: adding one; trust.py: both for people; revoked.py
- ring.py, keys.py, login.py: how a hop is logged in to
- sockets.py: TCP; proxy.py: a ProxyCommand; pulse.py: whether the other side is still there; round.py: giving up
- connection.py, handshake.py: one strict Fabric connection; network.py: what connections share
- shell.py: a waiting shell; line.py: those of one host; carry.py: one script on one of them
- sftp.py: an SFTP session; streams.py: reading and writing over it; files.py: a file of a host
- interactive.py: a person's terminal joined to a command
- agent.py: the agent lent to a host; runner.py: `c.run` of plain tasks
- remote.py: SshRemote; explain.py: what went wrong, in words
"""

from lockstitch.remote import InterruptedRunError
from lockstitch.remote.ssh.connection import StrictConnection
from lockstitch.remote.ssh.network import Network
from lockstitch.remote.ssh.remote import SshRemote
from lockstitch.remote.ssh.trust import HostKey, Trust

__all__ = ["HostKey", "InterruptedRunError", "Network", "SshRemote", "StrictConnection", "Trust"]
