"""Remote over SSH, by Fabric and Paramiko: the only place of the engine that knows them.

- client.py: what OpenSSH's client says of a name; tokens.py: `%h` and the like in it
- name_patterns.py: names that its files do not tell apart, which share one answer
- route.py: a Host → the hops that lead to it (the inventory, then ~/.ssh/config)
- known_hosts.py: which key a host is known by, and adding one; trust.py: both for people; revoked.py
- keys.py, agent.py: how a hop is logged in to
- cancellation.py: TCP, and giving up; proxy.py: a ProxyCommand; keepalive.py: whether the other side is still there
- streams.py: what a socket and a channel have for us, in large pieces
- connection.py: one strict Fabric connection; network.py: what connections share; error_messages.py: what went wrong
- shell.py: a waiting shell; channels.py: those of one host; script_run.py: one script on one of them
- sftp.py: an SFTP session; files.py: a file of a host, read and written over it
- interactive.py: a command on this terminal; remote.py: all of it as a Remote
"""

from lockstitch.remote import InterruptedRunError
from lockstitch.remote.ssh.connection import StrictConnection
from lockstitch.remote.ssh.network import Network
from lockstitch.remote.ssh.remote import SshRemote
from lockstitch.remote.ssh.trust import HostKey, Trust

__all__ = ["HostKey", "InterruptedRunError", "Network", "SshRemote", "StrictConnection", "Trust"]
