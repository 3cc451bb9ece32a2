"""`fab notify.test`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(takes="names", needs="notify", options=["json"], help={"names": "only these channels, with commas"})
def test(session: cli.Session, names: str = "") -> None:
    """
    Send a test notice to each channel.

    Send a test notice to each channel of `notify` in the inventory, and tell which took it. What waits is sent, too.

        fab -H prod notify.test
        fab -H prod notify.test deploys,page

    Exit codes: 0 each has taken it, 2 there is no such channel, 7 one has not.
    """
    cli.notifications.send_test(session, names)


namespace = cli.Collection("notify", test)
