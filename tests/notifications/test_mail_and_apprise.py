"""Mail by a real SMTP server, and Apprise itself, which sends to a server that stands in for a webhook."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstitch.engine import notice_delivery
from lockstitch.engine.notice_delivery import NoticeDelivery, NoticeJob, NoticeResult
from lockstitch.model.notice import Notice, NoticeRefusedError
from lockstitch.notifications.mail import MailChannel
from lockstitch.notifications.url import AppriseChannel
from tests.notifications.stand_in import StandIn
from tests.notifications.test_channels import HOSTILE, notice

REFERENCE = "env:SMTP_URL"
# Apprise imports a module that newer versions of Python no longer have.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Box:
    """A mail server's box. `refused` has the addresses that it does not take."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.recipients: list[list[str]] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return "550 no such user token-1234"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Box, str]]:
    box = Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
def box(server: tuple[Box, str], monkeypatch: pytest.MonkeyPatch) -> Box:
    box, url = server
    box.mails.clear()
    box.recipients.clear()
    box.refused = set()
    monkeypatch.setenv("SMTP_URL", url)
    return box


def mail() -> MailChannel:
    return MailChannel.model_validate(
        {"mail": REFERENCE, "from": "fab@example.com", "to": ["a@b.example", "c@b.example"]}
    )


def sent(*notices: Notice) -> list[NoticeResult]:
    return NoticeDelivery({"it": mail()}, [NoticeJob("it", each) for each in notices]).results()


def test_a_mail_and_its_answer(box: Box) -> None:
    assert [result.problem for result in sent(notice("begun"), notice("done"))] == ["", ""]
    first, second = box.mails
    assert first["Subject"] == "deploy of prod begun" and first["From"] == "fab@example.com"
    assert f"commits: 1: {HOSTILE}" in first.get_content()  # type: ignore[attr-defined]
    assert second["In-Reply-To"] == first["Message-ID"] == second["References"]
    assert box.recipients == [["a@b.example", "c@b.example"]] * 2


def test_addresses_that_are_refused_are_told_without_the_answer(box: Box) -> None:
    box.refused = {"a@b.example"}
    (result,) = sent(notice())
    assert result.problem == "the mail server refused some of the addresses"
    # The others have it: it is not sent to them with each command that follows.
    assert result.reached and box.recipients == [["c@b.example"]]
    box.refused = {"a@b.example", "c@b.example"}
    (result,) = sent(notice())
    assert result.problem == "the mail server refused every address"


def test_no_password_goes_over_a_connection_that_is_not_secured(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", os.environ["SMTP_URL"].replace("//", "//ada:secret@"))
    (result,) = sent(notice())
    assert "SMTPNotSupportedError" in result.problem and not box.mails


@pytest.mark.parametrize(
    ("url", "says"), [("http://x", "is no URL such as smtp://"), ("smtp://[", "is no URL such as")]
)
def test_what_is_no_mail_server(url: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    (result,) = sent(notice())
    assert says in result.problem and url not in result.problem


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_delivery, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        (result,) = sent(notice())
    assert result.problem == "no answer in time"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=200).map(str.strip)
    | st.sampled_from(["x\r\nBcc: evil@example.com", "x\n.\nMAIL FROM:<evil@example.com>", "=?utf-8?q?x?="])
)
def test_no_title_adds_a_header_or_an_address(box: Box, title: str) -> None:
    box.mails.clear()
    box.recipients.clear()
    (result,) = sent(notice(title=title))
    if "\n" in title or "\r" in title:
        assert result.problem and not box.mails
        return
    assert not result.problem, result
    (mail,) = box.mails
    assert mail["Bcc"] is None and len(mail.get_all("Subject", [])) == 1
    assert box.recipients == [["a@b.example", "c@b.example"]]


def test_apprise_sends_and_no_markup_of_others_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    with StandIn() as web:
        monkeypatch.setenv("ANY", web.url.replace("http://", "json://") + "/hook")
        channel = AppriseChannel.model_validate({"url": "env:ANY"})
        (result,) = NoticeDelivery({"it": channel}, [NoticeJob("it", notice())]).results()
        assert result.problem == ""
        (taken,) = web.taken
        assert taken.document["title"] == "deploy of prod failed" and "icon" not in taken.document
        text = taken.document["message"]
        assert "＜!channel＞ ＠everyone" in text and not set("<>@*`[]") & set(text)
        web.mode = "refuses"
        (result,) = NoticeDelivery({"it": channel}, [NoticeJob("it", notice())]).results()
        assert result.problem == "the service did not take it"


def test_apprise_refuses_what_is_no_url_of_it() -> None:
    channel = AppriseChannel.model_validate({"url": "env:ANY"})
    with pytest.raises(NoticeRefusedError, match="no URL that Apprise knows"):
        channel.send(notice(), {"env:ANY": "nosuch://x"}, lambda *_: None, "")  # type: ignore[arg-type]


def test_apprise_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_delivery, "PATIENCE", 0.5)
    with StandIn("hangs") as web:
        monkeypatch.setenv("ANY", web.url.replace("http://", "json://") + "/hook")
        channel = AppriseChannel.model_validate({"url": "env:ANY"})
        (result,) = NoticeDelivery({"it": channel}, [NoticeJob("it", notice())]).results()
        assert result.problem == "no answer in time"
