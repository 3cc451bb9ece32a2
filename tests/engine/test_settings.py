"""Settings written into environment files: on every host or on none, and after whatever fails the former file is back."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.engine.ask import Query, ask
from lockstitch.errors import CheckError, HostLostError, LockHeldError
from lockstitch.facts.history import history_probe, run_probe
from lockstitch.facts.run_events import found_on_hosts
from lockstitch.facts.settings import SettingFacts, setting_facts
from lockstitch.facts.settings_since import changed_settings
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.model.command import Command, Value
from lockstitch.model.plan import Plan, Script, Site, SitePlan, Step
from lockstitch.report.outcome import outcome_text
from lockstitch.report.plan import plan_text
from tests.engine.conftest import MakeWorld
from tests.engine.test_failures import Breaks, lost
from tests.engine.world import World, quick, step_at, steps_of, with_step

HOSTS = ("a", "b")
# What it serves with: the key as its code reads it from the file when it is reloaded.
RELOAD = 'grep "^KEY=" .env >"$HOME/taken" || : >"$HOME/taken"; cp VERSION "$HOME/served.api"'
SERVICE = {"kind": "command", "reload": RELOAD, "status": "test -e VERSION", "stop": "true"}
SETTINGS = """shared: [.env]
    settings:
      KEY: {from: "env:LS_TEST_KEY", min_length: 4}
      DEBUG: {is: "False"}
    env_file: {keep: 3}"""
FILE = "# by hand\nKEY=old-key\nOTHER='x # y'\nDEBUG=True\nLAST=1"
NEW = "# by hand\nKEY=new-key\nOTHER='x # y'\nDEBUG=False\nLAST=1\n"


@pytest.fixture
def world(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world that serves v1, whose api has an environment file on both hosts."""
    made = make_world("releases", more=SETTINGS, service=json.dumps(SERVICE))
    monkeypatch.setenv("LS_TEST_KEY", "new-key")
    for host in HOSTS:
        write(made, host, FILE)
    assert made.deploy("v1", "box:backend").code == 0
    return made


def env_file(world: World, host: str) -> Path:
    return world.path(host, "api") / "shared" / ".env"


def write(world: World, host: str, text: str) -> None:
    env_file(world, host).parent.mkdir(parents=True, exist_ok=True)
    env_file(world, host).write_text(text)
    env_file(world, host).chmod(0o640)


def files(world: World) -> dict[str, tuple[str, int]]:
    found = {host: env_file(world, host) for host in HOSTS}
    return {host: (file.read_text(), file.stat().st_mode & 0o777) for host, file in found.items() if file.exists()}


def taken(world: World) -> dict[str, str]:
    """The key that each app serves with."""
    return {host: (world.remote.home(host) / "taken").read_text().strip() for host in HOSTS}


def kept(world: World, host: str) -> list[str]:
    folder = world.state(host, "api") / "settings"
    return sorted(name for name in os.listdir(folder) if name != "undone") if folder.exists() else []


def asked(world: World, fleet: Fleet, known: Mapping[Site, Mapping[str, Value]]) -> dict[Site, SettingFacts]:
    at = {plans.site(host.name, app): (host, app) for host, app in fleet.sites()}
    queries = [
        Query(str(site), host, (setting_facts(app, known.get(site, {}), "salt"),), app.name, app.user, exact=True)
        for site, (host, app) in at.items()
    ]
    replies = ask(world.remote, queries)
    return {site: replies[str(site)].facts[0] for site in at}


def planned(world: World, verb: str = "push", *names: str) -> Plan:
    return planner(world, verb, *names)()


def planner(world: World, verb: str = "push", *names: str) -> Callable[[], Plan]:
    """A function that makes a plan, each time with a run of its own, from what the hosts say now."""
    fleet = world.fleet("box").only(["api"])
    survey = world.surveyed(plans.rollback_asks(fleet, ""))
    known: dict[Site, dict[str, Value]] = {
        plans.site(host.name, app): {**app.env, **{n: resolve_secret(r) for n, r in app.secrets.items()}}
        for host, app in fleet.sites()
    }
    facts = asked(world, fleet, known if verb == "push" else {})

    def plan() -> Plan:
        options = plans.SettingsOptions(world.new_run(), "ada@desk", verb, names, known=known, env=known)  # type: ignore[arg-type]
        return in_haste((plans.push_settings if verb == "push" else plans.undo_settings)(fleet, survey, facts, options))

    return plan


def phase_planned(world: World, *, at_once: bool = False) -> Plan:
    return phase_planner(world, at_once=at_once)()


def phase_planner(world: World, *, at_once: bool = False) -> Callable[[], Plan]:
    fleet = plans.rotation_fleet(world.fleet("box"), "KEY")
    survey = world.surveyed(plans.rollback_asks(fleet, ""))
    known: dict[Site, dict[str, Value]] = {
        plans.site(host.name, app): {n: resolve_secret(r) for n, r in app.secrets.items()}
        for host, app in fleet.sites()
    }
    facts = asked(world, fleet, known)

    def plan() -> Plan:
        options = plans.SettingsOptions(world.new_run(), "ada@desk", "rotate", ("KEY",), known=known)
        return in_haste(plans.rotate_settings(fleet, survey, facts, options, at_once=at_once))

    return plan


def in_haste(plan: Plan) -> Plan:
    return replace(plan, waves=tuple(replace(w, site_plans=tuple(map(hasty, w.site_plans))) for w in plan.waves))


def hasty(unit: SitePlan) -> SitePlan:
    return replace(unit, gates=tuple(map(quick, unit.gates)), rollback_gates=tuple(map(quick, unit.rollback_gates)))


def leftovers(world: World) -> list[str]:
    odd = [*(world.root / "homes").rglob(".*.lockstitch.*"), *(world.root / "homes").rglob(".part")]
    return [*world.leftovers(), *map(str, odd)]


def test_the_file_is_written_before_the_first_deploy(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world("releases", more=SETTINGS, service=json.dumps(SERVICE))
    monkeypatch.setenv("LS_TEST_KEY", "new-key")
    assert not env_file(world, "a").parent.exists()
    facts = asked(world, world.fleet("box").only(["api"]), {})
    assert {state for each in facts.values() for state in each.states.values()} == {"absent"}, facts
    assert world.run(planned(world)).code == 0
    assert files(world) == dict.fromkeys(HOSTS, ("KEY=new-key\nDEBUG=False\n", 0o600))


def test_a_link_that_points_nowhere_is_no_folder_to_make(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world("releases", more=SETTINGS, service=json.dumps(SERVICE))
    monkeypatch.setenv("LS_TEST_KEY", "new-key")
    shared = env_file(world, "a").parent
    shared.parent.mkdir(parents=True)
    shared.symlink_to(world.root / "not-mounted")
    with pytest.raises(CheckError, match="srv/api/shared is a link to nothing"):
        planned(world)
    assert not (world.root / "not-mounted").exists()


def test_the_file_is_written_on_every_host_and_taken_by_the_app(world: World) -> None:
    plan = planned(world)
    text = plan_text(plan)
    assert "write srv/api/shared/.env anew: DEBUG, KEY" in text or "anew: KEY, DEBUG" in text, text
    assert "api@a: not declared, and kept: OTHER, LAST" in text and "new-key" not in plan_text(plan, commands=True)
    ended = world.run(plan)
    assert ended.code == 0, outcome_text(ended.outcome)
    assert files(world) == dict.fromkeys(HOSTS, (NEW, 0o600))
    assert set(taken(world).values()) == {"KEY=new-key"}
    assert leftovers(world) == []
    (line,) = [entry for entry in world.journal("b", "api") if entry["event"] == "settings"]
    assert set(line["names"].split()) == {"KEY", "DEBUG"}
    assert "new-key" not in json.dumps(world.journal("b", "api")) and "old-key" not in json.dumps(
        world.journal("b", "api")
    )
    assert planned(world).empty


def test_whom_an_access_list_names_may_read_the_new_file_too(world: World) -> None:
    # Version 2, then tag, rights and id of: the owner, a user, the group, the mask, others.
    entries = ((1, 6, -1), (2, 4, 65534), (4, 4, -1), (16, 4, -1), (32, 0, -1))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(env_file(world, "a"), "system.posix_acl_access", acl)
    except OSError as error:
        pytest.skip(f"this file system has no access lists: {error}")
    assert world.run(planned(world)).code == 0
    assert struct.pack("<HHi", 2, 4, 65534) in os.getxattr(env_file(world, "a"), "system.posix_acl_access")
    assert files(world)["a"] == (NEW, 0o600)


def test_only_what_is_named_is_written(world: World) -> None:
    assert world.run(planned(world, "push", "DEBUG")).code == 0
    assert {text for text, _ in files(world).values()} == {FILE.replace("True", "False") + "\n"}


def test_a_host_without_a_file_gets_one_and_loses_it_again(world: World) -> None:
    env_file(world, "b").unlink()
    assert world.run(planned(world)).code == 0
    assert (
        files(world)["b"] == ("KEY=new-key\nDEBUG=False\n", 0o600)
        or files(world)["b"][0] == "DEBUG=False\nKEY=new-key\n"
    )
    assert world.run(planned(world, "undo")).code == 0
    assert list(files(world)) == ["a"] and files(world)["a"] == (FILE, 0o640)
    assert kept(world, "b") == []


def test_an_undo_keeps_what_was_edited_by_hand(world: World) -> None:
    assert world.run(planned(world)).code == 0
    edited = NEW + "FIX=typed-at-2-a-m\n"
    write(world, "b", edited)
    os.utime(env_file(world, "b"), (time.time() + 60,) * 2)
    plan = planned(world, "undo")
    folder = "srv/.lockstitch/api/settings/undone"
    assert [note for note in plan.notes if "edited" in note] == [
        f"api@b: srv/api/shared/.env was edited after the last push: what it has now will be {folder}"
    ]
    assert world.run(plan).code == 0
    assert (world.state("b", "api") / "settings" / "undone").read_text() == edited
    with pytest.raises(CheckError, match="no former file"):
        planned(world, "undo")


def test_whatever_step_fails_the_former_file_is_back_on_every_host(world: World) -> None:
    env_file(world, "b").unlink()
    before, serves, again = files(world), taken(world), planner(world)
    plan = again()
    places = steps_of(plan)
    assert len(places) == 2 * 3, "each site records, writes and reloads"
    for at in places:
        for change in (fails, fails_after):
            wave, site, step = step_at(plan, at)
            broken = with_step(replace(again(), journal_sizes={}), at, change)
            ended = world.run(broken)
            (world.remote.home(site.host) / ".boom").unlink(missing_ok=True)
            why = f"{change.__name__} {wave.name} {site} {step.name}\n{outcome_text(ended.outcome)}"
            assert ended.code == 5, why
            assert files(world) == before, why
            assert taken(world) == {**serves, "b": taken(world)["b"]} and taken(world)["b"] in (serves["b"], ""), why
            assert leftovers(world) == [] and kept(world, "a") == kept(world, "b") == [], why
    assert planned(world).waves, "nothing of it was done"


def fails(step: Step) -> Step:
    return replace(step, command=Command("echo boom; exit 9"), redo_on_rollback=False)


def fails_after(step: Step) -> Step:
    """The same step, that fails when all is done; on the way back it works."""
    text = f'({step.command.text}\n) || exit 1\n[ -e "$HOME/.boom" ] && rm "$HOME/.boom" || {{ : >"$HOME/.boom"; exit 9; }}'
    return replace(step, command=replace(step.command, text=text))


def test_a_host_that_is_lost_is_reached_again_and_has_its_former_file(world: World) -> None:
    before = files(world)
    lost: list[object] = []

    def loss(host: object, script: object) -> BaseException | None:
        if "write settings" in [step.name for step in script.steps] and not lost:  # type: ignore[attr-defined]
            lost.append(host)
            return HostLostError("a", "gone")
        return None

    world.remote.losses.append(loss)
    ended = world.run(planned(world))
    assert lost and ended.code == 5, outcome_text(ended.outcome)
    assert files(world) == before


@pytest.mark.parametrize("code", [0, 2])
def test_a_disk_that_is_full_loses_nothing_and_tells_no_secret(world: World, code: int) -> None:
    """awk of busybox ends with 0 where it could not write, others with 2."""
    secret = "KEY=old-key\nDEBUG=True\nSECRET=nobody-may-see-it\nLAST=1\n"
    write(world, "b", secret)
    before = files(world)
    full = f"""awk() {{
        [ "$ls_do" = write ] && [ -f /dev/stdout ] || {{ command awk "$@"; return; }}
        command awk "$@" | head -c 48; return {code}
    }}
    """

    def fills(step: Step) -> Step:
        return replace(step, command=replace(step.command, text=full + step.command.text))

    plan = planned(world)
    for at in steps_of(plan):
        if step_at(plan, at)[2].name == "write settings" and step_at(plan, at)[1].host == "b":
            plan = with_step(plan, at, fills)
    ended = world.run(plan)
    said = outcome_text(ended.outcome)
    assert ended.code == 5 and "it could not be written whole: is the disk full?" in said and "nobody" not in said
    assert files(world) == before and leftovers(world) == []


def test_what_a_killed_run_left_beside_the_file_goes(world: World) -> None:
    env_file(world, "a").with_name("..env.lockstitch.20200101T000000Z-aaaa").write_text("KEY=a-secret\n")
    assert world.run(planned(world)).code == 0
    assert leftovers(world) == []


def test_a_kept_file_that_is_gone_is_told(world: World) -> None:
    assert world.run(planned(world)).code == 0
    before = files(world)
    plan = planned(world, "undo")
    for path in (world.state("b", "api") / "settings").iterdir():
        path.unlink()
    ended = world.run(plan)
    assert ended.code == 5 and "is not there any more" in outcome_text(ended.outcome)
    assert files(world) == before


def test_an_undo_that_fails_can_be_tried_again(world: World) -> None:
    world.settings["more"] = SETTINGS.replace("keep: 3", "keep: 1")
    assert world.run(planned(world)).code == 0
    names = kept(world, "a")
    plan = planned(world, "undo")
    for at in steps_of(plan):
        assert world.run(with_step(replace(planned(world, "undo"), journal_sizes={}), at, fails_after)).code == 5
        for host in HOSTS:
            (world.remote.home(host) / ".boom").unlink(missing_ok=True)
        assert kept(world, "a") == names


def test_what_does_not_run_is_not_done(world: World) -> None:
    before = files(world)
    plan = planned(world)

    def reloads_nothing(step: Step) -> Step:
        return replace(step, command=Command("true")) if step.name == "reload" else step

    for host in HOSTS:
        # The last reload was long ago, and this one does nothing.
        os.utime(world.state(host, "api") / "reloaded", (1, 1))
    for at in steps_of(plan):
        plan = with_step(plan, at, reloads_nothing)
    ended = world.run(plan)
    assert ended.code in (5, 6) and "the last reload was before the file was written" in outcome_text(ended.outcome)
    assert files(world) == before


def test_undo_goes_back_one_push_after_the_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("new-key", "newer-key"):
        monkeypatch.setenv("LS_TEST_KEY", key)
        assert world.run(planned(world)).code == 0
    assert [len(kept(world, host)) for host in HOSTS] == [2, 2]
    assert world.run(planned(world, "undo")).code == 0
    assert files(world) == dict.fromkeys(HOSTS, (NEW, 0o600)) and set(taken(world).values()) == {"KEY=new-key"}
    plan = planned(world, "undo")
    for at in steps_of(plan):
        assert world.run(with_step(replace(planned(world, "undo"), journal_sizes={}), at, fails)).code == 5
        assert files(world) == dict.fromkeys(HOSTS, (NEW, 0o600)) and len(kept(world, "a")) == 1
    assert world.run(planned(world, "undo")).code == 0
    assert files(world) == dict.fromkeys(HOSTS, (FILE, 0o640)) and set(taken(world).values()) == {"KEY=old-key"}
    with pytest.raises(CheckError, match="no former file"):
        planned(world, "undo")


def test_a_push_that_changes_no_file_leaves_nothing_to_undo(world: World) -> None:
    assert world.run(planned(world)).code == 0
    names = kept(world, "a")
    for host in HOSTS:
        os.utime(world.state(host, "api") / "reloaded", (1, 1))
    plan = planned(world)
    assert plan.waves and world.run(plan).code == 0
    assert kept(world, "a") == kept(world, "b") == names
    assert world.run(planned(world, "undo")).code == 0
    assert files(world) == dict.fromkeys(HOSTS, (FILE, 0o640))


def test_no_more_files_than_wanted_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        monkeypatch.setenv("LS_TEST_KEY", f"key-{number}")
        assert world.run(planned(world)).code == 0
    assert len(kept(world, "a")) == 3
    assert (world.state("a", "api") / "settings").stat().st_mode & 0o777 == 0o700


def test_a_push_that_fails_takes_no_kept_file_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        monkeypatch.setenv("LS_TEST_KEY", f"key-{number}")
        assert world.run(planned(world)).code == 0
    names = kept(world, "a")
    monkeypatch.setenv("LS_TEST_KEY", "key-3")
    plan = planned(world)
    last = max(at for at in steps_of(plan) if step_at(plan, at)[1].host == "b")
    assert world.run(with_step(plan, last, fails)).code == 5
    assert kept(world, "a") == names and len(names) == 3


def test_a_line_that_readers_differ_on_is_recorded_with_the_release(world: World) -> None:
    for host in HOSTS:
        write(world, host, "KEY=old-key\nDEBUG=True#1\n")
    assert world.deploy("v2", "box:backend").code == 0
    fleet = world.fleet("box").only(["api"])
    (machine, app), *_ = fleet.sites()
    release = max(os.listdir(world.state("a", "api") / "released-settings"))

    def changed() -> tuple[str, ...]:
        query = Query("x", machine, (changed_settings(app, release),), app.name, app.user)
        answer = ask(world.remote, [query])["x"].facts[0]
        assert not answer.problem
        return tuple(answer.changed)

    assert changed() == ()
    write(world, "a", "KEY=old-key\nDEBUG=True#2\n")
    assert changed() == ("DEBUG",)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("bad", "KEY: it is 3 characters long, 4 are wanted"),
        ("ChangeMe", "KEY: it is, or holds, a value that `refuse` names"),
        ("a-${b}-c", "KEY: its value holds ${"),
        ("x" * 130_000, "KEY: its value is longer than 130 kB"),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch, key: str, says: str
) -> None:
    monkeypatch.setenv("LS_TEST_KEY", key)
    with pytest.raises(CheckError) as refused:
        planned(world)
    assert says in str(refused.value) and key not in str(refused.value)
    assert files(world) == dict.fromkeys(HOSTS, (FILE, 0o640))


def test_values_that_are_too_long_together_are_refused_before_anything_is_written(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is short enough, and so are all of them before they are quoted."""
    names = "".join(f'\n      KEY_{n}: {{from: "env:LS_TEST_KEY"}}' for n in range(16))
    more = f"shared: [.env]\n    settings:{names}\n    env_file: {{format: shell}}"
    monkeypatch.setenv("LS_TEST_KEY", "new-key")
    made = make_world("releases", more=more, service=json.dumps(SERVICE))
    for host in HOSTS:
        write(made, host, FILE)
    assert made.deploy("v1", "box:backend").code == 0
    monkeypatch.setenv("LS_TEST_KEY", "'" * 25_000)
    with pytest.raises(CheckError, match=r"api@a: its settings together have 2\d{6} bytes as shell files have them"):
        planned(made)
    assert files(made) == dict.fromkeys(HOSTS, (FILE, 0o640))


def test_a_file_that_cannot_be_read_is_never_overwritten(world: World) -> None:
    write(world, "b", "KEY='no end\n")
    with pytest.raises(CheckError, match="the quote in line 1 is not closed"):
        planned(world)
    env_file(world, "b").write_bytes(b"A=1\0\n")
    with pytest.raises(CheckError, match="holds NUL characters"):
        planned(world)


def test_hosts_whose_values_were_not_compared_are_no_pass(world: World) -> None:
    """The hosts have no sha256sum."""
    world.settings["more"] = SETTINGS.replace("min_length: 4", "same: fleet")
    fleet = world.fleet("box").only(["api"])
    whole = asked(world, fleet, {})
    rows = [row for row in plans.setting_rows(fleet, whole, {}, {}) if row.name == "KEY"]
    assert len(rows) == 2 and not any("compared" in row.problem for row in rows)
    facts = {site: replace(each, hashes=dict.fromkeys(each.hashes, "")) for site, each in whole.items()}
    rows = [row for row in plans.setting_rows(fleet, facts, {}, {}) if row.name == "KEY"]
    assert len(rows) == 2 and all("it was not compared" in row.problem and row.is_open for row in rows)


@pytest.mark.parametrize(("is_declared", "is_open"), [(True, False), (False, True)])
def test_one_host_alone_is_compared_with_no_other(world: World, is_declared: bool, is_open: bool) -> None:
    """A host whose value is declared has that; of one written by hand it is open."""
    key = '{from: "env:LS_TEST_KEY", same: fleet}' if is_declared else "{same: fleet}"
    world.settings["more"] = SETTINGS.replace('{from: "env:LS_TEST_KEY", min_length: 4}', key)
    both = world.fleet("box").only(["api"])
    one = world.fleet("box:a").only(["api"])
    known: dict[Site, dict[str, Value]] = {s: {"KEY": "old-key"} for s in asked(world, both, {})} if is_declared else {}
    for fleet, alone in ((both, False), (one, True)):
        rows = [r for r in plans.setting_rows(fleet, asked(world, fleet, known), {}, {}) if r.name == "KEY"]
        said = [r.problem if is_open else r.note for r in rows]
        assert all(("compared with no other host" in text) is alone for text in said) and said, rows
        assert all(r.is_open is (alone and is_open) for r in rows)


def test_without_sha256sum_it_is_not_known_what_has_changed(world: World) -> None:
    fleet = world.fleet("box").only(["api"])
    (host, app), *_ = fleet.sites()
    release = os.listdir(world.state("a", "api") / "released-settings")[0]
    probe = changed_settings(app, release)
    blind = replace(probe, command=replace(probe.command, text=f"sha256sum() {{ return 127; }}\n{probe.command.text}"))
    for question, known in ((probe, True), (blind, False)):
        query = Query("x", host, (question,), app.name, app.user, exact=True)
        (answer,) = ask(world.remote, [query])["x"].facts
        assert bool(answer.problem) is not known, answer


def test_two_runs_do_not_mix(world: World) -> None:
    plan = planned(world)
    (world.state("b", "api") / "lock.json").write_text('{"run":"other","by":"bob","message":"env.push","at":"now"}')
    with pytest.raises(LockHeldError, match="bob"):
        world.run(plan)
    assert files(world) == dict.fromkeys(HOSTS, (FILE, 0o640))


ROTATED = """shared: [.env]
    settings:
      KEY: {from: "env:LS_TEST_KEY", rotate: {accept: OTHER_KEY, overlap: 1h}}
    env_file: {}"""


@pytest.fixture
def rotating(world: World) -> World:
    world.settings["more"] = ROTATED
    return world


def test_whatever_step_of_a_phase_fails_every_host_stands_where_it_did(rotating: World) -> None:
    for phase in (1, 2, 3):
        before, again = files(rotating), phase_planner(rotating, at_once=True)
        plan = again()
        assert f"phase {phase} of 3 of KEY" in plan_text(plan)
        for at in steps_of(plan):
            for change in (fails, fails_after):
                wave, site, step = step_at(plan, at)
                broken = with_step(replace(again(), journal_sizes={}), at, change)
                ended = rotating.run(broken)
                (rotating.remote.home(site.host) / ".boom").unlink(missing_ok=True)
                why = f"{phase} {change.__name__} {wave.name} {site} {step.name}\n{outcome_text(ended.outcome)}"
                assert ended.code == 5 and files(rotating) == before and leftovers(rotating) == [], why
        ended = rotating.run(phase_planned(rotating, at_once=True))
        assert ended.code == 0, outcome_text(ended.outcome)
    assert {text for text, _ in files(rotating).values()} == {FILE.replace("old-key", "new-key") + "\n"}
    assert phase_planned(rotating).empty and kept(rotating, "a") == []


def test_a_rotation_that_was_cut_off_goes_on_where_it_stopped(rotating: World) -> None:
    """One host has the next phase and the other has not, as after a kill: the same phase is completed."""
    old, new = (f"KEY={key}\n" for key in ("old-key", "new-key"))
    accept = {"old": "OTHER_KEY=old-key\n", "new": "OTHER_KEY=new-key\n"}
    for a, b, phase in (
        (old, old + accept["new"], 1),
        (old + accept["new"], new + accept["old"], 2),
        (new + accept["old"], new, 3),
    ):
        for one, two in ((a, b), (b, a)):
            write(rotating, "a", one)
            write(rotating, "b", two)
            plan = phase_planned(rotating)
            assert f"phase {phase} of 3 of KEY" in plan_text(plan), plan_text(plan)
            assert rotating.run(plan).code == 0
            assert len({text.replace("'", "") for text, _ in files(rotating).values()}) == 1, files(rotating)


@pytest.mark.parametrize(
    ("part", "is_carried_out"),
    [("lock", True), ("record settings", True), ("record settings", False), ("record", False)],
)
def test_a_host_that_is_gone_at_any_script_of_a_phase_is_named_and_the_phase_is_carried_out_again(
    rotating: World, part: str, is_carried_out: bool
) -> None:
    """It comes back, and its lock is broken: the same command goes on, and the former key is kept nowhere at the end."""
    for phase in (1, 2, 3):
        before = files(rotating)
        breaks = Breaks(("b", "api", part), lost, for_good=True)
        rotating.remote.losses = [breaks.loses] if is_carried_out else []
        rotating.remote.faults = [] if is_carried_out else [breaks]
        plan = phase_planned(rotating, at_once=True)
        assert f"phase {phase} of 3 of KEY" in plan_text(plan)
        if part == "lock":
            with pytest.raises(HostLostError, match="b: the connection dropped"):
                rotating.run(plan)
        else:
            ended = rotating.run(plan)
            said = outcome_text(ended.outcome)
            assert ended.code == 6 and "next: fab -H box:b status" in said, said
        assert breaks.broken
        rotating.remote.losses, rotating.remote.faults = [], []
        assert (files(rotating)["a"] == before["a"]) is (part != "record"), (
            "the other host is back, or all have changed"
        )
        (rotating.state("b", "api") / "lock.json").unlink(missing_ok=True)
        again = phase_planned(rotating, at_once=phase == 3)
        # Once all have the new files, only what could not be removed is left to do.
        if part != "record" or (phase == 3 and not is_carried_out):
            assert f"phase {phase} of 3 of KEY" in plan_text(again), plan_text(again)
            assert rotating.run(again).code == 0
        if phase == 2:
            assert "both keys are accepted for" in phase_planned(rotating).empty_reason
    assert {text for text, _ in files(rotating).values()} == {FILE.replace("old-key", "new-key") + "\n"}
    assert phase_planned(rotating).empty and kept(rotating, "a") == kept(rotating, "b") == []


def test_kept_files_of_later_pushes_are_not_those_of_a_rotation(rotating: World) -> None:
    for _ in range(3):
        assert rotating.run(phase_planned(rotating, at_once=True)).code == 0
    later = rotating.state("a", "api") / "settings"
    later.mkdir()
    (later / "20991231T235959Z-0001").write_text("KEY=new-key\n")
    assert phase_planned(rotating).empty


def test_both_keys_are_accepted_as_long_as_the_overlap_says(rotating: World) -> None:
    for _ in (1, 2):
        assert rotating.run(phase_planned(rotating)).code == 0
    assert "both keys are accepted for" in phase_planned(rotating).empty_reason
    for host in HOSTS:
        journal = rotating.state(host, "api") / "journal.jsonl"
        journal.write_text(journal.read_text().replace(f"{time.gmtime().tm_year}-", "2020-"))
    assert "phase 3 of 3" in plan_text(phase_planned(rotating))
    for host in HOSTS:
        journal = rotating.state(host, "api") / "journal.jsonl"
        lines = [line for line in journal.read_text().splitlines() if '"result":"done"' not in line]
        journal.write_text("".join(f"{line}\n" for line in lines))
    assert "phase 2 of 3" in plan_text(phase_planned(rotating)), "nobody knows since when all sign with it"


def test_files_in_no_state_of_a_rotation_are_left_alone(rotating: World) -> None:
    write(rotating, "b", "KEY=new-key\n")
    with pytest.raises(CheckError, match="they do not accept each other's"):
        phase_planned(rotating)
    write(rotating, "b", "KEY=old-key\nOTHER_KEY=third\n")
    with pytest.raises(CheckError, match="that is no state of a rotation"):
        phase_planned(rotating)
    write(rotating, "b", "OTHER_KEY=third\n")
    with pytest.raises(CheckError, match="KEY is absent"):
        phase_planned(rotating)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_push_that_was_killed_is_completed_or_undone(world: World, steps: int) -> None:
    plan = planned(world)
    unit = plan.waves[0].site_plans[0]
    (host,) = [host for host in world.fleet().hosts if host.name == unit.site.host]
    world.remote.run(host, Script(unit.steps[:steps], plan.run, plan.by, "api", unit.site.layout.journal))
    for name in HOSTS:
        # It was long ago that they read their files.
        os.utime(world.state(name, "api") / "reloaded", (1, 1))
    assert [text for text, _ in files(world).values()] == ([NEW, FILE] if steps == 2 else [FILE, FILE])
    assert world.run(planned(world)).code == 0
    assert files(world) == dict.fromkeys(HOSTS, (NEW, 0o600)) and set(taken(world).values()) == {"KEY=new-key"}
    # Of the run that was killed one host has a kept file as well: hosts go back together.
    assert world.run(planned(world, "undo")).code == 0
    assert not kept(world, "a") and not kept(world, "b")
    assert files(world) == dict.fromkeys(HOSTS, (FILE, 0o640)) and set(taken(world).values()) == {"KEY=old-key"}


def test_a_push_that_was_killed_is_done_in_no_history(world: World) -> None:
    """Of a journal that ends after any line of it: the names that it was about to write are no end."""
    plan = planned(world)
    assert world.run(plan).code == 0
    host = next(host for host in world.fleet().hosts if host.name == "a")
    (site,) = [site for site in plan.sites if site.host == "a"]
    whole = (world.state("a", "api") / "journal.jsonl").read_text().splitlines(keepends=True)
    first, last = (
        next(n for n, line in enumerate(whole) if word in line and plan.run in line)
        for word in ('"event":"settings"', '"event":"run"')
    )
    assert first < last
    for end in range(first, len(whole)):
        cut = f"cut/{end}"
        (world.remote.home("a") / cut).mkdir(parents=True)
        (world.remote.home("a") / cut / "journal.jsonl").write_text("".join(whole[: end + 1]))
        at = replace(site, layout=replace(site.layout, state=cut))
        query = Query("a", host, (history_probe(at, None, None), run_probe(at, plan.run)))
        listed, known = ask(world.remote, [query])["a"].facts
        ended = "done" if end >= last else "open"
        for entries in ([each for each in listed.entries if each.run == plan.run], known.entries):
            assert [(each.kind, each.result, each.subject) for each in entries] == [("settings", ended, "KEY DEBUG")]
        events = found_on_hosts(plan.run, {at: known}).events
        assert [event["result"] for event in events if event["event"] == "outcome"] == ["done"] * (end >= last)


def test_whatever_step_of_a_rollback_fails_its_settings_go_with_its_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LS_TEST_KEY", "old-key")
    assert world.deploy("v2", "box:backend").code == 0
    monkeypatch.setenv("LS_TEST_KEY", "new-key")
    assert world.run(planned(world)).code == 0
    before, serves = files(world), taken(world)

    def back() -> Plan:
        fleet = world.fleet("box:backend")
        former = {plans.site(host.name, app): kept(world, host.name)[0] for host, app in fleet.sites()}
        plan = world.plan_rollback(selection="box:backend", settings=former)
        return replace(in_haste(plan), journal_sizes={})

    for at in steps_of(back()):
        plan = back()
        wave, site, step = step_at(plan, at)
        ended = world.run(with_step(plan, at, fails))
        why = f"{wave.name} {site} {step.name}\n{outcome_text(ended.outcome)}"
        assert ended.code in (5, 7) and files(world) == before and taken(world) == serves, why
        assert {world.revision(host, "api") for host in HOSTS} == {world.rev("v2")} and leftovers(world) == [], why
    assert world.run(back()).code == 0
    assert files(world) == dict.fromkeys(HOSTS, (FILE, 0o640)) and set(taken(world).values()) == {"KEY=old-key"}
    assert {world.revision(host, "api") for host in HOSTS} == {world.rev("v1")}
