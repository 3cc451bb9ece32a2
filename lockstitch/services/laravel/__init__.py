"""Service `laravel`: PHP behind php-fpm, with artisan's maintenance mode, caches, migrations and queue workers.

The app's own artisan is asked which commands and options it has. What this version lacks is left out, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

from pydantic import Field

from lockstitch.model.command import Command, words
from lockstitch.model.gate import Verdict, failed, passed
from lockstitch.model.plan import Step
from lockstitch.model.probe import Probe, collect, last
from lockstitch.model.shell import shell_text
from lockstitch.services.base import LogSource, Service
from lockstitch.services.laravel.settings import WORD, Cache, FpmSettings, MaintenanceSettings, QueueSettings
from lockstitch.services.maintenance import Maintenance, Page
from lockstitch.services.queues import Queues, parse_queues
from lockstitch.services.release_context import ReleaseContext, Unwritable, parse_rights, parse_unwritable
from lockstitch.services.state import OBSERVE, ServiceState, parse_state
from lockstitch.services.systemd_unit import MAY_TAKE, RESTART_UNIT, RUN_TEST, START_UNIT, STOP_UNIT, UNIT, UNIT_NAME

_PASSING = "LOCKSTITCH_MAINTENANCE_SECRET"
_text = partial(shell_text, __package__)
_ARTISAN = _text("artisan.sh")
_LATER = (
    "; then UMask=0002 in the units of php-fpm and of the workers, or 'permission' => 0664 in config/logging.php, for "
    "what is made later"
)


class Laravel(Service):
    """Laravel behind php-fpm. With layout `releases`, `.env` and `storage` are shared by default."""

    examples = (
        {"fpm": {"unit": "php8.2-fpm"}},
        {
            "fpm": {"unit": "php8.2-fpm", "test": "php-fpm8.2 -t"},
            "maintenance": {"when": "always"},
            "scheduler": "schedule",
        },
    )

    kind: Literal["laravel"]
    php: str = Field("php", description="PHP's binary", pattern=WORD)
    composer: str | None = Field("composer", description="Composer's binary; null: nothing is installed by it")
    migrate: bool = Field(True, description="`php artisan migrate --force` is the app's `migrate`, where it has none")
    maintenance: MaintenanceSettings = Field(
        default_factory=MaintenanceSettings, description="when it goes into maintenance, and what its page says"
    )
    queues: QueueSettings = Field(default_factory=QueueSettings, description="its queue workers")
    optimize: tuple[Cache, ...] = Field(
        ("config", "route", "view", "event"), description="caches that are built before the code serves"
    )
    fpm: FpmSettings = Field(description="php-fpm")
    group: str | None = Field(
        "www-data", description="group that shares storage and bootstrap/cache with the web server; null: leave them"
    )
    scheduler: str | None = Field(
        None, description="systemd unit of `schedule:work`; not for `schedule:run` by cron", pattern=UNIT_NAME
    )

    def tools(self) -> tuple[str, ...]:
        return ("systemctl", self.php, *((self.composer,) if self.composer else ()))

    def systemd_units(self) -> tuple[str, ...]:
        return (self.fpm.unit, *((self.scheduler,) if self.scheduler else ()))

    def shared(self) -> tuple[str, ...]:
        return (".env", "storage")

    def secrets(self) -> Mapping[str, str]:
        return {_PASSING: self.maintenance.secret} if self.maintenance.secret else {}

    def migrate_line(self) -> str | None:
        return f"{self.php} artisan migrate --force" if self.migrate else None

    def migrating(self, place: ReleaseContext, line: str) -> Command:
        return replace(self._artisan(place, "migrate.sh", line=line), cwd=place.directory)

    def extra_probe(self, place: ReleaseContext) -> Probe[tuple[str, ...]]:
        migrates = "yes" if self.migrate else ""
        command = self._artisan(place, "rights.sh", "about.sh", unit=self.fpm.unit, migrates=migrates)
        return Probe("about", command, lambda text, code: tuple(text.splitlines()))

    def warnings(self, place: ReleaseContext) -> Iterator[str]:
        for line in place.answers["unread"]:
            yield f"the code that serves cannot be asked: {line}"
        for line in place.answers["unwritable"]:
            if path := parse_unwritable(line):
                yield f"{path}: {self.rights_hint(path)}"
        if paused := place.answers["paused"]:
            yield f"a run that was cut off left its workers paused ({paused[0].strip('; ')}): this one lets them work again"
        for line in place.answers["control"]:
            timeout, _, file = line.partition(" ")
            if timeout in ("0", "0s"):
                yield (
                    f"{self.fpm.unit} drops the requests that are under way when it is reloaded: "
                    f"set process_control_timeout = 30s in {file}"
                )
        if waiting := place.answers["waiting"]:
            yield f"not applied yet, of the code that serves: {', '.join(waiting)}"
        lacking = [name for name in self.optimize if place.about and not _has(place, f"{name}:cache")]
        if _known(place) and lacking:
            yield f"{_version(place)} has no {', '.join(f'{name}:cache' for name in lacking)}: left out"
        if _known(place) and self.maintenance.when != "never":
            yield from self._left_out(place, {key: bool(value) for key, value in self._page().items()})

    def proof_gap(self) -> str:
        return "php-fpm's workers do not tell which code they serve"

    def unsupported_page_options(self, place: ReleaseContext, page: Page) -> Iterator[str]:
        if _known(place):
            yield from self._left_out(place, {"message": bool(page.message)})

    def _left_out(self, place: ReleaseContext, asked: Mapping[str, bool]) -> Iterator[str]:
        for name in (name for name, given in asked.items() if given and not _has(place, "down", name)):
            instead = "; the page is the view `render` names" if name == "message" else ""
            yield f"`artisan down` has no --{name} in {_version(place)}: left out{instead}"

    def pause_warnings(self, place: ReleaseContext) -> Iterator[str]:
        if not self.queues.restart:
            yield "its workers are not told (`queues.restart: false`): they may run jobs meanwhile"
        yield "`cache:clear` empties the app's cache; FLUSHALL is not done: it empties sessions, queues and other apps"

    def prepare(self, place: ReleaseContext) -> Iterator[Step]:
        if self.composer:
            command = place.command(_text("composer.sh"), composer=self.composer)
            yield Step("composer", "install what composer.lock says", command, redo_on_rollback=place.layout.in_place)
        group = place.command(_text("writable.sh"), group=self.group or "")
        yield Step("writable", "make storage and bootstrap/cache writable for the web server", group, timeout=300)
        yield Step("storage link", "link public/storage", self._artisan(place, "link.sh"), timeout=120)

    def check(self, place: ReleaseContext) -> Step:
        boot = self._artisan(place, "boot.sh", unit=self.fpm.unit, verb="reload")
        command = self._tested(replace(boot, text=MAY_TAKE + boot.text))
        return Step("check", "start the app's artisan in the new code", command, timeout=120)

    def configuration_test(self, place: ReleaseContext) -> Step | None:
        if not self.fpm.test:
            return None
        command = self._tested(place.command(""))
        return Step("test", f"test the configuration of {self.fpm.unit}", command, timeout=60)

    def _tested(self, command: Command) -> Command:
        """Return the command that does this once php-fpm's configuration was tested, where it has a test."""
        if not self.fpm.test:
            return command
        return replace(command, text=RUN_TEST + command.text, values={**command.values, "test": self.fpm.test})

    def before(self, place: ReleaseContext) -> Iterator[Step]:
        # Where nothing is deployed yet, only the new code can tell which caches it has.
        ask = "" if _known(place) else "yes"
        apart = "yes" if "config" in self.optimize and not place.layout.in_place else ""
        for name in (name for name in self.optimize if ask or _has(place, f"{name}:cache")):
            command = self._artisan(place, "cache.sh", what=name, ask=ask, apart=apart)
            yield Step(
                f"cache {name}", f"artisan {name}:cache", command, redo_on_rollback=place.layout.in_place, timeout=300
            )

    def reload_step(self, place: ReleaseContext) -> Step:
        text = OBSERVE + UNIT + _text("fpm_reload.sh")
        command = self._tested(place.command(text, unit=self.fpm.unit, settle=str(self.fpm.settle)))
        says = f"gracefully reload {self.fpm.unit}: OPcache begins anew"
        return Step("reload", says, command, timeout=self.fpm.settle + 120)

    def after(self, place: ReleaseContext) -> Iterator[Step]:
        if place.answers["paused"]:
            says = "let workers take jobs that a run which was cut off left paused"
            yield Step("end pause", says, self._workers(place, "resume.sh", by_hand=""), timeout=120)
        if self.queues.restart:
            says = "artisan queue:restart: workers end their job and begin anew"
            command = self._workers(place, "restart.sh", strict="")
            yield Step("queues", says, command, redo_on_rollback=True, timeout=self._patience())
        if self.scheduler:
            command = place.command(UNIT + 'ls_take "$verb" && ls_stays\n', unit=self.scheduler, verb="restart")
            yield Step("scheduler", f"restart {self.scheduler}", command, redo_on_rollback=True, timeout=120)

    def stopping(self, place: ReleaseContext) -> Iterator[Step]:
        command = place.command(STOP_UNIT, unit=self.fpm.unit)
        yield Step("stop", f"systemctl stop {self.fpm.unit}; queue workers go on", command, timeout=120)

    def starting(self, place: ReleaseContext) -> Iterator[Step]:
        command = place.command(START_UNIT, unit=self.fpm.unit)
        yield Step("start", f"systemctl start {self.fpm.unit}", command, timeout=120)

    def restarting(self, place: ReleaseContext) -> Iterator[Step]:
        command = self._tested(place.command(RESTART_UNIT, unit=self.fpm.unit))
        yield Step("restart", f"systemctl restart {self.fpm.unit}", command, timeout=180)

    def pause_workers(self, place: ReleaseContext) -> Iterator[Step]:
        if self.queues.restart:
            way = "queue:pause" if _has(place, "queue:pause") else "maintenance, else their systemd units are stopped"
            says = f"workers end their jobs and take no other: by {way}"
            command = self._workers(place, "pause.sh", "restart.sh", strict="yes")
            undo = self._workers(place, "resume.sh", by_hand="")
            yield Step("pause", says, command, undo, undo_last=True, timeout=self._patience())

    def resume_workers(self, place: ReleaseContext) -> Iterator[Step]:
        if self.queues.restart:
            says = "workers take jobs again"
            undo = self._workers(place, "pause.sh")
            yield Step("resume", says, self._workers(place, "resume.sh", by_hand=""), undo, timeout=120)

    def clear_caches(self, place: ReleaseContext) -> Iterator[Step]:
        says = "artisan cache:clear: what it holds is of the other database"
        yield Step("cache clear", says, self._artisan(place, "paused.sh", "clear.sh"), timeout=120)

    def probe(self, place: ReleaseContext) -> Probe[ServiceState]:
        return Probe("serving", place.command(OBSERVE + UNIT + _text("fpm_state.sh"), unit=self.fpm.unit), parse_state)

    def judge(self, state: ServiceState) -> Verdict:
        if not state.running:
            return failed(f"{self.fpm.unit} does not run: {state.note or 'no word from it'}")
        older = [p.pid for p in state.workers if state.reloaded is not None and p.started < state.reloaded]
        if older:
            return failed(f"{len(older)} of {len(state.workers)} php-fpm workers are older than the reload")
        serving = last(collect(state.also), "serving")
        if state.expected and serving and serving != state.expected:
            return failed(f"current is {serving}, not {state.expected}")
        return passed(f"{self.fpm.unit} began {len(state.workers)} workers after the reload")

    def maintenance_mode(self) -> Maintenance:
        page = {key: "" if value is None else str(value) for key, value in self._page().items()}
        page["group"] = self.group or ""
        asked = Page(retry=page.pop("retry"))
        return Maintenance(_ARTISAN + _text("maintenance.sh"), {**page, "php": self.php}, self.maintenance.when, asked)

    def file_mask(self) -> str:
        return "g=rwx" if self.group else ""

    def console(self, place: ReleaseContext, line: str) -> Command:
        return self._artisan(place, "console.sh", line=line)

    def logs(self, place: ReleaseContext) -> tuple[LogSource, ...]:
        return LogSource(path=f"{place.layout.current}/storage/logs/*.log"), LogSource(unit=self.fpm.unit)

    def queue(self, place: ReleaseContext) -> Queues:
        return Queues(
            Probe("queues", self._artisan(place, "workers.sh", "queues.sh", **self._known(place)), parse_queues),
            self._workers(place, "resume.sh", "restart.sh", by_hand="yes", strict=""),
            self.console(place, "queue:failed"),
            lambda which: self._artisan(place, "retry.sh", ids=words(*which)),
        )

    def rights(self, place: ReleaseContext) -> Probe[tuple[Unwritable, ...] | None]:
        command = place.command(_text("rights.sh") + "ls_rights\n", unit=self.fpm.unit, group=self.group or "")
        return Probe("writable", command, parse_rights)

    def rights_hint(self, path: Unwritable) -> str:
        group = self.group or "GROUP"
        if path.shared_with == group:
            again = f"systemctl restart {self.fpm.unit}, or a new login of who deploys"
            return f"on the host: sudo usermod --append --groups {group} {path.user}; it counts from {again}"
        name = words(path.path)
        which = "" if self.group else ", a group that both php-fpm's user and who deploys are in"
        return f"on the host: sudo chgrp -R {group} {name} && sudo chmod -R g+rwX {name}{which}{_LATER}"

    def _patience(self) -> int:
        """Return the seconds that a restart of the workers may take, with ten minutes at most for units of systemd."""
        return self.queues.settle + self.queues.start_timeout + 720

    def _workers(self, place: ReleaseContext, *files: str, **values: str) -> Command:
        """Return the command of these texts, which have the functions for workers and what pauses them before them."""
        queues = self.queues
        settings = {"settle": str(queues.settle), "start_timeout": str(queues.start_timeout)}
        settings |= {"workers": str(queues.workers or ""), "horizon": queues.horizon}
        command = self._artisan(place, "workers.sh", "paused.sh", *files, **self._known(place), **settings, **values)
        return replace(command, text=UNIT + command.text)

    def _known(self, place: ReleaseContext) -> dict[str, str]:
        return {"path": place.layout.path, "kind": place.layout.kind, "names": " ".join(self.queues.names)}

    def _artisan(self, place: ReleaseContext, *files: str, **values: str) -> Command:
        return place.command(_ARTISAN + _text(*files), php=self.php, group=self.group or "", **values)

    def _page(self) -> dict[str, int | str | None]:
        page = self.maintenance
        return {
            "retry": page.retry,
            "refresh": page.refresh,
            "render": page.render,
            "redirect": page.redirect,
            "status": page.status,
            "except": page.except_,
        }


def _known(place: ReleaseContext) -> bool:
    return "command" in place.answers


def _has(place: ReleaseContext, command: str, option: str = "") -> bool:
    """Tell whether this version's artisan has a command, and the command an option."""
    options = {name: words for name, *words in (line.split(" ") for line in place.answers["command"])}
    return command in options and (not option or option in options[command])


def _version(place: ReleaseContext) -> str:
    version = last(place.answers, "version")
    return f"Laravel {version}" if version else "this version of Laravel"
