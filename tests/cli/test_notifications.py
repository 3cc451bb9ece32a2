"""Notices about runs: every end is told, and a channel that is broken delays, fails and hides no run."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator
from tests.notifications.stand_in import StandIn

SECRET = "hunter2-the-secret"
ALL = ["begun", "done", "failed", "rolled_back", "refused", "interrupted", "needs_person", "killed"]


class Team:
    """A team that is told by a webhook, and the operator whose runs it is told of."""

    def __init__(self, operator: Operator, server: StandIn) -> None:
        self.operator, self.server = operator, server
        self.app = operator.inventory["apps"]["app"]
        self.queue = operator.folder / ".lockstitch" / "notices"

    def events(self) -> list[tuple[str, str]]:
        return [(each.document["kind"], each.document["event"]) for each in self.server.taken]

    def waiting(self) -> list[Path]:
        return sorted(self.queue.glob("*.json"))

    def notes(self, document: dict[str, Any]) -> str:
        return "\n".join(document["notes"])


@pytest.fixture
def team(deployed: Operator) -> Iterator[Team]:
    before = dict(deployed.inventory["apps"]["app"])
    with StandIn() as server:
        deployed.env |= {"HOOK": f"{server.url}/hook", "SHOP_KEY": SECRET}
        deployed.inventory["notify"] = {
            "to": {"team": {"webhook": "env:HOOK"}},
            "when": {event: ["team"] for event in ALL},
        }
        deployed.inventory["apps"]["app"]["secrets"] = {"SHOP_KEY": "env:SHOP_KEY"}
        yield Team(deployed, server)
    del deployed.inventory["notify"]
    deployed.inventory["apps"]["app"].clear()
    deployed.inventory["apps"]["app"].update(before)
    for path in Team(deployed, server).queue.glob("*"):
        path.unlink()


# The step of a deploy that makes a run end with this code, after its beginning was told.
ENDS = {
    0: {},
    5: {"build": ["echo failing with $SHOP_KEY; exit 1"]},
    6: {"service": {"kind": "command", "reload": "exit 1", "status": "exit 1"}},
}


@pytest.mark.parametrize("broken", [False, True], ids=["well", "broken"])
@pytest.mark.parametrize("code", ENDS)
def test_each_end_is_told_and_a_broken_channel_changes_none(team: Team, code: int, broken: bool) -> None:
    commit(team.operator, f"<!channel> ends with {code} and {SECRET}")
    team.app |= ENDS[code]
    team.server.mode = "refuses" if broken else ""
    ran = team.operator.fab("deploy", "--json", "--message", f"with {SECRET}")
    assert ran.code == code, ran.said
    event = {0: "done", 5: "rolled_back", 6: "needs_person"}[code]
    if not broken:
        assert team.events() == [("deploy", "begun"), ("deploy", event)], ran.said
        assert not team.waiting() and "notices" not in team.notes(ran.json)
        facts = team.server.taken[-1].document["facts"]
        assert facts["why"] == "with ***" and facts["record"].endswith(ran.json["run"])
        assert "<!channel> ends with" in facts["commits"] and "two" in facts["hosts"]
        assert SECRET not in team.server.texts() and "failing with" not in team.server.texts()
        return
    (path,) = team.waiting()
    assert "channel team was not told that deploy of lab" in team.notes(ran.json)
    assert "it answered with status 503" in team.notes(ran.json)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert team.server.url not in text and SECRET not in text and "env:" not in text
    # The next command tells it.
    team.server.mode = ""
    ran = team.operator.fab("notify.test", "--json")
    assert ran.code == 0, ran.said
    assert sorted(team.events()) == [("deploy", event), ("test", "test")] and not team.waiting()


def test_a_plan_and_a_refusal_before_the_beginning_tell_nothing(team: Team) -> None:
    commit(team.operator, "not deployed yet")
    assert team.operator.fab("plan").code == 0
    assert team.operator.fab("lock.take", "--message", "mine").code == 0
    try:
        assert team.operator.fab("deploy").code == 4
    finally:
        assert team.operator.fab("lock.release").code == 0
    team.operator.inventory["hooks"] = {"before_deploy": ["exit 1"]}
    try:
        assert team.operator.fab("deploy").code == 7
    finally:
        del team.operator.inventory["hooks"]
    assert team.events() == [] and not team.waiting()


def test_a_rollback_is_told(team: Team) -> None:
    commit(team.operator, "one more")
    assert team.operator.fab("deploy").code == 0
    assert team.operator.fab("rollback").code == 0
    assert team.events()[2:] == [("rollback", "begun"), ("rollback", "rolled_back")]


@pytest.mark.parametrize("broken", [False, True], ids=["well", "broken"])
def test_a_refusal_after_the_beginning_is_told(team: Team, broken: bool) -> None:
    """The origin takes no tag: the deploy ends with 7 after its locks are held."""
    commit(team.operator, f"refused {broken}")
    hook = team.operator.folder.parent / "origin" / ".git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    team.server.mode = "lies" if broken else ""
    try:
        ran = team.operator.fab("deploy", "--tag-before", f"before-{broken}".lower(), "--json")
    finally:
        hook.unlink()
    assert ran.code == 7, ran.said
    assert team.events() == ([] if broken else [("deploy", "begun"), ("deploy", "refused")])


def test_a_queue_that_cannot_be_written_fails_no_run(team: Team) -> None:
    commit(team.operator, "no place")
    for path in team.queue.glob("*"):
        path.unlink()
    if team.queue.exists():
        team.queue.rmdir()
    team.queue.write_text("a file where a folder should be")
    try:
        ran = team.operator.fab("deploy", "--json")
    finally:
        team.queue.unlink()
    assert ran.code == 0, ran.said
    assert team.events() == [("deploy", "begun"), ("deploy", "done")]
    assert "notices cannot be kept on this machine" in team.notes(ran.json)


@pytest.mark.parametrize("broken", [False, True], ids=["well", "broken"])
def test_an_interrupt_is_told(team: Team, broken: bool) -> None:
    commit(team.operator, f"interrupted {broken}")
    team.server.mode = "resets" if broken else ""
    team.app["build"] = ["echo build-$((1 + 1)); sleep 600"]
    with team.operator.start("deploy") as run:
        run.until("build-2")
        ended = team.operator.ctrl_c(run)
    assert ended.code == 130, ended.said
    assert team.events() == ([] if broken else [("deploy", "begun"), ("deploy", "interrupted")])
    assert len(team.waiting()) == broken


def test_a_run_that_is_killed_is_told_by_the_next_command(team: Team) -> None:
    commit(team.operator, "killed")
    team.app["build"] = ["echo build-$((1 + 1)); sleep 600"]
    with team.operator.start("deploy") as run:
        run.until("build-2")
        # One that goes on is not taken for killed.
        assert team.operator.fab("notify.test").code == 0
        assert ("deploy", "killed") not in team.events()
        run.signal(signal.SIGKILL)
        run.finish(20)
    team.operator.until_quiet()
    assert team.operator.fab("plan", "--json").code in (0, 4, 7)
    assert ("deploy", "killed") not in team.events(), "a plan sends nothing"
    team.operator.fab("status")
    assert team.events()[-1] == ("deploy", "killed") and not team.waiting()
    assert team.operator.fab("notify.test").code == 0
    assert team.events().count(("deploy", "killed")) == 1
    team.app.pop("build")
    ran = team.operator.fab("lock.break", "--yes")
    assert ran.code in (0, 2, 7), ran.said


def test_one_that_is_killed_after_its_end_was_not_cut_off(team: Team) -> None:
    commit(team.operator, "killed late")
    team.operator.inventory["hooks"] = {"after_deploy": ["echo $$ >$HOME/hooked; exec sleep 600"]}
    hooked = team.operator.folder / "home" / "hooked"
    try:
        with team.operator.start("deploy") as run:
            until = time.monotonic() + 60
            while not (hooked.exists() and hooked.read_text().strip()) and time.monotonic() < until:
                time.sleep(0.02)
            run.signal(signal.SIGKILL)
            run.finish(20)
    finally:
        os.kill(int(hooked.read_text()), signal.SIGKILL)
        del team.operator.inventory["hooks"]
    assert team.operator.fab("notify.test").code == 0
    assert team.events() == [("deploy", "begun"), ("test", "test"), ("deploy", "done")]


def test_a_hanging_channel_holds_no_step_up(team: Team) -> None:
    """The run goes on while the channel hangs: the deploy has switched before the channel is freed."""
    commit(team.operator, "beside")
    team.server.mode = "hangs"
    with team.operator.start("deploy") as run:
        run.until("done")
        ended = run.finish(60)
    assert ended.code == 0, ended.said
    assert "channel team was not told" in ended.said and "no answer in time" in ended.said
    assert len(team.waiting()) == 1


@pytest.mark.parametrize("words", [("status", "--json"), ("history", "--json")], ids=["status", "history"])
def test_who_only_looks_has_the_whole_answer_before_a_channel_is_asked(team: Team, words: tuple[str, ...]) -> None:
    commit(team.operator, f"answered first {words}")
    team.server.mode = "refuses"
    assert team.operator.fab("deploy").code == 0
    (path,) = team.waiting()
    path.write_text(json.dumps({**json.loads(path.read_text()), "tried": ""}))
    team.server.mode = ""
    with team.operator.start(*words) as run:
        # The channel answers only once all of the document is there.
        team.server.seen = lambda: run.until("\n}\n")
        ended = run.finish(60)
    assert ended.code == 0 and ended.json["exit_code"] == 0, ended.said
    assert team.events()[-1:] == [("deploy", "done")] and not team.waiting(), ended.said


def test_with_a_watch_done_is_told_after_it(team: Team) -> None:
    commit(team.operator, "watched")
    team.app["watch"] = [{"for": "4s", "every": "1s"}]
    at_watch: list[int] = []
    with team.operator.start("deploy", "--watch") as run:
        run.until("watching")
        at_watch.append(len(team.events()))
        ended = run.finish(60)
    assert ended.code == 0, ended.said
    assert at_watch == [1] and team.events() == [("deploy", "begun"), ("deploy", "done")]
    assert team.server.taken[-1].document["title"] == "deploy of lab is done, and its watch has passed"
    assert not team.waiting()


def test_a_detached_watch_tells_the_end_and_one_that_is_killed_is_told(team: Team) -> None:
    commit(team.operator, "detached")
    team.app["watch"] = [{"for": "10m", "every": "1s"}]
    ran = team.operator.fab("deploy", "--watch", "--detach", "--json")
    assert ran.code == 0, ran.said
    (path,) = team.waiting()
    # It is watched, so nothing is told yet.
    assert team.operator.fab("notify.test").code == 0 and team.waiting() == [path]
    process = ran.json["watch"]["process"]
    os.kill(process, signal.SIGKILL)
    while Path(f"/proc/{process}").exists() and "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]:
        pass
    assert team.operator.fab("notify.test").code == 0
    assert team.events()[-1] == ("deploy", "killed") and not team.waiting()
    assert "nobody watches it" in team.server.taken[-1].document["title"]
    # A watch of that release that is begun again, and stopped, tells nothing twice.
    assert json.loads(ran.out)["exit_code"] == 0


def test_a_damaged_notice_is_told_and_kept(team: Team) -> None:
    team.queue.mkdir(exist_ok=True)
    (team.queue / "20260101T000000Z-0000.json").write_text('{"notice": {}}')
    ran = team.operator.fab("notify.test")
    assert ran.code == 0 and "a notice that waits cannot be read" in ran.said, ran.said
    assert len(team.waiting()) == 1


def test_the_test_tells_which_channel_is_broken(team: Team) -> None:
    to = team.operator.inventory["notify"]["to"]
    to["away"] = {"slack": "env:NOWHERE"}
    ran = team.operator.fab("notify.test", "--json")
    assert ran.code == 7, ran.said
    assert [(each["channel"], each["kind"], each["sent"]) for each in ran.json["channels"]] == [
        ("team", "webhook", True),
        ("away", "slack", False),
    ]
    assert "env:NOWHERE cannot be had" in ran.json["channels"][1]["reason"]
    assert team.operator.fab("notify.test", "team").code == 0
    wrong = team.operator.fab("notify.test", "teem")
    assert wrong.code == 2 and "did you mean team?" in wrong.said
