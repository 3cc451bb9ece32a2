"""Channel `mail`: a mail by SMTP; what follows of the same run is an answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import Field

from lockstitch.metrics.settings import Reference
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice, NoticeRefusedError
from lockstitch.notifications.base import Channel, WebSender, value_of

# In seconds; the whole mail has the time of its channel.
_PATIENCE = 10.0
MailAddress = Annotated[str, Field(pattern=r"^[^\s@,<>\"]+@[^\s@,<>\"]+$")]


class MailChannel(Channel):
    """Mail to a list of people."""

    key = "mail"
    example: ClassVar[Mapping[str, Any]] = {"mail": "env:SMTP_URL", "from": "fab@example.com", "to": ["a@example.com"]}

    mail: Reference = Field(
        description="reference to the server's URL: smtp://USER:PASSWORD@HOST:587, with STARTTLS where it offers that "
        "and always with a password, or smtps://"
    )
    sender: MailAddress = Field(alias="from", description="the address it comes from")
    to: tuple[MailAddress, ...] = Field(description="the addresses it goes to", min_length=1)

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        # Start-up: only a mail needs them.
        import smtplib
        from datetime import UTC, datetime
        from email.message import EmailMessage
        from email.utils import format_datetime, make_msgid

        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Subject"], message["Message-ID"] = (
            notice.title,
            make_msgid("lockstitch", self.sender.partition("@")[2]),
        )
        message["Date"], message["Auto-Submitted"] = format_datetime(datetime.now(UTC)), "auto-generated"
        if thread:
            message["In-Reply-To"] = message["References"] = thread
        message.set_content(notice.text + "\n")
        try:
            server = _connected(value_of(known, self.mail))
            try:
                refused = server.send_message(message)
                # The server has the mail: its answer to this is not waited for, and makes no second one.
                with suppress(OSError, smtplib.SMTPException):
                    server.putcmd("quit")
            finally:
                server.close()
            if refused:
                raise NoticeRefusedError("the mail server refused some of the addresses", reached=True)
        except smtplib.SMTPResponseException as error:
            raise NoticeRefusedError(f"the mail server refused it with code {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused:
            raise NoticeRefusedError("the mail server refused every address") from None
        except smtplib.SMTPException as error:
            raise NoticeRefusedError(f"the mail server did not take it: {type(error).__name__}") from None
        return thread or str(message["Message-ID"])


def _connected(url: str) -> Any:
    """Return the connection to the server of a URL, logged in."""
    import smtplib
    import ssl

    try:
        at = urlsplit(url)
        port, secure = at.port, at.scheme == "smtps"
    except ValueError:
        at = urlsplit("")
    if at.scheme not in ("smtp", "smtps") or not at.hostname:
        raise NoticeRefusedError("its reference is no URL such as smtp://USER:PASSWORD@HOST:587")
    context = ssl.create_default_context()
    if secure:
        server: smtplib.SMTP = smtplib.SMTP_SSL(at.hostname, port or 465, timeout=_PATIENCE, context=context)
    else:
        server = smtplib.SMTP(at.hostname, port or 25, timeout=_PATIENCE)
    try:
        server.ehlo()
        if not secure and (server.has_extn("starttls") or at.password):
            server.starttls(context=context)
            server.ehlo()
        if at.username:
            server.login(unquote(at.username), unquote(at.password or ""))
    except BaseException:
        server.close()
        raise
    return server
