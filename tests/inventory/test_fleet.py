"""Which apps on which hosts a selection means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lockstitch.errors import UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.selection import select

from .conftest import FLEET, Write

Choose = Callable[[str], Fleet]


@pytest.fixture
def fleet(write: Write) -> Choose:
    folder = write(prod=FLEET)
    return lambda text: select(folder, text).fleets[0]


def sites(fleet: Fleet) -> list[str]:
    return [f"{app.name}@{host.name.split('.')[0]}" for host, app in fleet.sites()]


def test_groups_in_order_then_apps_then_hosts(fleet: Choose) -> None:
    assert sites(fleet("prod")) == [
        *("api@api1", "api@api2", "worker@api1", "worker@api2"),
        *("web@web1", "web@web2"),
        *("cron@web2", "cron@api1", "cron@both"),
    ]


def test_a_group_means_only_its_own_apps(fleet: Choose) -> None:
    assert sites(fleet("prod:mixed")) == ["cron@web2", "cron@api1", "cron@both"]
    assert sites(fleet("prod:frontend")) == ["web@web1", "web@web2"]
    assert sites(fleet("prod:!mixed,!backend")) == ["web@web1", "web@web2"]


def test_a_host_means_all_its_apps(fleet: Choose) -> None:
    assert sites(fleet("prod:web2")) == ["web@web2", "cron@web2"]
    assert sites(fleet("prod:web2,!mixed")) == ["web@web2"]


def test_narrowing_to_apps(fleet: Choose) -> None:
    narrow = fleet("prod").only(["cron", "api", "cron"])
    assert sites(narrow) == ["api@api1", "api@api2", "cron@web2", "cron@api1", "cron@both"]
    assert [host.name for host in narrow.hosts] == ["api1.example.com", "api2.example.com", "web2", "both"]
    assert [group.name for group in narrow.groups] == ["backend", "mixed"]
    assert narrow.apps == ("api", "cron")


@pytest.mark.parametrize(
    ("text", "app", "says"),
    [
        ("prod", "wbe", "there is no app wbe in prod: did you mean web?"),
        ("prod", "idle", "there is no app idle in prod (known: api, worker, web, cron)"),
        ("prod:frontend", "api", "there is no app api on the selected hosts (known: web)"),
    ],
)
def test_narrowing_to_what_is_not_there(fleet: Choose, text: str, app: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        fleet(text).only([app])
    assert caught.value.message == says
