"""What `c.run` of a plain Fabric task uses: an interruption ends the command instead of waiting for it."""

from __future__ import annotations

from contextlib import suppress

from fabric.runners import Remote
from paramiko import Message, SSHException
from paramiko.common import cMSG_CHANNEL_REQUEST

PATIENCE = 2.0


class StrictRunner(Remote):  # type: ignore[misc]
    """Fabric's runner leaves the command running on the host when it is interrupted or takes too long."""

    def send_interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """Ctrl-C: passed on as a character it means nothing without a terminal, so end the command."""
        self.kill()
        raise interrupt

    def stop(self) -> None:
        """However it came to an end here, end it there."""
        self._end()
        super().stop()

    def kill(self) -> None:
        """Ctrl-C, or it took too long."""
        self._end()
        super().kill()

    def _end(self) -> None:
        channel = getattr(self, "channel", None)
        if channel is None or channel.closed or channel.exit_status_ready():
            return
        with suppress(OSError, EOFError, SSHException):
            send_signal(channel, "TERM")
            channel.shutdown_write()
            # A connection that is closed at once may take the signal with it.
            channel.status_event.wait(PATIENCE)


def send_signal(channel: object, name: str) -> None:
    """Ask the SSH server to send a signal to what runs on a channel; OpenSSH does since 7.9, save for root."""
    message = Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)  # type: ignore[attr-defined]
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    channel.transport._send_user_message(message)  # type: ignore[attr-defined]
