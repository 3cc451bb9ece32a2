"""Authors of what a deploy brings, as a host's git tells them; and the hash of plans that were made from real answers."""

from __future__ import annotations

from lockstitch.model.identity import Identity
from lockstitch.plans.plan_hash import plan_hash
from lockstitch.report.plan import plan_json
from tests.engine.conftest import MakeWorld
from tests.engine.world import World


def commit(world: World, author: str, message: str) -> None:
    world.git("commit", "-q", "--allow-empty", "--author", author, "-m", message)


def test_authors_and_co_authors_of_what_comes_in_are_told(world: World) -> None:
    world.given("v1")
    commit(world, "Bob <bob@example.com>", "one\n\nCo-authored-by: Ana Lima <ana@example.com>\n\nand a last paragraph")
    commit(world, "Bob <bob@example.com>", "two\n\n  CO-AUTHORED-BY : Cy <CY@example.com>\r\n")
    commit(world, "D\u202ee <d;$(e)@example.com>", "three\n\nauthors\nnoauthors x\nauthor: Eve <eve@example.com>")
    world.git("tag", "v9")
    people, unknown = world.plan_deploy("v9").authors["api"]
    assert unknown == ""
    assert {
        Identity("Ana Lima", "ana@example.com"),
        Identity("Bob", "bob@example.com"),
        Identity("Cy", "CY@example.com"),
        Identity("D\u202ee", "d;$(e)@example.com"),
        Identity("Eve", "eve@example.com"),
    } < set(people)
    told = plan_json(world.plan_deploy("v9"))["authors"]["api"]
    assert told["known"] and {"name": "Cy", "mail": "CY@example.com"} in told["people"]


def test_a_mailmap_that_comes_in_hides_no_author(world: World) -> None:
    world.given("v1")
    (world.repository / ".mailmap").write_text("Eve <eve@example.com> <ana@example.com>\n")
    world.git("add", ".mailmap")
    commit(world, "Ana <ana@example.com>", "someone else")
    world.git("tag", "v9")
    assert Identity("Ana", "ana@example.com") in world.plan_deploy("v9").authors["api"][0]


def test_of_a_first_deploy_the_authors_are_not_known(world: World) -> None:
    assert world.plan_deploy("v1").authors["api"] == ((), "nothing is deployed yet")


def test_authors_are_not_known_where_git_cannot_tell_what_lies_between(make_world: MakeWorld) -> None:
    world = make_world("releases").given("v1")
    for host in ("a", "b"):
        (world.path(host, "api") / "current" / "REVISION").write_text("1" * 40 + "\n")
    assert world.plan_deploy("v2").authors["api"] == ((), "git cannot tell what lies between")


def test_the_same_hosts_asked_again_give_the_same_hash_and_a_change_on_one_another(world: World) -> None:
    world.given("v1")
    first = world.plan_deploy("v2")
    assert plan_hash(world.plan_deploy("v2")) == plan_hash(first) == plan_json(first)["hash"]
    assert plan_hash(world.plan_deploy("v1", force=True)) != plan_hash(first)
    world.deploy("v2", "box:a")
    assert plan_hash(world.plan_deploy("v2")) != plan_hash(first)
