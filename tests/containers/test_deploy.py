"""Deploys of the whole fleet."""

from tests.containers import truth
from tests.containers.fleet import Fleet
from tests.containers.project import Project
from tests.containers.repos import Repository


def test_first(project: Project, fleet: Fleet, repositories: dict[str, Repository]) -> None:
    for ref in ("v1", "v2"):
        ran = project.deploy(ref)
        print(ran.said, ran.seconds)
        assert ran.code == 0, ran.said
        print(truth.everywhere(fleet))
    ran = project.rollback("--tag", "v1")
    print(ran.said, ran.seconds)
    assert ran.code == 0, ran.said
    print(truth.everywhere(fleet))
    print(project.status())
