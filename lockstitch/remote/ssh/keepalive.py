"""Noticing that the other side is gone: a question it must answer, and a watchdog that does not wait for ever.

Paramiko's own keepalive wants no answer, so a frozen host goes unnoticed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from paramiko import AuthenticationException, Channel, Message, SSHException, Transport
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.common import cMSG_CHANNEL_CLOSE, cMSG_GLOBAL_REQUEST, cMSG_SERVICE_REQUEST, cMSG_USERAUTH_REQUEST
from paramiko.packet import Packetizer
from paramiko.transport import ServiceRequestingTransport

from lockstitch.concurrency import in_background
from lockstitch.model.host import Limits
from lockstitch.remote.ssh.streams import ReadAheadSocket


class LoginTransport(ServiceRequestingTransport):
    """A Transport whose logging in ends, in time, one way or the other."""

    def __init__(self, sock: Any, **options: Any) -> None:
        self._login_open = threading.Event()
        super().__init__(sock, **options)

    def ensure_session(self) -> None:
        """Have the login service ready; paramiko's own waits for it without end."""
        if self._login_open.is_set():
            return
        if not self.is_active():
            raise SSHException("No existing session")
        message = Message()
        message.add_byte(cMSG_SERVICE_REQUEST)
        message.add_string("ssh-userauth")
        self._send_message(message)  # type: ignore[attr-defined]
        until = monotonic() + self.auth_timeout
        while not self._login_open.wait(0.1):
            if not self.is_active():
                raise self.get_exception() or SSHException("No existing session")
            if monotonic() > until:
                raise AuthenticationException("Authentication timeout.")
        self.auth_handler = self.get_auth_handler()

    def _parse_service_accept(self, message: Message) -> None:
        super()._parse_service_accept(message)  # type: ignore[misc]
        self._login_open.set()

    def get_auth_handler(self) -> AuthOnlyHandler:
        return PromptHandler(self)


class PromptHandler(AuthOnlyHandler):
    """Is ready for the answer before it asks."""

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[Message], None] | None = None
    ) -> list[str]:
        """Ask to be let in, and wait for the answer."""
        self.auth_method, self.username = method, username
        message = Message()
        message.add_byte(cMSG_USERAUTH_REQUEST)
        for word in (username, "ssh-connection", method):
            message.add_string(word)
        if finish_message is not None:
            finish_message(message)
        self.auth_event = answered = threading.Event()
        with self.transport.lock:
            self.transport._send_message(message)  # type: ignore[attr-defined]
        return self.wait_for_response(answered)


TICK = 0.5


class HeardPacketizer(Packetizer):
    """Notes when the other side was last heard: a long output is a sign of life as good as an answer."""

    heard = 0.0

    def __init__(self, sock: Any) -> None:
        super().__init__(ReadAheadSocket(sock))  # type: ignore[arg-type]

    def read_message(self) -> tuple[int, Message]:
        message: tuple[int, Message] = super().read_message()
        self.heard = monotonic()
        return message


class ChannelSender:
    """The transport as one channel uses it: nothing follows the message that closes the channel.

    What runs may end in the moment it is stopped. OpenSSH ends the whole connection over a message for a channel that
    it has forgotten, or takes it for the next channel, to which it gives the same number.
    """

    closed = False

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send_user_message(self, message: Message) -> None:
        # The transport looks at it as it sends, one message at a time.
        message.sender = self  # type: ignore[attr-defined]
        self._transport._send_user_message(message)  # type: ignore[attr-defined]


class KeepaliveTransport(LoginTransport):
    """A Transport that asks the other side for a sign of life whenever it has been quiet."""

    packetizer: HeardPacketizer
    asked = 0.0
    frozen: float | None = None
    patience = 0.0

    def __init__(self, sock: Any, *, key_types: Iterable[str] = (), **options: Any) -> None:
        super().__init__(sock, packetizer_class=HeardPacketizer, **options)
        security = self.get_security_options()
        first = [kind for kind in key_types if kind in security.key_types]
        security.key_types = [*first, *(kind for kind in security.key_types if kind not in first)]
        # They seal and encrypt in one pass, which takes half the time of what Paramiko offers first.
        quick = [cipher for cipher in security.ciphers if "-gcm@" in cipher]
        security.ciphers = [*quick, *(cipher for cipher in security.ciphers if cipher not in quick)]

    def open_channel(self, *args: Any, **options: Any) -> Channel:
        """Open a channel, which sends nothing any more once it is closed."""
        channel = super().open_channel(*args, **options)
        channel.transport = ChannelSender(self)  # type: ignore[assignment]
        return channel

    def _send_message(self, message: Message) -> None:
        sender: ChannelSender | None = getattr(message, "sender", None)
        if sender is not None:
            if sender.closed:
                return
            sender.closed = message.asbytes()[:1] == cMSG_CHANNEL_CLOSE
        super()._send_message(message)  # type: ignore[misc]

    def begin_pulse(self, limits: Limits) -> None:
        """Ask every so often from now on, and have the watchdog judge the silence; with a timeout of 0, never."""
        if limits.keepalive_timeout <= 0:
            return
        self.patience = limits.keepalive_timeout
        self.packetizer.set_keepalive(limits.keepalive_interval, self._ask)
        _WATCHDOG.watch(self)

    def _ask(self) -> None:
        if self.asked > self.packetizer.heard:
            return
        # Before it is sent: what cannot even be sent any more has frozen, too.
        self.asked = monotonic()
        if not self.clear_to_send.is_set():
            return
        message = Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        self._send_message(message)

    @property
    def silence(self) -> float:
        """For how long the other side has owed us an answer."""
        return monotonic() - self.asked if self.asked > self.packetizer.heard else 0.0

    def judge(self, now: float, slept: float) -> None:
        """Close the line if the question has not been answered in time."""
        if self.asked <= self.packetizer.heard:
            return
        # If we ourselves stood still (a suspended laptop), that was not the host's silence.
        self.asked += max(0.0, slept - 2 * TICK)
        if now - self.asked > self.patience:
            self.frozen = self.patience
            in_background(self.close)


class Watchdog:
    """One thread that looks at every line twice a second."""

    def __init__(self) -> None:
        self._lines: set[KeepaliveTransport] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, line: KeepaliveTransport) -> None:
        """Look after this line until it ends."""
        with self._lock:
            self._lines.add(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lockstitch-watchdog", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        pause, last = threading.Event(), monotonic()
        while True:
            pause.wait(TICK)
            now = monotonic()
            with self._lock:
                self._lines = {line for line in self._lines if line.is_active()}
                lines = list(self._lines)
                if not lines:
                    self._thread = None
                    return
            for line in lines:
                line.judge(now, now - last)
            last = now


_WATCHDOG = Watchdog()
