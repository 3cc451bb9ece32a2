"""Channels: what each sends, what it changes later, what it escapes, and how it fails."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.engine import notice_delivery
from lockstitch.engine.notice_delivery import NoticeDelivery, NoticeJob, NoticeResult
from lockstitch.model.notice import Notice, NoticeEvent, WebAnswer
from lockstitch.notifications import Channel, channel_types, run
from lockstitch.notifications.discord import DiscordChannel
from lockstitch.notifications.run import CommandChannel
from lockstitch.notifications.slack import SlackChannel
from tests.notifications.stand_in import BROKEN, StandIn, answer

HOSTILE = "<!channel> @everyone <@U1> **bold** [x](https://evil.example) <script> `rm` </a>"
TOKEN = "token-1234"
KINDS: dict[str, dict[str, Any]] = {
    "slack": {"slack": "env:SLACK"},
    "slack bot": {"slack": "env:TOKEN", "channel": "#deploys", "base": "URL"},
    "teams": {"teams": "env:TEAMS"},
    "discord": {"discord": "env:DISCORD"},
    "pagerduty": {"pagerduty": "env:TOKEN", "base": "URL"},
    "webhook": {"webhook": "env:HOOK", "token": "env:TOKEN"},
    "annotation": {"annotation": "env:ROOT", "token": "env:TOKEN"},
    "release": {"release": {"org": "acme", "project": "api"}, "token": "env:TOKEN", "base": "URL"},
}


def notice(event: NoticeEvent = "failed", subject: str = HOSTILE, **others: Any) -> Notice:
    levels: Any = {"begun": "info", "done": "info", "test": "info", "needs_person": "critical"}
    facts = (("hosts", "2: web1; web2"), ("commits", f"1: {subject}"))
    at, revisions = "2026-11-29T10:15:00.000000Z", (("api", "2b1a0c9d"),)
    title = f"deploy of prod {event}"
    known = Notice(event, levels.get(event, "error"), "R1", "deploy", "prod", at, title, facts, revisions)
    return replace(known, **others)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn() as stand_in:
        for name, path in {
            "SLACK": "/slack",
            "TEAMS": "/teams",
            "DISCORD": "/discord",
            "HOOK": "/hook",
            "ROOT": "",
        }.items():
            monkeypatch.setenv(name, stand_in.url + path)
        monkeypatch.setenv("TOKEN", TOKEN)
        yield stand_in


def channel(kind: str, server: StandIn) -> Channel:
    settings = {key: server.url if value == "URL" else value for key, value in KINDS[kind].items()}
    return channel_types()[kind.split()[0]].model_validate(settings)


def sent(kind: str, server: StandIn, *notices: Notice) -> list[NoticeResult]:
    jobs = [NoticeJob("it", each) for each in notices]
    return NoticeDelivery({"it": channel(kind, server)}, jobs).results()


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_sent_and_has_no_secret_in_its_text(kind: str, server: StandIn) -> None:
    results = sent(kind, server, notice("begun"), notice("done"))
    assert [result.problem for result in results] == ["", ""]
    assert server.taken, kind
    if kind != "pagerduty":
        assert TOKEN not in server.texts()


def test_one_message_a_run_where_the_service_can(server: StandIn) -> None:
    sent("slack bot", server, notice("begun"), notice("done"))
    assert [(each.path, each.document.get("ts")) for each in server.taken] == [
        ("/api/chat.postMessage", None),
        ("/api/chat.update", "1.2"),
    ]
    server.taken.clear()
    sent("discord", server, notice("begun"), notice("done"), notice("begun", run="R2"))
    assert [(each.method, each.path) for each in server.taken] == [
        ("POST", "/discord?wait=true"),
        ("PATCH", "/discord/messages/77"),
        ("POST", "/discord?wait=true"),
    ]
    server.taken.clear()
    sent("annotation", server, notice("begun"), notice("done"))
    assert [(e.method, e.path, "time" in e.document, "timeEnd" in e.document) for e in server.taken] == [
        ("POST", "/api/annotations", True, False),
        ("PATCH", "/api/annotations/5", False, True),
    ]


@pytest.mark.parametrize(
    ("kind", "gone", "anew"), [("slack bot", "C1 0.9", "C1 1.2"), ("discord", "66", "77"), ("annotation", "4", "5")]
)
def test_a_message_that_somebody_has_deleted_is_written_again(kind: str, gone: str, anew: str, server: StandIn) -> None:
    job = NoticeJob("it", notice("done"), gone)
    (result,) = NoticeDelivery({"it": channel(kind, server)}, [job]).results()
    assert (result.problem, result.thread, len(server.taken)) == ("", anew, 2)


def test_no_password_of_a_netrc_is_sent(server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login ada password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sent("webhook", server, notice())
    sent("slack", server, notice())
    assert [each.headers.get("Authorization") for each in server.taken] == [f"Bearer {TOKEN}", None]


def test_an_incident_is_opened_and_resolved(server: StandIn) -> None:
    sent("pagerduty", server, notice("begun"), notice("needs_person"), notice("done"), notice("test"))
    assert [(e.document["event_action"], e.document["dedup_key"]) for e in server.taken] == [
        ("trigger", "lockstitch/prod"),
        ("resolve", "lockstitch/prod"),
        ("trigger", "lockstitch/prod/test"),
        ("resolve", "lockstitch/prod/test"),
    ]
    assert server.taken[0].document["payload"]["severity"] == "critical"


def test_a_release_is_made_of_what_is_done(server: StandIn) -> None:
    sent("release", server, notice("begun"), notice("failed"))
    assert not server.taken
    sent("release", server, notice("done"))
    root = "/api/0/organizations/acme/releases/"
    assert [each.path for each in server.taken] == [root, f"{root}2b1a0c9d/deploys/"]
    assert server.taken[1].document["environment"] == "prod"


@pytest.mark.parametrize("mode", BROKEN)
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_broken_fails_within_its_time(
    kind: str, mode: str, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (kind, mode) in (("webhook", "lies"), ("release", "lies")):
        pytest.skip("a status of 2xx is all that it says")
    if mode in ("hangs", "drips"):
        monkeypatch.setattr(notice_delivery, "PATIENCE", 0.3)
    server.mode = mode
    target = channel(kind, server)
    if mode == "is away":
        server.server.server_close()
    first = notice("done" if kind == "release" else "failed")
    (result,) = NoticeDelivery({"it": target}, [NoticeJob("it", first)]).results()
    assert result.problem and TOKEN not in result.problem and server.url not in result.problem, result
    if mode == "refuses":
        assert result.problem == "it answered with status 503"


def test_one_that_hangs_holds_no_other_up(server: StandIn) -> None:
    with StandIn("hangs") as other:
        settings = {"pagerduty": "env:TOKEN", "base": other.url}
        channels = {"well": channel("slack", server), "ill": channel_types()["pagerduty"].model_validate(settings)}
        delivery = NoticeDelivery(channels, [NoticeJob("ill", notice()), NoticeJob("well", notice())])
        assert other.asked.wait(10)
        until = time.monotonic() + 10
        while not server.taken and time.monotonic() < until:
            time.sleep(0.01)
        results = {result.job.channel: result.problem for result in delivery.results(0.0)}
        assert server.taken and results["ill"]


def test_a_command_is_given_the_notice(tmp_path: Path) -> None:
    settings = CommandChannel(run=f"cat >{tmp_path}/notice; exit $(cat {tmp_path}/code 2>/dev/null || echo 0)")
    (result,) = NoticeDelivery({"it": settings}, [NoticeJob("it", notice())]).results()
    document = json.loads((tmp_path / "notice").read_text())
    assert result.problem == "" and (document["event"], document["run"]) == ("failed", "R1")
    assert document["facts"]["commits"] == f"1: {HOSTILE}"
    (tmp_path / "code").write_text("3")
    (result,) = NoticeDelivery({"it": settings}, [NoticeJob("it", notice())]).results()
    assert result.problem == "it ended with exit code 3"


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_PATIENCE", 0.3)
    (result,) = NoticeDelivery(
        {"it": CommandChannel(run="sleep 600 & sleep 601")}, [NoticeJob("it", notice())]
    ).results()
    assert result.problem == "it was ended, because it took longer than 0.3 s"


def test_a_secret_that_cannot_be_had_is_told(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK")
    (result,) = sent("slack", server, notice())
    assert result.problem == "the secret env:SLACK cannot be had: it is not set on this machine"


def test_without_apprise_it_says_how_to_install_it(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    settings = channel_types()["url"].model_validate({"url": "env:HOOK"})
    (result,) = NoticeDelivery({"it": settings}, [NoticeJob("it", notice())]).results()
    assert result.problem == "Apprise is not installed here: pip install 'lockstitch[apprise]'"


def test_the_example_of_each_is_taken() -> None:
    for key, kind in channel_types().items():
        made = kind.model_validate(kind.example)
        assert key in kind.model_fields and (made.references() or key == "run"), key


class Recorded:
    """A sender that keeps what it is given."""

    def __call__(self, method: str, url: str, document: Any = None, headers: Any = None) -> WebAnswer:
        self.document = document
        return WebAnswer(*answer(method, url.removeprefix("http://x").partition("?")[0], document))


@given(st.text(max_size=60) | st.sampled_from([HOSTILE, "@here", "<!here|x>", "\\*a\\*", "&lt;!channel&gt;"]))
def test_slack_reads_no_markup_in_what_others_wrote(subject: str) -> None:
    web = Recorded()
    SlackChannel(slack="env:X").send(notice(subject=subject), {"env:X": "http://x/slack"}, web, "")
    text = web.document["text"]
    assert "<" not in text and ">" not in text
    assert (web.document["mrkdwn"], web.document["parse"], web.document["link_names"]) == (False, "none", False)
    # A reader sees what was written.
    seen = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert subject in seen


@given(st.text(max_size=3000) | st.sampled_from([HOSTILE, "@everyone", "\\", "https://evil.example", "# big"]))
def test_discord_reads_no_markup_in_what_others_wrote(subject: str) -> None:
    web = Recorded()
    DiscordChannel(discord="env:X").send(notice(subject=subject), {"env:X": "http://x/discord"}, web, "")
    assert web.document["allowed_mentions"] == {"parse": []} and len(web.document["content"]) <= 2000
    text, at = web.document["content"], 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        assert text[at] not in "*_~`|<>[]()#@:", text
        at += 1


def test_teams_shows_text_without_markdown(server: StandIn) -> None:
    sent("teams", server, notice())
    content = server.taken[0].document["attachments"][0]["content"]
    assert {line["type"] for line in content["body"]} == {"RichTextBlock"} and "msteams" not in content
    assert content["body"][2]["inlines"] == [{"type": "TextRun", "text": f"commits: 1: {HOSTILE}"}]


def test_grafana_shows_text_without_html(server: StandIn) -> None:
    sent("annotation", server, notice())
    assert "<script>" not in server.taken[0].document["text"] and "&lt;script&gt;" in server.taken[0].document["text"]
