"""Pure: the steps an app's code goes through on a host, each a sentence, a command and its way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lockstitch.facts.git import SETTINGS
from lockstitch.facts.git_changes import ASIDE, KEEP, PUT_BACK, UNLESS_WHOLE
from lockstitch.facts.queries import code_values
from lockstitch.facts.site import Facts
from lockstitch.inventory import App
from lockstitch.model.command import Command, Value
from lockstitch.model.layout import Layout
from lockstitch.model.plan import Site, Step
from lockstitch.model.release import Release, short
from lockstitch.plans import git_steps
from lockstitch.plans.release_shell import ACTIVATE, LINK, RECORD, RESTORE, SPARE
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import NOTE_RELOAD


@dataclass(frozen=True)
class Deployment:
    """What is to become of one site: from its facts to a revision, as a release of this run or one that is there."""

    site: Site
    app: App
    facts: Facts
    revision: str
    release: str
    reused: bool = False
    env: Mapping[str, Value] = field(default_factory=dict)
    run: str = ""
    by: str = ""
    kind: str = ""

    @property
    def layout(self) -> Layout:
        return self.site.layout

    @property
    def before(self) -> str | None:
        return self.facts.place.revision

    @property
    def place(self) -> ReleaseContext:
        """The release that is to serve, as its service sees it."""
        return ReleaseContext(self.app.name, self.layout, self.release, self.revision, self.env, self.facts.about)

    @property
    def old(self) -> ReleaseContext | None:
        """The release that serves now; None on a first deploy. Its revision is empty where that is not known."""
        if not self.facts.deployed:
            return None
        current = self.facts.place.current or ""
        return ReleaseContext(self.app.name, self.layout, current, self.before or "", self.env, self.facts.about)

    @property
    def aside(self) -> str:
        """The folder in which this run keeps what `--discard-changes` takes out of the checkout."""
        return f"{self.layout.state}/aside/{self.run}"

    def values(self, **more: str) -> dict[str, Value]:
        directory = self.layout.release(self.release)
        return {**code_values(self.app), "directory": directory, "revision": self.revision, **more}

    def step(self, name: str, says: str, command: Command, undo: Command | None = None, *, again: bool = False) -> Step:
        return Step(name, says, command, undo, again, timeout=self.app.timeout)


def _git(job: Deployment, text: str, **more: str) -> Command:
    """A command of `git_steps`; the app's environment may say how the git server is reached (GIT_SSH_COMMAND)."""
    return Command(text, values=job.values(**more), env=job.app.env)


def fetch(job: Deployment) -> Step:
    return job.step("fetch", f"fetch {job.app.repository}", _git(job, git_steps.FETCH))


def export(job: Deployment) -> tuple[Step, ...]:
    """Make the release's folder and link the shared files into it."""
    undo = Command(git_steps.DISCARD_EXPORT, values=job.values())
    says = f"check {short(job.revision)} out as release {job.release}"
    made = job.step("release", says, _git(job, git_steps.EXPORT), undo)
    links = (
        job.step(f"link {path}", f"link shared {path}", Command(LINK, values={**job.values(), "path": path}))
        for path in job.app.shared
    )
    return (made, *links)


def keep(job: Deployment, *, fetching: bool) -> tuple[Step, ...]:
    """Keep a live revision that is not part of the next under a ref of ours. A rollback leaves what is published."""
    target = job.facts.target
    if not job.before or target is None or not (target.gone or target.between if fetching else target.unpublished):
        return ()
    says = f"keep {short(job.before)}, which goes, as refs/lockstitch/kept/{job.before}"
    return (job.step("keep", says, _git(job, SETTINGS + KEEP, before=job.before)),)


def checkout(job: Deployment, *, discard: bool = False) -> tuple[Step, ...]:
    """Move the checkout to the revision; its way back is the revision it was on. With `discard` what is changed or in
    the way is first moved into the state folder, and comes back last."""
    if discard and job.facts.in_the_way:
        return _discarding(job)
    undo = None
    if job.before:
        undo = _git(job, git_steps.CHECKOUT, force="--force", back="yes", revision=job.before, lock=job.layout.lock)
    command = _git(job, git_steps.CHECKOUT, force="", back="")
    return (job.step("checkout", f"check {short(job.revision)} out in {job.layout.path}", command, undo),)


def _discarding(job: Deployment) -> tuple[Step, ...]:
    kept = {"state": job.layout.state, "run": job.run, "force": "--force"}
    undo = None
    if job.before:
        text = UNLESS_WHOLE + git_steps.CHECKOUT
        undo = _git(job, text, **kept, back="yes", revision=job.before, lock=job.layout.lock)
    says = f"move {len(job.facts.in_the_way)} files that are changed or in the way to {job.aside}"
    back = _git(job, SETTINGS + PUT_BACK, **kept)
    out = f"check {short(job.revision)} out in {job.layout.path}"
    return (
        job.step("set aside", says, _git(job, SETTINGS + ASIDE, **kept), back),
        job.step("checkout", out, _git(job, git_steps.CHECKOUT, **kept, back=""), undo),
    )


def build(job: Deployment) -> tuple[Step, ...]:
    """What its service makes ready, then the app's own build lines. In place they write over what serves, so they are
    done again on the way back."""
    again = job.layout.in_place and job.before is not None
    first = (
        replace(step, redo_on_rollback=step.redo_on_rollback and again) for step in job.app.service.prepare(job.place)
    )
    return *first, *(
        job.step(_numbered("build", i, job.app.build), line, job.place.inside(line), again=again)
        for i, line in enumerate(job.app.build, 1)
    )


def test(job: Deployment) -> tuple[Step, ...]:
    """The app's own tests, in the new code on the host."""
    lines = job.app.test
    return tuple(job.step(_numbered("test", i, lines), ln, job.place.inside(ln)) for i, ln in enumerate(lines, 1))


def check(job: Deployment) -> tuple[Step, ...]:
    """Load the new code without serving it."""
    if job.app.check:
        return (job.step("check", job.app.check, job.place.inside(job.app.check)),)
    step = job.app.service.check(job.place)
    return (step,) if step else ()


def migrate(job: Deployment) -> tuple[Step, ...]:
    """Migrate with the new code, which fails where it still lists a pending migration afterwards."""
    if not job.app.migrate:
        return ()
    return (job.step("migrate", f"once: {job.app.migrate}", migrating(job, job.place)),)


def migrating(job: Deployment, place: ReleaseContext) -> Command:
    """The app's `migrate` in the code at `place`, proven by what is pending then."""
    return job.app.migrating.proven(job.app.service.migrating(place, job.app.migrate or "true"))


def before(job: Deployment) -> tuple[Step, ...]:
    """What the service does in the new release, after the migration and before it serves."""
    again = job.layout.in_place and job.before is not None
    return tuple(
        replace(step, redo_on_rollback=step.redo_on_rollback and again) for step in job.app.service.before(job.place)
    )


def after(job: Deployment) -> tuple[Step, ...]:
    """What else takes the new code once it serves."""
    return tuple(
        replace(step, redo_on_rollback=step.redo_on_rollback and job.facts.deployed)
        for step in job.app.service.after(job.place)
    )


def activate(job: Deployment) -> Step:
    """Point `current` at the release, atomically; its way back is whatever it was, byte for byte."""
    values = job.values(id=job.release, run=job.run, state=job.layout.state)
    says = f"point current at {job.release}"
    return job.step("activate", says, Command(ACTIVATE, values=values), Command(RESTORE, values=values))


def reload(job: Deployment) -> Step:
    """Let the service take the code; the moment before is noted, so that older workers can be told from new ones."""
    step = job.app.service.reload_step(job.place)
    noted = replace(step.command, text=f"{NOTE_RELOAD}\n{step.command.text}")
    if not job.facts.deployed:
        return replace(step, command=noted, undo=job.app.service.stop(job.place))
    return replace(step, command=noted, redo_on_rollback=True)


def record(job: Deployment, verdict: str, run: str, by: str, message: str, *, release: Release | None = None) -> Step:
    """Write what became of a release into the host's journal."""
    told = release or Release(job.release, job.revision)
    entry = {
        "event": "release",
        "app": job.app.name,
        "release": told.id,
        "revision": told.revision,
        "before": job.before or "",
        "verdict": verdict,
        "run": run,
        "by": by,
        "message": message,
    }
    text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
    values = {"record": text, "journal": job.layout.journal, "reason": "", "told": job.app.name}
    if verdict == "bad" and not job.layout.in_place:
        space = {"wanted": str(int(job.app.min_free) // 1024), "id": job.release}
        command = Command(SPARE + RECORD, values={**job.values(**space), **values})
    else:
        command = Command(RECORD, values=values)
    return job.step(f"record {verdict}", f"record {told.id} as {verdict}", command)


def adopt(job: Deployment, run: str, by: str) -> tuple[Step, ...]:
    """Record the release that another tool made and that served until now, so that a rollback finds it."""
    current = job.facts.place.current
    if not (current and job.before and job.facts.adopted):
        return ()
    step = record(job, "good", run, by, "it served before Lockstitch", release=Release(current, job.before))
    return (replace(step, name="record adopted", description=f"record {current}, which served until now, as good"),)


def tag(job: Deployment, name: str, by: str, message: str, *, push: bool) -> tuple[Step, ...]:
    """Tag the revision that is running, in this host's clone, and push the tag where `push` says so."""
    assert job.before is not None
    told = {"tag": name, "by": by, "message": message or name, "state": job.layout.state, "release": job.release}
    says = f"tag {short(job.before)}, which is running, as {name}"
    make, remove, push_it, unpush = (
        _git(job, text, revision=job.before, **told)
        for text in (git_steps.TAG, git_steps.DELETE_TAG, git_steps.PUSH_TAG, git_steps.UNPUSH_TAG)
    )
    steps = [job.step(f"tag {name}", says, make, remove)]
    if push:
        steps.append(job.step("push tag", f"push {name} to origin", push_it, unpush))
    return tuple(steps)


def _numbered(name: str, number: int, of: tuple[str, ...]) -> str:
    return name if len(of) == 1 else f"{name} {number}/{len(of)}"
