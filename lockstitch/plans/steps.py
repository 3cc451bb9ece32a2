"""Pure: the steps an app's code goes through on a host, each a sentence, a command and its way back.

`deploy_order.py` says in which order they come. Each function there gets a Deployment and returns the steps of its
site: none where nothing of that kind is to be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from lockstitch.databases.migrations import MigrationSession
from lockstitch.facts.git import ASIDE, KEEP, PUT_BACK, SETTINGS, UNLESS_WHOLE
from lockstitch.facts.queries import code_values
from lockstitch.facts.site import Facts
from lockstitch.inventory.model import App
from lockstitch.model.command import Command, Value
from lockstitch.model.gate import Gate
from lockstitch.model.layout import Layout
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site, SitePlan, Step
from lockstitch.model.release import short
from lockstitch.plans import shell_texts
from lockstitch.plans.database_steps import DatabaseJob
from lockstitch.plans.shell_texts import ACTIVATE, LINK, RESTORE
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import NOTE_RELOAD


@dataclass(frozen=True)
class Deployment:
    """A site and the release that it is to get: from its facts to a revision, as a new release or one that exists.

    `message` and `discard` are options of the run, `tag` is the name that the running revision gets first (and `pushes`
    whether this site pushes it). `migrates` marks the one site of its app that migrates, `shelf` is the database that
    is dumped before. `code_unit` is the unit that has moved the checkout already, `maintenance_unit` the one that has
    put the site into maintenance; `database_goes_back` marks an app whose database is taken back. `session` is how
    migrations meet the database's server. `ref` is what the release is deployed by, in
    full for a branch or tag. `settings_step` puts the environment file of an earlier time back, which `take_steps` give to
    the service instead of a reload, and `settings_gate` proves to run.
    """

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
    message: str = ""
    discard: bool = False
    tag: str = ""
    pushes: bool = False
    migrates: bool = False
    shelf: DatabaseJob | None = None
    code_unit: SitePlan | None = None
    maintenance_unit: SitePlan | None = None
    database_goes_back: bool = False
    session: MigrationSession = MigrationSession()
    ref: str = ""
    settings_step: Step | None = None
    take_steps: tuple[Step, ...] = ()
    settings_gate: Gate | None = None

    @property
    def deploying(self) -> bool:
        return self.kind == "deploy"

    @property
    def folder_ready(self) -> bool:
        """Tell whether the folder of the release is there, from an earlier run."""
        return self.reused and not self.layout.in_place

    @property
    def code_ready(self) -> bool:
        """Tell whether nothing is left to do for the code before the switch."""
        return self.folder_ready or self.code_unit is not None

    @property
    def layout(self) -> Layout:
        return self.site.layout

    @property
    def before(self) -> str | None:
        return self.facts.place.revision

    @property
    def place(self) -> ReleaseContext:
        """The release that is to serve, as its service sees it."""
        return ReleaseContext(
            self.app.name,
            self.layout,
            self.release,
            self.revision,
            self.env,
            self.facts.about,
            ref=self.ref,
            built=self.app.built,
        )

    @property
    def old(self) -> ReleaseContext | None:
        """The release that serves now; None on a first deploy. Its revision is empty where that is not known."""
        if not self.facts.deployed:
            return None
        current = self.facts.place.current or ""
        return ReleaseContext(
            self.app.name,
            self.layout,
            current,
            self.before or "",
            self.env,
            self.facts.about,
            ref=self.facts.ref,
            built=self.app.built,
        )

    @property
    def aside(self) -> str:
        """The folder in which this run keeps what `--discard-changes` takes out of the checkout."""
        return f"{self.layout.state}/aside/{self.run}"

    @property
    def without(self) -> str:
        """Parts that the revision is known not to have, of what shell texts would look for."""
        return " ".join(self.facts.target.without) if self.deploying and self.facts.target else ""

    def values(self, **more: str) -> dict[str, Value]:
        directory = self.layout.release(self.release)
        return {**code_values(self.app), "directory": directory, "revision": self.revision, **more}

    def step(self, name: str, says: str, command: Command, undo: Command | None = None, *, again: bool = False) -> Step:
        return Step(name, says, command, undo, again, timeout=self.app.timeout)


def _git(job: Deployment, text: str, **more: str) -> Command:
    """A command of `shell_texts`; the app's environment may say how the git server is reached (GIT_SSH_COMMAND)."""
    return Command(text, values=job.values(**more), env=job.app.env)


def fetch(job: Deployment) -> tuple[Step, ...]:
    """Fetch the repository into the clone of the host."""
    return (job.step("fetch", f"fetch {job.app.repository}", _git(job, shell_texts.FETCH, without=job.without)),)


def export(job: Deployment) -> tuple[Step, ...]:
    """Make the release's folder and link the shared files into it."""
    if job.folder_ready:
        return ()
    undo = Command(shell_texts.DISCARD_EXPORT, values=job.values())
    says = f"check {short(job.revision)} out as release {job.release}"
    command = _git(job, shell_texts.EXPORT, fetched="yes" if job.deploying else "", without=job.without)
    made = job.step("release", says, command, undo)
    links = (
        job.step(f"link {path}", f"link shared {path}", Command(LINK, values={**job.values(), "path": path}))
        for path in job.app.shared
    )
    return (made, *links)


def keep(job: Deployment) -> tuple[Step, ...]:
    """Keep a live revision that is not part of the next under a ref of ours. A rollback leaves what is published."""
    target = job.facts.target
    if not job.before or target is None or not (target.gone or target.between if job.deploying else target.unpublished):
        return ()
    says = f"keep {short(job.before)}, which goes, as refs/lockstitch/kept/{job.before}"
    return (job.step("keep", says, _git(job, SETTINGS + KEEP, before=job.before)),)


def checkout(job: Deployment) -> tuple[Step, ...]:
    """Move the checkout to the revision; its way back is the revision it was on. With `discard` what is changed or in
    the way is first moved into the state folder, and comes back last."""
    if job.code_ready:
        return ()
    if job.discard and job.facts.in_the_way:
        return _discarding(job)
    undo = None
    if job.before:
        known = {"revision": job.before, "without": "", "lock": job.layout.lock, "built": ""}
        undo = _git(job, shell_texts.CHECKOUT, force="--force", back="yes", **known)
    built = "yes" if job.facts.place.built else ""
    command = _git(job, shell_texts.CHECKOUT, force="", back="", without=job.without, built=built)
    return (job.step("checkout", f"check {short(job.revision)} out in {job.layout.path}", command, undo),)


def _discarding(job: Deployment) -> tuple[Step, ...]:
    kept = {"state": job.layout.state, "run": job.run, "force": "--force", "built": ""}
    undo = None
    if job.before:
        text = UNLESS_WHOLE + shell_texts.CHECKOUT
        undo = _git(job, text, **kept, back="yes", revision=job.before, without="", lock=job.layout.lock)
    says = f"move {len(job.facts.in_the_way)} files that are changed or in the way to {job.aside}"
    undo_aside = _git(job, SETTINGS + PUT_BACK, **kept)
    out = f"check {short(job.revision)} out in {job.layout.path}"
    return (
        job.step("set aside", says, _git(job, SETTINGS + ASIDE, **kept), undo_aside),
        job.step("checkout", out, _git(job, shell_texts.CHECKOUT, **kept, back="", without=job.without), undo),
    )


def build(job: Deployment) -> tuple[Step, ...]:
    """Run the preparation of the service, then the build lines of the app. In place they overwrite what serves, so they
    run again on the way back."""
    if job.code_ready:
        return ()
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
    lines = () if job.code_ready else job.app.test
    return tuple(job.step(_numbered("test", i, lines), ln, job.place.inside(ln)) for i, ln in enumerate(lines, 1))


def check(job: Deployment) -> tuple[Step, ...]:
    """Load the new code without serving it."""
    if job.code_ready:
        return ()
    if job.app.check:
        return (job.step("check", job.app.check, job.place.inside(job.app.check)),)
    step = job.app.service.check(job.place)
    return (step,) if step else ()


def prepare_service(job: Deployment) -> tuple[Step, ...]:
    """Prepare the service in the new release, after the migration and before it serves."""
    if job.folder_ready:
        return ()
    again = job.layout.in_place and job.before is not None
    return tuple(
        replace(step, redo_on_rollback=step.redo_on_rollback and again) for step in job.app.service.before(job.place)
    )


def reload_others(job: Deployment) -> tuple[Step, ...]:
    """Reload what else takes the new code, once it serves."""
    return tuple(
        replace(step, redo_on_rollback=step.redo_on_rollback and job.facts.deployed)
        for step in job.app.service.after(job.place)
    )


def activate(job: Deployment) -> tuple[Step, ...]:
    """Point `current` at the release, atomically; its way back is whatever it was, byte for byte."""
    values = job.values(id=job.release, run=job.run, state=job.layout.state)
    says = f"point current at {job.release}"
    return (job.step("activate", says, Command(ACTIVATE, values=values), Command(RESTORE, values=values)),)


def clear_caches(job: Deployment) -> tuple[Step, ...]:
    """Clear the caches of an app whose database was taken back, so that nothing of the newer data is served."""
    return tuple(job.app.service.clear_caches(job.place)) if job.database_goes_back else ()


def reload(job: Deployment) -> tuple[Step, ...]:
    """Let the service take the code; the moment before is noted, so that older workers can be told from new ones."""
    if job.take_steps:
        return job.take_steps
    step = job.app.service.reload_step(job.place)
    noted = replace(step.command, text=f"{NOTE_RELOAD}\n{step.command.text}")
    if not job.facts.deployed:
        return (replace(step, command=noted, undo=job.app.service.stop(job.place)),)
    return (replace(step, command=noted, redo_on_rollback=True),)


def tag(job: Deployment) -> tuple[Step, ...]:
    """Tag the revision that is running, in the clone of the host, so that there is a name to come back to."""
    if not job.tag:
        return ()
    says = f"tag {short(job.before)}, which is running, as {job.tag}"
    return (job.step(f"tag {job.tag}", says, _tag(job, shell_texts.TAG), _tag(job, shell_texts.DELETE_TAG)),)


def push_tag(job: Deployment) -> tuple[Step, ...]:
    """Push that tag, once for each repository."""
    if not job.pushes:
        return ()
    undo = _tag(job, shell_texts.UNPUSH_TAG)
    return (job.step("push tag", f"push {job.tag} to origin", _tag(job, shell_texts.PUSH_TAG), undo),)


def _tag(job: Deployment, text: str) -> Command:
    assert job.before is not None
    known = {"tag": job.tag, "by": job.by, "message": job.message or job.tag, "state": job.layout.state}
    return _git(job, text, revision=job.before, **known, release=job.release)


def _numbered(name: str, number: int, of: tuple[str, ...]) -> str:
    return name if len(of) == 1 else f"{name} {number}/{len(of)}"
