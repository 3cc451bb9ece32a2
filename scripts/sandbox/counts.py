"""What a sandbox host counts, so that a benchmark can see round trips instead of guessing them."""

from dataclasses import dataclass


@dataclass
class Counts:
    """What clients did on a host since its counts were last reset."""

    connections: int = 0  # accepted, whether or not they logged in
    sessions: int = 0  # session channels opened or refused
    commands: int = 0  # exec and shell requests
    subsystems: int = 0  # sftp
    forwards: int = 0  # direct-tcpip channels: this host as a gateway
    signals: int = 0  # "signal" requests
