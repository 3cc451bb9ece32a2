"""Channel `url`: any URL of Apprise, which knows more than a hundred services: https://github.com/caronc/apprise/wiki."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.metrics.settings import Reference
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice, NoticeRefusedError
from lockstitch.notifications.base import Channel, WebSender, value_of

# It is not known which markup the service reads: in texts of others these signs stand as their wide forms.
_SIGNS = str.maketrans({sign: chr(ord(sign) + 0xFEE0) for sign in "<>@&*`~|[]#\\"})
_KINDS = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}


class AppriseChannel(Channel):
    """Any service that Apprise knows: `pip install 'lockstitch[apprise]'`."""

    key = "url"
    example: ClassVar[Mapping[str, Any]] = {"url": "env:NTFY_URL"}

    url: Reference = Field(description="reference to the URL of Apprise, such as ntfys://TOPIC")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        try:
            import apprise
        except ImportError:
            raise NoticeRefusedError("Apprise is not installed here: pip install 'lockstitch[apprise]'") from None
        # A name of an icon at a server of others is no part of a notice.
        asset = apprise.AppriseAsset(app_id="Lockstitch", image_url_mask=None, image_url_logo=None, async_mode=False)
        service = apprise.Apprise(asset=asset)
        if not service.add(value_of(known, self.url)):
            raise NoticeRefusedError("its reference is no URL that Apprise knows")
        title, *facts = (line.translate(_SIGNS) for line in notice.text.split("\n"))
        kind = _KINDS[notice.level]
        if not service.notify(body="\n".join(facts) or title, title=title, notify_type=kind, body_format="text"):
            raise NoticeRefusedError("the service did not take it")
        return ""
