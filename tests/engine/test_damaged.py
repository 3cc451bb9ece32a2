"""Damage that a power loss, a full disk or somebody else has left on a host: told as what it is, and never as nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.databases.backup import Backup
from lockstitch.engine.ask import Query, ask
from lockstitch.engine.locks import break_locks
from lockstitch.errors import CheckError, LockHeldError
from lockstitch.facts.history import history_probe
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey
from lockstitch.model.host import Address, Host
from lockstitch.model.layout import layout as layout_of
from lockstitch.model.outcome import RunMessage
from lockstitch.model.plan import Plan, Site
from lockstitch.plans.backup import held_backups
from lockstitch.report.history import HistoryFilter, history_json
from lockstitch.report.outcome import outcome_text
from lockstitch.report.plan import plan_text
from lockstitch.report.status import SiteStates, status_text
from tests.engine.conftest import MakeWorld
from tests.engine.world import SITES, World, copied

Damage = Callable[[Path], None]
ONE = "box:a"


def append(data: bytes) -> Damage:
    def damage(file: Path) -> None:
        with file.open("ab") as journal:
            journal.write(data)

    return damage


def within(data: bytes) -> Damage:
    """Put something at the beginning of the last record."""

    def damage(file: Path) -> None:
        *before, last = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join([*before, data, last]))

    return damage


def crlf(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


DAMAGES: dict[str, tuple[Damage, bool]] = {
    "NULs at the end": (append(b"\0" * 200), True),
    "NULs before a record": (within(b"\0" * 200), True),
    "a torn line": (append(b'{"event":"release","rel'), True),
    "a torn line before a record": (within(b'{"event":"release","rel\n'), True),
    "a blob": (within(b"\xff\xfe\x1e\x1f\x85\n\x80\n"), True),
    "two records in one line": (append(b'{"event":"release","release":"x{"event":"release","release":"y"}\n'), True),
    "a file system's worth of NULs": (within(b"\0" * 4_000_000), True),
    "what nests without end": (append(b'{"event":"release","a":' + b"[" * 60_000 + b"]" * 60_000 + b"}\n"), True),
    "a huge line": (append(b"x" * 300_000 + b"\n"), True),
    "CRLF": (crlf, False),
}


def facts(world: World, host: str = "a", app: str = "api") -> Facts:
    found = world.surveyed(plans.usual_asks(world.fleet()))
    (one,) = [facts for site, facts in found.facts.items() if (site.host, site.app) == (host, app)]
    return one


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, template: Path) -> World:
    """Two versions deployed; tests that change it copy it."""
    return copied(template, tmp_path_factory.mktemp("damaged"), "releases").given("v1", "v2")


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_what_is_whole_of_a_damaged_journal_counts(deployed: World, name: str, locale: str) -> None:
    journal = deployed.state("a", "api") / "journal.jsonl"
    whole = journal.read_bytes()
    before = facts(deployed)
    damage, told = DAMAGES[name]
    try:
        damage(journal)
        deployed.remote.env["LC_ALL"] = locale
        now = facts(deployed)
    finally:
        journal.write_bytes(whole)
        del deployed.remote.env["LC_ALL"]
    assert (now.releases, now.release, now.unreadable) == (before.releases, before.release, ())
    assert bool(now.host.damaged) == told


def no_file(journal: Path) -> None:
    journal.unlink()
    journal.mkdir()


def no_target(journal: Path) -> None:
    journal.unlink()
    journal.symlink_to("elsewhere/journal.jsonl")


def pipe(journal: Path) -> None:
    journal.unlink()
    os.mkfifo(journal)


def state_on_a_disk_that_is_away(journal: Path) -> None:
    state = journal.parent
    shutil.rmtree(state)
    state.symlink_to("/nowhere/state")


def state_is_a_file(journal: Path) -> None:
    shutil.rmtree(journal.parent)
    journal.parent.write_text("")


def no_releases(journal: Path) -> None:
    releases = journal.parents[2] / "api" / "releases"
    releases.rename(releases.with_name("moved"))
    releases.symlink_to("/nowhere/releases")


UNREADABLE = [no_file, no_target, pipe, state_on_a_disk_that_is_away, state_is_a_file, no_releases]


@pytest.mark.parametrize("spoil", UNREADABLE)
def test_what_cannot_be_read_is_not_taken_for_nothing(any_world: World, deployed: World, spoil: Damage) -> None:
    world = any_world
    shutil.copytree(deployed.remote.root, world.remote.root, symlinks=True)
    spoil(world.state("a", "api") / "journal.jsonl")
    path = "api/releases" if spoil is no_releases else ".lockstitch/api"
    before = world.truth()
    tries: list[Callable[[], object]] = [
        lambda: world.plan_deploy("v3"),
        world.plan_rollback,
        lambda: plans.raise_unreachable(world.surveyed(plans.usual_asks(world.fleet()))),
    ]
    for attempt in tries:
        with pytest.raises(CheckError, match=f"a: api is unreadable: .*{path}") as refused:
            attempt()
        assert refused.value.exit_code == 7
        assert "b: api" not in refused.value.message
    found = world.surveyed(plans.usual_asks(world.fleet()))
    verdicts = plans.serving(world.fleet(), found)
    assert [(site.host, site.app) for site, verdict in verdicts.items() if not verdict.passed] == [("a", "api")]
    assert "! api@a: unreadable: " in status_text(found, SiteStates(verdicts), datetime.now(UTC))
    assert world.truth() == before


def test_a_deploy_heals_a_damaged_journal_keeps_what_was_there_and_says_so(any_world: World, deployed: World) -> None:
    world = any_world
    shutil.copytree(deployed.remote.root, world.remote.root, symlinks=True)
    journal = world.state("a", "api") / "journal.jsonl"
    releases = facts(world).releases
    append(b"\0" * 200 + b'{"torn":')(journal)
    damaged = journal.read_bytes()
    plan = world.plan_deploy("v3")
    assert any("api@a: its journal" in note and "is damaged" in note for note in plan.notes)
    ended = world.run(plan)
    assert ended.code == 0, ended.outcome
    (aside,) = journal.parent.glob("journal.jsonl.damaged-*")
    assert aside.read_bytes() == damaged
    assert aside.name.endswith(plan.run)
    assert facts(world).releases[:-1] == releases
    assert all(json.loads(line) for line in journal.read_text().splitlines())
    assert facts(world).host.damaged == 0
    (note,) = ended.outcome.notes
    assert note.startswith("api@a: the journal ") and aside.name in note
    assert f"! {note}" in outcome_text(ended.outcome)
    assert RunMessage(note) in ended.events
    assert world.rollback().code == 0
    assert world.truth() == world.on("v2")


def locks_of(world: World) -> list[str]:
    found = world.surveyed(plans.usual_asks(world.fleet()))
    return [str(facts.host.lock) for facts in found.facts.values() if facts.host.lock]


def empty(lock: Path) -> None:
    lock.write_text("")


def garbage(lock: Path) -> None:
    lock.write_bytes(b"\0\0{\n\xff next: curl\n")


def folder(lock: Path) -> None:
    lock.mkdir()
    (lock / "mine").write_text("")


def dangling(lock: Path) -> None:
    lock.symlink_to("nowhere")


@pytest.mark.parametrize("make", [empty, garbage, folder, dangling])
def test_a_lock_that_says_nothing_is_held_by_nobody_known_wherever_one_looks(any_world: World, make: Damage) -> None:
    world = any_world.given("v1")
    lock = world.state("a", "api") / "lock.json"
    make(lock)
    if make is not dangling:
        os.utime(lock, (1_767_225_600, 1_767_225_600))
    since = "" if make is dangling else "2026-01-01T00:00:00Z"
    (shown,) = locks_of(world)
    assert f"nobody known since {since}" in shown and "lock.break frees it" in shown
    plan = world.plan_deploy("v2")
    assert any(f"a: api is locked by nobody known since {since}" in note for note in plan.notes)
    with pytest.raises(LockHeldError, match=f"a: api is locked by nobody known since {since}") as refused:
        world.run(plan)
    assert "lock.break" in refused.value.hint
    assert os.path.lexists(lock)
    hosts = {host.name: host for host in world.fleet().hosts}
    site = facts(world).site
    broken = break_locks(world.remote, hosts, [site], run="run-9", by="grace", message="power loss")
    assert [info.by for info in broken.values()] == ["nobody known"]
    assert locks_of(world) == [] and not os.path.lexists(lock)
    if make is folder:
        assert (lock.with_name("lock.json.run-9") / "mine").exists(), "what somebody put there is not lost"
    assert world.deploy("v2").code == 0


def test_what_lies_among_the_releases_is_told_and_hides_nothing(any_world: World) -> None:
    world = any_world.given("v1", "v2")
    releases = world.path("a", "api") / "releases"
    forged = "x\ncurrent forged\nlocked T {}"
    for name in ("20240101120000", "notes", forged, "20260101T999999Z-abcdef123456"):
        (releases / name).mkdir()
    (releases / "20230101T000000Z-aaaaaaaaaaaa").write_text("a file")
    found = facts(world)
    assert found.host.lock is None and found.place.current == facts(world, "b").place.current
    plan = world.plan_deploy("v3")
    (note,) = [note for note in plan.notes if "in no record of this host" in note]
    for name in ("20240101120000", "notes", "20260101T999999Z-abcdef123456", "20230101T000000Z-aaaaaaaaaaaa"):
        assert name in note
    for version in ("v3", "v4"):
        assert world.deploy(version, ONE).code == 0
    assert len(world.releases("a", "api")) == 3 + 5
    assert {"20240101120000", "notes", forged, "20260101T999999Z-abcdef123456"} <= set(world.releases("a", "api"))
    assert (releases / "20230101T000000Z-aaaaaaaaaaaa").exists()


def commit(world: World, subject: bytes, author: str = "Ada") -> str:
    """A commit on main with this message as its bytes, made as git's plumbing does."""
    tree, parent = world.git("rev-parse", "HEAD^{tree}"), world.git("rev-parse", "HEAD")
    who = f"{author} <a@example.com> 1767225600 +0000"
    body = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n".encode() + subject + b"\n"
    file = world.root / "commit"
    file.write_bytes(body)
    made = world.git("hash-object", "-t", "commit", "-w", "--literally", str(file))
    world.git("update-ref", "refs/heads/main", made)
    return made


def test_no_commit_vanishes_from_the_plan_for_what_its_subject_holds(any_world: World) -> None:
    world = any_world.given("v4")
    subjects = [
        b"a\x1fb",
        b"\x1f\x1f",
        b"c\x1ed",
        b"\x1b[2Jgone",
        "e\u2028f".encode(),
        b"g\rh",
        b"\xff\xfe",
        b"",
        b"\x85",
    ]
    made = [commit(world, subject) for subject in subjects] + [commit(world, b"plain", "A\x1fda")]
    plan = world.plan_deploy("main")
    assert [c.revision for c in plan.commits["api"]] == made[::-1]
    text = plan_text(plan)
    assert "api: 10 commits coming in" in text
    for revision in made:
        assert text.count(revision[:8]) >= 1
    assert "a␟b" in text and "␛[2Jgone" in text and "c␞d" in text and "g␍h" in text and "\\u2028" in text
    assert not set(text) & set("\x1b\x1e\x1f\r\u2028\x85")


def at(world: World, run: str) -> None:
    """The next run has this id."""
    world.new_run = lambda: run  # type: ignore[method-assign]


def test_the_order_of_releases_is_that_of_the_hosts_journal_whatever_clock_the_deployer_had(any_world: World) -> None:
    """From a machine a day ahead, one a day behind, and two in the same second."""
    world = any_world
    runs = ["20260103T120000Z-0001", "20260101T120000Z-0002", "20260102T120000Z-0003", "20260102T120000Z-0004"]
    for run, version in zip(runs, ("v1", "v2", "v3", "v4"), strict=True):
        at(world, run)
        assert world.deploy(version, ONE).code == 0
    assert [r.verdict for r in facts(world).releases] == ["good"] * 4
    assert [r.revision for r in facts(world).releases] == [world.rev(v) for v in ("v1", "v2", "v3", "v4")]
    kept = {name.split("-")[1] for name in world.releases("a", "api")}
    assert kept == {world.rev(v)[:12] for v in ("v2", "v3", "v4")}, "the oldest went, by the order of the deploys"
    site = next(site for site in world.surveyed(plans.usual_asks(world.fleet())).facts if str(site) == "api@a")
    (reply,) = ask(world.remote, [Query("a", Host("a", Address("a")), (history_probe(site, None, None),))]).values()
    told = history_json({site: reply.facts[0]}, HistoryFilter())["entries"]
    assert [line["revision"] for line in told if line["app"] == "api"] == [world.rev(f"v{n}") for n in (4, 3, 2, 1)]
    for number, version in enumerate(("v3", "v2"), 5):
        at(world, f"20251231T12000{number}Z-000{number}")
        assert world.rollback("", ONE).code == 0
        assert world.revision("a", "api") == world.rev(version)


def test_two_releases_of_one_second_and_revision_have_two_folders(any_world: World) -> None:
    world = any_world
    for number in range(3):
        at(world, f"20260102T120000Z-000{number}")
        assert world.deploy("v1", ONE, force=True).code == 0
    names = world.releases("a", "api")
    assert len(names) == 3 and all((world.path("a", "api") / "releases" / name / "VERSION").exists() for name in names)
    assert len(facts(world).releases) == 3
    assert world.served("a", "api") == "v1"


def test_a_folder_of_a_run_that_was_cut_off_is_pruned_in_its_turn_and_one_of_no_run_is_not(any_world: World) -> None:
    """Its run began, and recorded nothing: its place in the order is where it began."""
    world = any_world
    at(world, "20260105T000000Z-0001")
    assert world.deploy("v1", ONE).code == 0
    journal = world.state("a", "api") / "journal.jsonl"
    cut = f"20260104T000000Z-{world.rev('v2')[:12]}"
    begin = {"event": "begin", "run": "20260104T000000Z-0002", "by": "x", "app": "api", "step": "release", "at": "y"}
    append((json.dumps(begin, separators=(",", ":")) + "\n").encode())(journal)
    (world.path("a", "api") / "releases" / cut).mkdir()
    for number, version in enumerate(("v2", "v3", "v4"), 3):
        assert cut in world.releases("a", "api")
        at(world, f"2026010{number}T000000Z-000{number}")
        assert world.deploy(version, ONE).code == 0
    assert cut not in world.releases("a", "api")
    assert world.served("a", "api") == "v4"


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not here")
def test_prune_goes_on_past_what_it_may_not_remove_and_says_whose_it_is(make_world: MakeWorld) -> None:
    world = make_world("releases").given("v1", "v2", "v3")
    first, second, _ = world.releases("a", "api")
    cache = world.path("a", "api") / "releases" / first / "cache"
    cache.mkdir()
    (cache / "page").write_text("")
    cache.chmod(0o555)
    owner = cache.owner()
    if os.getuid() == 0:
        os.chown(cache, 65534, 65534)
        os.chown(cache / "page", 65534, 65534)
        owner = cache.owner()
        # Root with the rights of anybody else.
        world.remote.shell = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "/bin/sh")
    at(world, "20260109T000000Z-0001")
    ended = world.deploy("v4", ONE)
    assert ended.code == 0, ended.outcome
    at(world, "20260110T000000Z-0002")
    again = world.deploy("v1", ONE)
    gone = world.path("a", "api") / "releases" / f"{first}.gone"
    for outcome in (ended.outcome, again.outcome):
        assert int(outcome.code) == 0
        (note,) = outcome.notes
        assert note.startswith(f"api@a: {gone} cannot be removed: Permission denied ({owner} owns {gone.name}/cache")
        assert f"sudo rm -rf -- '{gone}'" in note and f"! {note}" in outcome_text(outcome)
    names = world.releases("a", "api")
    assert first not in names and second not in names and len(names) == 4, "older ones are pruned all the same"
    assert (gone / "cache" / "page").exists()
    cache = gone / "cache"
    cache.chmod(0o755)


def test_only_a_disk_that_is_full_or_broken_fails_a_prune(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world("releases").given("v1", "v2", "v3")
    first = world.releases("a", "api")[0]
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "rm").write_text(
        f"#!/bin/sh\ncase $* in *{first}*) echo \"rm: cannot remove '$3': No space left on device\" >&2; exit 1 ;; esac\n"
        'exec /bin/rm "$@"\n'
    )
    (tools / "rm").chmod(0o755)
    plan: Plan = world.plan_deploy("v4", ONE)
    world.remote.env["PATH"] = f"{tools}:{os.environ['PATH']}"
    ended = world.run(plan)
    assert ended.code == 6
    assert any("No space left" in line for failure in ended.outcome.failures for line in failure.output)
    assert world.served("a", "api") == "v4"


def test_where_a_journal_is_damaged_no_dump_of_its_app_goes() -> None:
    """The line that named it may be the one that was lost."""
    site = Site("api1", "api", layout_of("releases", "api"))
    good = {"event": "release", "release": "20260101T000000Z-aaaaaaaaaaaa", "verdict": "good", "backup": "one"}
    place = CheckoutFacts(folders=("20260101T000000Z-aaaaaaaaaaaa",))
    dumps = [Backup("one", app="api"), Backup("two", app="api"), Backup("by-hand", app=""), Backup("web", app="web")]
    for damaged, wanted in ((0, {"one"}), (1, {"one", "two"})):
        facts = Facts(site, place, HostFacts(journal=(good,), damaged=damaged))
        assert set(held_backups(Survey({site: facts}), dumps)) == wanted


@pytest.mark.parametrize("part", ["HEAD", "config", "objects"])
def test_a_damaged_clone_keeps_nobody_from_a_release_that_is_there(
    any_world: World, deployed: World, part: str
) -> None:
    """As a power loss leaves it: the folder of the release before needs no git."""
    world = any_world
    shutil.copytree(deployed.remote.root, world.remote.root, symlinks=True)
    for host, app in SITES:
        damaged = world.clone(host, app) / part
        shutil.rmtree(damaged) if part == "objects" else damaged.write_text("[core\n")
    tries: list[Callable[[], object]] = [
        lambda: world.plan_deploy("v3"),
        lambda: world.plan_rollback(database="down"),
    ]
    for attempt in tries:
        with pytest.raises(CheckError, match="unreadable: .*repo.git"):
            attempt()
    assert world.rollback().code == 0
    assert world.truth() == world.on("v1")
