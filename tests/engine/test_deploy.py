from tests.engine.world import World

def test_first(world: World) -> None:
    ended = world.deploy("v1")
    assert ended.code == 0, ended.outcome
    assert world.truth() == world.on("v1")
    ended = world.deploy("v2")
    assert ended.code == 0, ended.outcome
    assert world.truth() == world.on("v2")
    assert world.leftovers() == []
