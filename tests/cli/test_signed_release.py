"""A runbook that is signed and carried out by the real `fab`: the plan that was signed is the one that is carried out."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator

RUNBOOK = """
stages:
  - approve: {sign: release, role: approver, not: [author, operator], of: plan}
  - backend: {run: deploy}
"""
PEOPLE = (
    "ana@example.com: {name: Ana, roles: approver}\nolga@example.com: {name: Olga, users: ada, mails: a@example.com}\n"
)


@pytest.fixture
def project(deployed: Operator, tmp_path: Path) -> Operator:
    """Return an operator with a runbook, whose stage `ana` signs."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "ana")], check=True)
    folder = deployed.folder / "runbooks"
    folder.mkdir(exist_ok=True)
    (folder / "release.yml").write_text(RUNBOOK)
    (folder / "people.yml").write_text(PEOPLE)
    (folder / "allowed_signers").write_text(f"ana@example.com {(tmp_path / 'ana.pub').read_text()}")
    git = ["git", "-C", str(deployed.folder)]
    who = ["-c", "user.name=Olga", "-c", "user.email=olga@example.com"]
    for words in (["init", "-q"], ["add", "runbooks"], [*who, "commit", "-qm", "signers", "--allow-empty"]):
        subprocess.run([*git, *words], check=True)
    return deployed


def test_the_plan_that_was_signed_is_carried_out_and_no_other(project: Operator, tmp_path: Path) -> None:
    made = commit(project, "faster search")
    begun = project.fab("runbook", "release", "--ref", made)
    assert begun.code == 7 and "approve waits for a signature" in begun.said, begun.said
    assert "next: fab -H lab runbook.sign approve" in begun.said
    (tmp_path / "qa.bin").write_bytes(b"\xff PASSWORD=x")
    signed = project.fab("runbook.sign", "approve", "--key", str(tmp_path / "ana"), "--file", str(tmp_path / "qa.bin"))
    assert signed.code == 0, signed.said
    status = project.fab("runbook.status", "--json").json
    assert status["stages"][0]["sign_off"]["standing"] == "valid", status
    # What is on a host is another thing now: the plan that was signed is none any more.
    project.inventory["apps"]["app"]["build"] = ["true"]
    refused = project.fab("runbook.resume")
    assert refused.code == 7 and "the plan has changed: its hash was" in refused.said, refused.said
    del project.inventory["apps"]["app"]["build"]
    ran = project.fab("runbook.resume")
    assert ran.code == 0, ran.said
    assert project.fab("status", "--json").json["sites"][0]["revision"] == made
    shows_the_file(project, status["run"], tmp_path)


def shows_the_file(project: Operator, run: str, folder: Path) -> None:
    """Check that the report and the archive of a run have the file that was signed, as it was signed."""
    digest = hashlib.sha256(b"\xff PASSWORD=x").hexdigest()
    about = {"stage": "approve", "signer": "ana@example.com", "name": "qa.bin", "digest": digest, "problem": ""}
    assert project.fab("report", run, "--json").json["report"]["signed_files"] == [about]
    assert f"| approve | qa.bin | {digest} | ana@example.com | as it was signed |" in project.fab("report", run).out
    done = project.fab("history.export", run, "--to", str(folder / "run.tar.gz"))
    assert done.code == 0, done.said
    with tarfile.open(folder / "run.tar.gz") as tar:
        kept = tar.extractfile(f"{run}/attachments/approve/{digest[:12]}-qa.bin")
        assert kept is not None and kept.read() == b"\xff PASSWORD=x"
    next((project.folder / ".lockstitch/runs" / run / "attachments").iterdir()).write_bytes(b"damaged")
    assert "it is not what was signed any more" in project.fab("report", run).out
    lacking = project.fab("history.export", run, "--to", str(folder / "again.tar.gz"))
    assert lacking.code == 7 and "qa.bin of approve: it is not what was signed any more" in lacking.said, lacking.said


def test_a_release_refuses_another_plan_than_the_signed_one(project: Operator) -> None:
    made = commit(project, "slower search")
    project.env["LOCKSTITCH_PLAN"] = "0" * 64
    try:
        refused = project.fab("deploy", "--ref", made)
    finally:
        del project.env["LOCKSTITCH_PLAN"]
    assert refused.code == 7 and "this is not the plan that was signed" in refused.said, refused.said
    assert project.fab("deploy", "--ref", made).code == 0
