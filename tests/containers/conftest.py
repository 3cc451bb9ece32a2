"""Fixtures of the tests on real hosts: an engine, the images, a fleet of seven, its database server and the
repositories on its git host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.containers import desk as desks
from tests.containers import engine as engines
from tests.containers import images as image_builder
from tests.containers import repos, truth
from tests.containers.data import Data
from tests.containers.desk import Desk
from tests.containers.fleet import BACKUPS, Fleet
from tests.containers.postgres import Postgres
from tests.containers.project import Project, notes_inventory
from tests.containers.repos import Repository
from tests.containers.units import LAYOUTS, Layout, install_notes_unit

# The sample apps have tests of their own, which run on the fleet's hosts.
collect_ignore = ["apps"]

BUILD_SECONDS = 900
# The files that take longest, the longest first: what begins last of several that run side by side should be short. The
# first two need the host image alone; that of the hosts for PHP is built meanwhile.
LONGEST = (
    "deploy",
    "database_deploy",
    "laravel_back",
    "failures",
    "laravel_paused",
    "faults",
    "flags",
    "databases",
    "deploy_traffic",
    "services",
    "metric_gates",
    "settings",
    "reboot",
    "services_next",
    "laravel",
    "checks",
    "laravel_tasks",
    "drift",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first. Only those of this folder move, and the tests of a file keep their order. The first one may have
    to build images."""
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker(pytest.mark.timeout(2 * BUILD_SECONDS))
    ordered = iter(sorted(ours, key=lambda item: places.get(item.path.name, len(places))))
    items[:] = [next(ordered) if item.path.is_relative_to(Path(__file__).parent) else item for item in items]


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of an engine that answers. One that had to be started stays for the next session and for those beside
    this one: `python -m tests.containers.engine stop` ends it."""
    engines.start()
    client = docker.from_env(timeout=BUILD_SECONDS)
    yield client
    client.close()


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> str:
    """The tag of the host image, built the first time it is asked for."""
    return image_builder.ensure(engine)


@pytest.fixture(scope="session")
def fleet(engine: docker.DockerClient, images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The seven machines of `Fleet.topology`, running, and removed at the end."""
    with Fleet(engine, images, tmp_path_factory.mktemp("fleet")) as machines:
        yield machines.topology()


@pytest.fixture(scope="session")
def repositories(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Repository]:
    """The sample apps' repositories by name, pushed to the git host: clone them at `fleet.clone_url(name)`."""
    folder = tmp_path_factory.mktemp("repositories")
    made = {app: repos.make_repository(app, folder) for app in repos.NAMES}
    for repository in made.values():
        repos.publish(fleet, repository)
    return made


@pytest.fixture(scope="session")
def postgres(fleet: Fleet) -> Iterator[Postgres]:
    """The server of db1, started; it has what earlier tests left in it until `reset`."""
    server = Postgres(fleet["db1"])
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    """Each layout in turn."""
    chosen: Layout = request.param
    return chosen


@pytest.fixture
def project(fleet: Fleet, repositories: dict[str, Repository], layout: Layout, tmp_path: Path) -> Iterator[Project]:
    """An operations project for the fleet, whose four hosts have their units and have never seen a deploy."""
    truth.reset(fleet)
    truth.with_units(fleet, layout)
    yield Project(tmp_path / "project", fleet, layout)
    truth.reset(fleet)


@pytest.fixture
def notes_project(
    fleet: Fleet, repositories: dict[str, Repository], postgres: Postgres, layout: Layout, tmp_path: Path
) -> Iterator[Project]:
    """An operations project for the notes on the backends, never deployed, with the empty databases `notes` and
    `scratch`, and no backup anywhere."""
    _clear(fleet, postgres)
    for database in ("notes", "scratch"):
        postgres.create(database)
    for machine in fleet.backends:
        install_notes_unit(machine, layout, postgres.url("notes"))
    project = Project(tmp_path / "project", fleet, layout)
    project.inventory = notes_inventory(fleet, layout)
    for name in ("notes", "scratch"):
        project.variables[f"{name.upper()}_DATABASE_URL"] = postgres.url(name)
    yield project
    _clear(fleet, postgres)


@pytest.fixture(scope="session")
def php_fleet(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The two hosts for PHP and the host of their data, which is their git server too; removed at the end."""
    image = image_builder.ensure_php(engine)
    with Fleet(engine, image, tmp_path_factory.mktemp("php-fleet"), git_host=desks.TOPOLOGY[-1].name) as machines:
        machines.start(desks.TOPOLOGY)
        yield machines


@pytest.fixture(scope="session")
def desk_repository(php_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The desk's repository, pushed to the git host."""
    repository = repos.make_repository(desks.APP, tmp_path_factory.mktemp("repositories"))
    repos.publish(php_fleet, repository)
    return repository


@pytest.fixture(scope="session")
def data(php_fleet: Fleet) -> Data:
    """MariaDB and Redis, started."""
    servers = Data(php_fleet[desks.TOPOLOGY[-1].name])
    servers.start()
    return servers


@pytest.fixture
def desk(php_fleet: Fleet, desk_repository: Repository, data: Data, tmp_path: Path) -> Iterator[Desk]:
    """An operations project for the desk, whose hosts stand as earlier tests left them, but for its workers: they ask
    for jobs ten times a second, and are stopped afterwards."""
    desk = Desk(php_fleet, data, tmp_path / "project")
    yield desk
    desk.everywhere(lambda machine: machine.check("systemctl stop desk-worker desk-horizon"))


def _clear(fleet: Fleet, postgres: Postgres) -> None:
    truth.reset(fleet)
    postgres.reset()
    for machine in fleet.backends:
        machine.check(f"find {BACKUPS} -mindepth 1 -delete; rm -f /etc/default/gunicorn")
