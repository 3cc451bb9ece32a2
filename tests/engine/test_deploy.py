"""Deploys that go well, and those that are refused before anything is changed: on folders, for both layouts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.errors import CheckError, LockHeldError, UsageError
from lockstitch.model.command import Command
from lockstitch.model.outcome import GateAsked, WaveBegan
from lockstitch.model.plan import Step
from lockstitch.report.plan import plan_text
from tests.engine import world as world_module
from tests.engine.conftest import MakeWorld
from tests.engine.world import SITES, Ended, World, with_step, with_unit


def waves(ended: Ended) -> list[str]:
    return [event.name for event in ended.events if isinstance(event, WaveBegan)]


def test_a_first_deploy_and_a_second_one(world: World) -> None:
    for version in ("v1", "v2"):
        ended = world.deploy(version)
        assert ended.code == 0, ended.outcome
        assert world.truth() == world.on(version)
        assert world.leftovers() == []
        assert {site.where for site in ended.outcome.sites} == {"new"}
        assert all(list(world.verdicts(*site).values()) == ["good"] * int(version[1]) for site in SITES)
    assert world.migrations() == {"a": ["migrated to v1", "migrated to v2"]}, "once a deploy, on the first host"


def test_the_waves_are_as_the_inventory_has_them(world: World) -> None:
    ended = world.deploy("v1")
    migrate = ["migrate api"] if world.layout == "releases" else []
    assert waves(ended) == ["prepare", *migrate, "api 1/2: a", "api 2/2: b", "web 1/1: b, c"]
    asked = [str(event.site) for event in ended.events if isinstance(event, GateAsked)]
    assert asked[:2] == ["api@a", "api@b"]
    assert sorted(asked[2:]) == ["web@b", "web@c"]


def test_nothing_to_do_and_force(world: World) -> None:
    world.given("v1")
    assert world.plan_deploy("v1").empty
    assert "nothing to do" in plan_text(world.plan_deploy("v1"))
    before = {site: world.verdicts(*site) for site in SITES}
    assert world.deploy("v1", force=True).code == 0
    assert world.truth() == world.on("v1")
    assert all(len(world.verdicts(*site)) == len(before[site]) + 1 for site in SITES)


def test_hosts_that_are_there_already_are_left_alone(any_world: World) -> None:
    any_world.given("v1")
    assert any_world.deploy("v2", "box:a").code == 0
    assert any_world.served("a", "api") == "v2"
    assert any_world.served("b", "api") == "v1"
    plan = any_world.plan_deploy("v2")
    assert {str(change.site) for change in plan.changes} == {"api@b", "web@b", "web@c"}
    assert any("different revisions" in note for note in plan.notes)
    assert any_world.run(plan).code == 0
    assert any_world.truth() == any_world.on("v2")


def test_a_host_on_the_revision_that_does_not_serve_it_is_deployed_again(world: World) -> None:
    world.given("v1")
    (world.remote.home("b") / "served.api").write_text("something else\n")
    plan = world.plan_deploy("v1")
    assert [str(change.site) for change in plan.changes] == ["api@b"]
    assert world.run(plan).code == 0
    assert world.truth() == world.on("v1")


def test_a_commit_a_branch_and_a_tag_name_the_same(any_world: World) -> None:
    wanted = any_world.rev("v4")
    assert {
        change.after
        for ref in ("main", "v4", wanted, "refs/heads/main")
        for change in any_world.plan_deploy(ref).changes
    } == {wanted}
    assert any_world.deploy("main").code == 0
    assert any_world.plan_deploy(wanted[:10]).empty, "short ids are known to a clone"


def test_a_ref_that_means_nothing_is_refused(any_world: World) -> None:
    for deployed in (False, True):
        with pytest.raises(CheckError, match="has no branch, tag or commit nowhere"):
            any_world.plan_deploy("nowhere")
        if not deployed:
            assert any_world.deploy("v1").code == 0
    assert any_world.truth() == any_world.on("v1")


def test_a_name_that_is_a_branch_and_a_tag_is_refused(any_world: World) -> None:
    any_world.git("branch", "v1", "v2")
    with pytest.raises(CheckError, match="a branch and a tag"):
        any_world.plan_deploy("v1")
    assert {change.after for change in any_world.plan_deploy("refs/heads/v1").changes} == {any_world.rev("v2")}


@pytest.mark.parametrize(
    "ref",
    ["-x", "--upload-pack=x", "a b", "a..b", "a\nb", "a\0", "x.lock", "@", "a@{1}", "/a", "a/", "a~1", "a^{}", ":a"],
)
def test_what_git_could_take_for_something_else_is_no_ref(ref: str) -> None:
    with pytest.raises(UsageError):
        plans.valid_ref(ref)


def test_the_commits_that_come_in_are_shown(any_world: World) -> None:
    any_world.given("v1")
    plan = any_world.plan_deploy("v3")
    assert [c.subject for c in plan.commits["api"]] == ["release v3", "release v2"]
    assert any_world.run(plan).code == 0
    assert any("goes back" in note for note in any_world.plan_deploy("v1").notes)


def test_a_subject_with_odd_line_ends_is_one_commit_and_says_nothing_else(any_world: World) -> None:
    """What splits lines elsewhere must not let a commit's subject answer for git."""
    any_world.given("v1")
    other = any_world.rev("v2")
    for number, end in enumerate("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r"):
        file = any_world.repository / "odd"
        file.write_text(str(number))
        any_world.git("add", "-A")
        any_world.git("commit", "-qm", f"odd{end}revision {other}{end}problem it is refused")
    plan = any_world.plan_deploy("main")
    assert {change.after for change in plan.changes} == {any_world.rev("main")}
    assert len(plan.commits["api"]) == 3 + 9


def test_a_message_with_odd_line_ends_is_recorded_and_read_back(any_world: World) -> None:
    message = 'it\'s "quoted" \\ $HOME `id` \x85 \u2028 \x0b \t end'
    assert any_world.deploy("v1", message=message).code == 0
    assert any_world.deploy("v2", message=message).code == 0
    (facts, *_) = any_world.surveyed(plans.usual_asks(any_world.fleet())).facts.values()
    assert [entry["message"] for entry in facts.host.journal] == [message, message]
    assert any_world.rollback().code == 0
    assert any_world.truth() == any_world.on("v1")


def test_a_dirty_checkout_is_refused_listed_and_lost_only_when_told(make_world: MakeWorld) -> None:
    world = make_world("in_place")
    world.given("v1")
    file = world.path("b", "api") / "VERSION"
    file.write_text("hot fix\n")
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("v2")
    assert "b: api: uncommitted changes" in refused.value.message
    assert "M VERSION" in refused.value.message
    assert "--discard-changes" in refused.value.hint
    assert "a: api" not in refused.value.message
    assert file.read_text() == "hot fix\n"
    with pytest.raises(CheckError, match="uncommitted"):
        world.plan_rollback("v1")
    assert world.deploy("v2", discard=True).code == 0
    assert world.truth() == world.on("v2")


def test_what_the_build_itself_changes_is_nobodys_uncommitted_change(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that writes into a tracked file, as `next build` does into package-lock.json."""
    build = 'build: ["cp VERSION built; echo \\"patched for $(cat VERSION)\\" >>lock"]'
    monkeypatch.setattr(
        world_module, "INVENTORY", world_module.INVENTORY.replace('build: ["cp VERSION built"]', build, 1)
    )
    world = make_world("in_place")
    for version in ("v1", "v2", "v3"):
        world.git("checkout", "-q", version)
        world.commit(f"{version}-locked", VERSION=f"{version}-locked\n", lock="as it is in git\n")
    assert world.deploy("v1-locked").code == 0
    lock = world.path("b", "api") / "lock"
    assert lock.read_text() == "as it is in git\npatched for v1-locked\n"
    plan = world.plan_deploy("v2-locked")
    assert any(note.startswith("api@b: changed by its own build, and checked out anew: lock") for note in plan.notes)
    assert world.run(plan).code == 0
    assert lock.read_text() == "as it is in git\npatched for v2-locked\n"
    assert "+patched for v1-locked" in (world.state("b", "api") / "built.patch").read_text()
    # What a person adds to it is a change of theirs.
    lock.write_text(lock.read_text() + "mine\n")
    with pytest.raises(CheckError, match="uncommitted") as refused:
        world.plan_deploy("v3-locked")
    assert "b: api" in refused.value.message and "a: api" not in refused.value.message
    assert world.deploy("v3-locked", discard=True).code == 0
    assert world.rollback("v2-locked").code == 0, "a rollback builds too"
    assert lock.read_text() == "as it is in git\npatched for v2-locked\n"
    world.git("checkout", "-q", "v3-locked")
    world.commit("bad", VERSION="", lock="as it is in git\n")
    assert world.deploy("bad").code == 5, "its test refuses it"
    assert world.deploy("v3-locked").code == 0, "what the build on the way back changed is known as well"


def test_untracked_files_of_a_checkout_stay(make_world: MakeWorld) -> None:
    world = make_world("in_place")
    world.given("v1")
    note = world.path("a", "api") / "uploads"
    note.write_text("precious")
    for version in ("v2", "v3"):
        assert world.deploy(version).code == 0
        assert note.read_text() == "precious"


def test_what_is_there_and_is_not_ours_is_refused(world: World) -> None:
    place = world.path("c", "web") / ("" if world.layout == "in_place" else "current")
    place.mkdir(parents=True)
    (place / "precious").write_text("x")
    with pytest.raises(CheckError, match="c: web: .* is there and is no"):
        world.plan_deploy("v1")
    assert (place / "precious").exists()
    assert not (world.path("a", "api")).exists()


def test_everything_that_stands_against_a_deploy_is_said_at_once(make_world: MakeWorld) -> None:
    service = '{kind: command, reload: "true", status: "true", needs: [no-such-tool]}'
    world = make_world("releases", min_free="999T", service=service)
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("v1")
    text = refused.value.message
    for host, app in SITES:
        assert f"{host}: {app}: `no-such-tool` is not found on this host" in text
        assert f"{host}: {app}: " in text
    assert text.count("are wanted (min_free)") == len(SITES)
    assert refused.value.exit_code == 7


def test_a_place_that_cannot_be_written_is_refused(make_world: MakeWorld) -> None:
    world = make_world("releases")
    closed = Path("/sys")
    if os.access(closed, os.W_OK):
        pytest.skip("there is no folder here that cannot be written")
    fleet = world.fleet()
    placed = {
        key: replace(app, layout_paths=replace(app.layout_paths, path=str(closed / "app")))
        for key, app in fleet.inventory.placed.items()
    }
    fleet = replace(fleet, inventory=replace(fleet.inventory, placed=placed))
    with pytest.raises(CheckError, match="a: api: /sys cannot be written"):
        plans.deploy(fleet, world.surveyed(plans.deploy_asks(fleet, "v1")), world.wanted(fleet))


def test_the_git_server_that_is_gone_is_said_and_nothing_is_changed(any_world: World) -> None:
    any_world.given("v1")
    before = any_world.truth()
    any_world.repository.rename(any_world.root / "moved")
    with pytest.raises(CheckError, match="the git server did not answer"):
        any_world.plan_deploy("v2")
    assert any_world.truth() == before


def test_a_plan_that_is_out_of_date_is_refused(any_world: World) -> None:
    any_world.given("v1")
    plan = any_world.plan_deploy("v2")
    assert any_world.deploy("v3").code == 0
    with pytest.raises(LockHeldError, match="after it was looked at"):
        any_world.run(plan)
    assert any_world.truth() == any_world.on("v3")
    assert any_world.leftovers() == []


def test_a_service_that_will_not_take_the_code_is_put_back_and_its_log_shown(world: World) -> None:
    world.given("v1")
    world.commit("broken")
    ended = world.deploy("broken")
    assert ended.code == 5
    (failure,) = ended.outcome.failures
    assert (str(failure.site), failure.what) == ("api@a", "reload")
    assert failure.logs == {"VERSION": ("broken",)}
    assert world.truth() == world.on("v1")
    assert world.deploy("v2").code == 0


def test_a_first_deploy_that_fails_serves_nothing(world: World) -> None:
    world.commit("broken")
    ended = world.deploy("broken")
    assert ended.code == 5, ended.outcome
    assert {world.served(*site) for site in SITES} == {""}
    assert world.deploy("v1").code == 0
    assert world.truth() == world.on("v1")


def test_releases_keep_shared_files_and_only_so_many_good_ones(make_world: MakeWorld) -> None:
    world = make_world("releases")
    world.given("v1")
    shared = world.path("a", "api") / "shared" / "storage"
    (shared / "upload").write_text("precious")
    world.commit("broken")
    assert world.deploy("v2", "box:a").code == 0
    assert world.deploy("broken", "box:a").code == 5
    bad = [release for release, verdict in world.verdicts("a", "api").items() if verdict == "bad"]
    for version in ("v3", "v4", "v1"):
        assert world.deploy(version, "box:a").code == 0
        current = world.path("a", "api") / "current" / "storage"
        assert (current / "upload").read_text() == "precious"
    folders = world.releases("a", "api")
    verdicts = world.verdicts("a", "api")
    good = [release for release in folders if verdicts[release] == "good"]
    assert len(good) == 3, "keep: 3"
    assert good == sorted(r for r, verdict in verdicts.items() if verdict == "good")[-3:]
    assert not set(bad) & set(folders), "older than every good one that is kept"


def test_a_failed_release_stays_as_evidence_until_good_ones_are_past_it(make_world: MakeWorld) -> None:
    world = make_world("releases")
    world.given("v1")
    world.commit("broken")
    for _ in range(5):
        assert world.deploy("broken", "box:a").code == 5
    assert world.deploy("v2", "box:a").code == 0
    folders = world.releases("a", "api")
    assert len(folders) == 7, "five failures push nothing out"
    assert world.rollback("", "box:a").code == 0
    assert world.served("a", "api") == "v1"


def test_a_release_that_a_process_still_uses_is_not_removed(make_world: MakeWorld) -> None:
    import subprocess

    world = make_world("releases")
    world.given("v1")
    (first,) = world.releases("c", "web")
    user = subprocess.Popen(["sleep", "60"], cwd=world.path("c", "web") / "releases" / first)
    try:
        for version in ("v2", "v3", "v4", "v1", "v2", "v3"):
            assert world.deploy(version, "box:c").code == 0
        assert first in world.releases("c", "web")
    finally:
        user.kill()
        user.wait()
    assert world.deploy("v4", "box:c").code == 0
    assert first not in world.releases("c", "web")


def tags_everywhere(world: World, name: str) -> dict[str, str]:
    places = {"origin": world.repository / ".git", **{f"{a}@{h}": world.clone(h, a) for h, a in SITES}}
    return {
        place: world.git("cat-file", "-t", f"refs/tags/{name}", at=at)
        for place, at in places.items()
        if world.git("tag", "--list", name, at=at)
    }


def test_tag_before_makes_an_annotated_tag_of_what_runs_in_each_clone_and_at_origin(world: World) -> None:
    world.given("v1")
    assert world.deploy("v2", tag_before="before-v2", message="why not").code == 0
    assert tags_everywhere(world, "before-v2") == dict.fromkeys(["origin", *(f"{a}@{h}" for h, a in SITES)], "tag")
    assert world.rev("before-v2") == world.rev("v1")
    told = world.git("for-each-ref", "--format=%(taggername) %(contents:subject)", "refs/tags/before-v2")
    assert told == "ada@desk why not"
    assert world.rollback("refs/tags/before-v2").code == 0
    assert world.truth() == world.on("v1")


def test_a_tag_that_cannot_be_pushed_is_a_refusal_and_leaves_no_tag_anywhere(any_world: World) -> None:
    any_world.given("v1")
    hook = any_world.repository / ".git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no tags today; exit 1\n")
    hook.chmod(0o755)
    ended = any_world.deploy("v2", tag_before="before-v2")
    assert ended.code == 7
    (failure,) = ended.outcome.failures
    assert failure.what == "push tag"
    assert any("no tags today" in line for line in failure.output)
    assert tags_everywhere(any_world, "before-v2") == {}
    assert any_world.truth() == any_world.on("v1")
    assert any_world.leftovers() == []
    assert all(list(any_world.verdicts(*site).values()) == ["good"] for site in SITES), "a refusal makes no release"


@pytest.mark.parametrize("where", ["clone", "origin"])
def test_a_tag_of_that_name_that_is_there_is_a_refusal_and_stays(any_world: World, where: str) -> None:
    """Taking back our tag must not take somebody else's, neither in a clone nor at origin."""
    any_world.given("v1")
    at = any_world.clone("b", "api") if where == "clone" else any_world.repository
    any_world.git("tag", "taken", any_world.rev("v1"), at=at)
    ended = any_world.deploy("v2", tag_before="taken")
    assert ended.code == 7
    assert any_world.truth() == any_world.on("v1")
    assert tags_everywhere(any_world, "taken") == {"api@b" if where == "clone" else "origin": "commit"}


def test_one_tag_cannot_name_two_revisions(any_world: World) -> None:
    any_world.given("v1")
    assert any_world.deploy("v2", "box:a").code == 0
    with pytest.raises(CheckError, match="api and web stand on 2 revisions"):
        any_world.plan_deploy("v3", tag_before="both")


@pytest.mark.parametrize("at", ["tag", "push tag"])
def test_a_tag_that_one_host_cannot_make_is_taken_back_everywhere(any_world: World, at: str) -> None:
    """The tag is pushed from the first host, whatever becomes of it on another."""
    plan = any_world.given("v1").plan_deploy("v2", tag_before="before-v2")
    unit, step = (3, 0) if at == "tag" else (0, 1)
    fails = replace(plan.waves[0].site_plans[unit].steps[step], command=Command("sleep 0.3; exit 9"))
    ended = any_world.run(with_step(plan, (0, unit, step), lambda _: fails))
    assert ended.code == 7
    assert tags_everywhere(any_world, "before-v2") == {}
    assert any_world.deploy("v2", tag_before="before-v2").code == 0, "and the name is free again"


def test_a_failed_app_does_not_make_the_release_of_another_one_bad(any_world: World) -> None:
    plan = any_world.given("v1").plan_deploy("v2")
    number = len(plan.waves) - 1
    plan = with_unit(
        plan, number, 0, lambda unit: replace(unit, steps=(*unit.steps, Step("boom", "fail", Command("exit 9"))))
    )
    ended = any_world.run(plan)
    assert ended.code == 5
    assert {str(failure.site.app) for failure in ended.outcome.failures if failure.site} == {"web"}
    last = {site: list(any_world.verdicts(*site).values())[-1] for site in SITES}
    assert last == {site: "bad" if site[1] == "web" else "unknown" for site in SITES}
    assert any_world.truth() == any_world.on("v1")
    assert any_world.deploy("v2").code == 0
