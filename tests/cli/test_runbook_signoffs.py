"""Stages that are signed: by whom, with what; and each change of what was signed stops the runbook and is named."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lockstitch.cli import runbook_plans, runbook_signoffs, runbook_stages, runbooks
from tests.cli.runbook_desk import A, B, Desk

RELEASE = """
stages:
  - qa:      {sign: manual QA done, role: qa, lasts: 24h}
  - approve: {sign: release, role: approver, not: [author, operator], of: plan}
  - backend: {run: deploy --only api}
  - check:   {run: smoke}
  - flag:    {run: flag.rollout NEW}
"""
PEOPLE = """
ana@example.com: {name: Ana, roles: [approver, qa], mails: ana@old.example.com}
bob@example.com: {name: Bob, roles: [approver, qa]}
olga@example.com: {name: Olga, roles: [approver]}
"""
NOBODY: dict[str, Any] = {"known": True, "unknown": "", "people": []}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a key for each person."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ana", "bob", "olga"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", str(folder / name)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return folder


@cache
def public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


class SignedDesk(Desk):
    """A desk whose project is a repository with signers, and whose plans have hashes and authors."""

    def __init__(self, folder: Path, keys: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        self.keys, self.patch = keys, patch
        self.hashes = {"deploy": "1" * 64}
        self.authors = dict(NOBODY)
        self.given: list[str] = []
        self.plan_code = 0
        patch.setattr(runbook_plans, "command_output", self._document)
        play = vars(runbook_stages)["run_command"]

        def run(words: Sequence[str], root: Path, env: Any, lock: int | None, output: Any) -> int:
            self.given.append(env.get("LOCKSTITCH_PLAN", ""))
            code: int = play(words, root, env, lock, output)
            return code

        patch.setattr(runbook_stages, "run_command", run)
        self.signers(*(f"{name}@example.com {public(keys / name)}" for name in ("ana", "bob", "olga")))
        (folder / "runbooks/people.yml").write_text(PEOPLE)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Olga")
        self.git("config", "user.email", "olga@example.com")
        self.write(RELEASE)
        self.commit()

    def git(self, *words: str) -> None:
        subprocess.run(["git", "-C", str(self.folder), *words], check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "runbooks")
        self.git("commit", "-qm", "signers")

    def signers(self, *lines: str) -> None:
        (self.folder / "runbooks/allowed_signers").write_text("".join(f"{line}\n" for line in lines))

    def sign(self, stage: str, key: str = "ana", **given: Any) -> int:
        """Sign a stage of the newest run. Returns the exit code."""
        options = {"note": "", "file": "", "key": str(self.keys / key), "text": False, "signature": "", **given}
        return self._ended(lambda: runbooks.sign(self.session(by=f"{key}@desk"), stage, "", **options))

    def status(self) -> str:
        """Return what the status says."""
        before = len(self.said)
        assert self._ended(lambda: runbooks.status(self.session(), "")) == 0
        return "\n".join(self.said[before:])

    def at(self, moment: datetime) -> None:
        """Have it be a time for sign-offs."""

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return moment.astimezone(tz)

        self.patch.setattr(runbook_signoffs, "datetime", Clock)

    def _document(self, words: Sequence[str], root: Path) -> str:
        assert "--dry" in words and "--json" in words
        if self.plan_code:
            return json.dumps({"exit_code": self.plan_code, "error": {"message": "web1 cannot be reached"}})
        environment = words[words.index("-H") + 1]
        document: dict[str, Any] = {
            "environment": environment,
            "changes": [{"app": "api", "to": self.revisions[environment]}],
        }
        document |= {"hash": self.hashes[words[words.index("-H") + 2]], "authors": {"api": self.authors}}
        return json.dumps({"exit_code": 0, **document})


@pytest.fixture
def desk(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> SignedDesk:
    return SignedDesk(tmp_path, keys, monkeypatch)


def signature(key: Path, text: str) -> str:
    """Return what `ssh-keygen` makes of a text elsewhere."""
    words = ["ssh-keygen", "-Y", "sign", "-n", "lockstitch-runbook", "-f", str(key)]
    return subprocess.run(words, input=text.encode(), capture_output=True, check=True).stdout.decode()


def signed(desk: SignedDesk) -> SignedDesk:
    """Have a run begun and signed for by two people."""
    assert desk.begin() == 7
    assert (desk.sign("qa", "bob"), desk.sign("approve")) == (0, 0), desk.all_said
    return desk


def test_a_runbook_stops_until_it_is_signed_and_goes_on_then(desk: SignedDesk) -> None:
    assert desk.begin() == 7
    assert "qa waits for a signature" in desk.all_said
    assert desk.sign("qa", "bob", note="see ticket 12") == 0
    assert "qa is signed by bob@example.com" in desk.said
    assert desk.said[-1].endswith("next: fab -H prod runbook.resume")
    assert desk.resume() == 7
    assert "approve waits for a signature" in desk.all_said and desk.ran == []
    assert desk.sign("approve") == 0
    assert desk.resume() == 0, desk.all_said
    assert desk.ran == ["prod deploy --ref=v1 --only api", "prod smoke", "prod flag.rollout NEW"]
    assert [desk.state().stage(name).by for name in ("qa", "approve")] == ["bob@example.com", "ana@example.com"]
    assert desk.state().stage("qa").reason == "see ticket 12"


def test_the_release_may_carry_out_the_signed_plan_alone(desk: SignedDesk) -> None:
    assert signed(desk).resume() == 0
    assert desk.given == ["1" * 64, "", ""]


def _other_plan(desk: SignedDesk) -> None:
    desk.hashes["deploy"] = "2" * 64


def _other_runbook(desk: SignedDesk) -> None:
    desk.write(RELEASE + "# changed\n")


def _author(desk: SignedDesk) -> None:
    desk.authors = {**NOBODY, "people": [{"name": "A.", "mail": "ANA@old.example.com"}]}


def _unknown_authors(desk: SignedDesk) -> None:
    desk.authors = {"known": False, "unknown": "nothing is deployed yet", "people": []}


def _operator(desk: SignedDesk) -> None:
    desk.git("config", "user.email", "ana@example.com")


def _no_role(desk: SignedDesk) -> None:
    (desk.folder / "runbooks/people.yml").write_text(PEOPLE.replace("roles: [approver, qa], mails", "roles: qa, mails"))
    desk.commit()


def _revoked(desk: SignedDesk) -> None:
    (desk.folder / "runbooks/revoked_keys").write_text(public(desk.keys / "ana"))
    desk.commit()


def _removed(desk: SignedDesk) -> None:
    desk.signers(f"bob@example.com {public(desk.keys / 'bob')}")
    desk.commit()


def _edited(desk: SignedDesk) -> None:
    desk.signers(f"bob@example.com {public(desk.keys / 'bob')}")


VOIDED: list[tuple[Callable[[SignedDesk], None], str, str]] = [
    (_other_plan, "void", "the plan has changed: its hash was 111111111111, and is 222222222222"),
    (_other_runbook, "void", "the file of the runbook has changed"),
    (_author, "void", "ana@example.com wrote what is deployed (as A. <ANA@old.example.com>)"),
    (_no_role, "void", "ana@example.com does not have the role approver"),
    (_revoked, "void", "is revoked in runbooks/revoked_keys"),
    (_removed, "void", "is not in runbooks/allowed_signers"),
    (_unknown_authors, "not verified", "not all authors of what is deployed are known: api: nothing is deployed yet"),
    (_edited, "not verified", "runbooks/allowed_signers is changed and not committed"),
]


@pytest.mark.parametrize(("change", "standing", "says"), VOIDED)
def test_a_change_after_it_was_signed_stops_the_runbook_and_the_status_names_it(
    desk: SignedDesk, change: Callable[[SignedDesk], None], standing: str, says: str
) -> None:
    signed(desk)
    change(desk)
    status = desk.status()
    assert "approve: the sign-off by ana@example.com" in status or "allowed_signers" in says
    assert f"is {standing}" in status and says in status
    assert desk.resume() == 7
    assert says in desk.all_said and desk.ran == []


def test_who_goes_on_with_a_runbook_is_an_operator_of_it(desk: SignedDesk) -> None:
    signed(desk)
    _operator(desk)
    assert desk.resume() == 7
    assert "ana@example.com runs this runbook" in desk.all_said and desk.ran == []


def test_a_sign_off_falls_between_two_stages_and_its_stage_is_open_again(desk: SignedDesk) -> None:
    signed(desk)
    desk.codes["prod smoke"] = 7
    assert desk.resume() == 7
    assert desk.states()["backend"] == "done" and desk.states()["check"] == "failed"
    desk.codes.clear()
    _revoked(desk)
    assert desk.resume() == 7
    assert "flag may not begin, since approve is open again" in desk.all_said
    assert desk.states()["approve"] == "open" and desk.ran[-1] == "prod smoke"
    assert desk.sign("approve", "bob") == 0
    assert desk.resume() == 0, desk.all_said


def test_a_release_that_is_done_is_known_by_its_plan_of_then(desk: SignedDesk) -> None:
    signed(desk)
    desk.codes["prod smoke"] = 7
    assert desk.resume() == 7
    desk.codes.clear()
    # Its plan would be another one now: nothing is to do.
    desk.hashes["deploy"] = "3" * 64
    assert desk.resume() == 0, desk.all_said


def test_an_approval_falls_where_the_facts_differ_after_a_failed_release(desk: SignedDesk) -> None:
    signed(desk)
    desk.codes["prod deploy"] = 5
    assert desk.resume() == 5
    desk.codes.clear()
    _other_plan(desk)
    assert desk.resume() == 7
    assert "backend may not begin, since approve is open again: the plan has changed" in desk.all_said
    assert desk.sign("approve") == 0
    assert desk.resume() == 0


def test_a_sign_off_that_has_expired_is_void(desk: SignedDesk) -> None:
    signed(desk)
    desk.at(datetime.now(UTC) + timedelta(hours=25))
    assert "qa: the sign-off by bob@example.com" in (status := desk.status()) and "is void: it expired at" in status
    assert desk.resume() == 7 and desk.ran == []


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("olga", "olga@example.com runs this runbook (as Olga <olga@example.com>), and may not sign this"),
        ("stranger", "did not sign with"),
    ],
)
def test_who_may_not_sign_is_told_so_and_nothing_is_recorded(desk: SignedDesk, key: str, says: str) -> None:
    desk.begin()
    before = len(desk.state().events)
    assert desk.sign("approve", key) != 0
    assert says in desk.all_said and len(desk.state().events) == before


def test_a_signature_is_pasted_from_another_machine(desk: SignedDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.begin()
    assert desk.sign("approve", text=True, note='"quoted"\nlines\x1b[0m') == 0
    text = desk.said[-1] + "\n"
    monkeypatch.setattr("sys.stdin", io.StringIO((text + signature(desk.keys / "ana", text)).replace("\n", "\r\n  ")))
    assert desk.sign("approve", "bob", signature="-") == 0, desk.all_said
    (event,) = [event for event in desk.state().events if event["event"] == "signed"]
    assert (event["signer"], event["by"], event["text"]) == ("ana@example.com", "bob@desk", text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("approve", "qa"), "it was given for the stage 'qa', and this is 'approve'"),
        (("prod", "staging"), "it was given for the environment 'staging'"),
        (("1" * 64, "2" * 64), "the plan has changed"),
        ((A, B), "the revision of api was bbbbbbbb, and is aaaaaaaa"),
        (('"v1"', '"v2"'), "ref was 'v2', and is 'v1'"),
        (('"expires": ""', '"expires": "2999-01-01T00:00:00Z"'), "it expires at 2999-01-01T00:00:00Z"),
    ],
)
def test_a_signature_of_another_text_is_not_taken(
    desk: SignedDesk, change: tuple[str, str], says: str, tmp_path: Path
) -> None:
    desk.begin()
    desk.sign("approve", text=True)
    text = desk.said[-1].replace(*change) + "\n"
    (tmp_path / "paste").write_text(text + signature(desk.keys / "ana", text))
    assert desk.sign("approve", signature=str(tmp_path / "paste")) == 7
    assert says in desk.all_said and "it was not recorded" in desk.all_said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "there is no signature in it"),
        ("-----BEGIN SSH SIGNATURE-----\n", "not the text that was signed"),
        ("{}\n-----BEGIN SSH SIGNATURE-----\n", "it does not say that it is"),
        ("x\n-----BEGIN SSH SIGNATURE-----\n", "it is not JSON"),
    ],
)
def test_a_paste_that_lacks_something_says_what(desk: SignedDesk, content: str, says: str, tmp_path: Path) -> None:
    desk.begin()
    (tmp_path / "paste").write_text(content)
    assert desk.sign("qa", signature=str(tmp_path / "paste")) == 2
    assert says in desk.all_said
    assert desk.sign("qa", signature=str(tmp_path / "nothing")) == 2


def test_a_file_is_signed_by_its_hash_and_kept(desk: SignedDesk, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"report")
    desk.begin()
    assert desk.sign("qa", "bob", file=str(tmp_path / "report.pdf"), note="passed") == 0
    (tmp_path / "report.pdf").write_bytes(b"another one")
    assert "  passed; report.pdf (SHA-256 " in (status := desk.status()) and "! qa: report.pdf" not in status
    statement = json.loads(next(e for e in desk.state().events if e["event"] == "signed")["text"])
    digest = hashlib.sha256(b"report").hexdigest()
    assert (statement["file"], statement["file_hash"], digest in status) == ("report.pdf", digest, True)
    (kept,) = (desk.runs / desk.state().run / "attachments").iterdir()
    assert kept.read_bytes() == b"report"
    kept.write_bytes(b"another one")
    assert "! qa: report.pdf: it is not what was signed any more" in desk.status()
    assert desk.sign("qa", "bob", file=str(tmp_path / "none")) == 2


def test_a_file_that_was_signed_elsewhere_is_kept_where_it_is_that_file(desk: SignedDesk, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"report")
    (tmp_path / "copy.pdf").write_bytes(b"report")
    (tmp_path / "other.pdf").write_bytes(b"another one")
    desk.begin()
    desk.sign("qa", text=True, file=str(tmp_path / "report.pdf"))
    text = desk.said[-1] + "\n"
    assert not list(desk.runs.glob("*/attachments"))
    (tmp_path / "paste").write_text(text + signature(desk.keys / "bob", text))
    paste = {"signature": str(tmp_path / "paste")}
    assert desk.sign("qa", file=str(tmp_path / "other.pdf"), **paste) == 2
    assert "--file other.pdf was not signed, but report.pdf with the SHA-256" in desk.all_said
    assert not desk.state().signoffs("qa")
    assert desk.sign("qa", **paste) == 0
    assert "! report.pdf is not kept: type the same with --file report.pdf" in desk.said
    assert "! qa: report.pdf: it was not kept here" in desk.status()
    assert desk.sign("qa", file=str(tmp_path / "copy.pdf"), **paste) == 0
    assert "! qa: report.pdf" not in desk.status()


def test_what_cannot_be_planned_is_said_and_not_taken_for_signed(desk: SignedDesk) -> None:
    signed(desk)
    desk.plan_code = 3
    status = desk.status()
    assert status.count("is not verified: the plan of backend cannot be made: web1 cannot be reached") == 2
    assert desk.resume() == 7 and desk.ran == []


def test_a_stage_of_a_plan_needs_a_release(desk: SignedDesk) -> None:
    desk.write("stages:\n  - approve: {sign: release, of: plan}\n  - check: {run: smoke}\n")
    desk.begin()
    assert desk.sign("approve") == 7
    assert "has no release command" in desk.all_said


def test_what_nobody_could_sign_is_told_at_the_beginning(desk: SignedDesk) -> None:
    desk.write(RELEASE.replace("role: qa", "role: tester"))
    desk.begin(dry=True)
    assert desk.said[0] == "! qa: nobody who has a key has the role tester in runbooks/people.yml"
    _edited(desk)
    desk.begin(dry=True)
    assert "! sign-offs cannot be judged: runbooks/allowed_signers is changed and not committed" in desk.all_said


def test_the_file_of_people_is_no_runbook(desk: SignedDesk) -> None:
    assert desk.begin(name="") == 2 and "which runbook? release\n" in f"{desk.said[-1]}\n"
    assert desk.begin(name="people") == 2 and "there is no runbook people" in desk.all_said


def test_a_stage_that_is_not_signed_says_what_to_type(desk: SignedDesk) -> None:
    desk.begin()
    assert desk.sign("check") == 2
    assert "check is no stage that is signed" in desk.all_said


def test_a_skipped_approval_gives_no_plan_to_the_release(desk: SignedDesk) -> None:
    desk.begin()
    assert desk.sign("qa", "bob") == 0
    assert desk.skip("approve", "the approver is ill") == 0
    assert desk.resume() == 0, desk.all_said
    assert desk.given[0] == ""
