"""The part of a Transport that logs in: it asks for the login service once, not again for every key that is tried.

Paramiko has such a Transport, but that waits without end, and misses an answer that comes very fast.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from paramiko import AuthenticationException, Message, SSHException
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.common import cMSG_SERVICE_REQUEST, cMSG_USERAUTH_REQUEST
from paramiko.transport import ServiceRequestingTransport


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
