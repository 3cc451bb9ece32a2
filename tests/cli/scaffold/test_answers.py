"""Answers: what each may be, what is taken without one, and that the inventory holds what was answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lockstitch import services
from lockstitch.cli.scaffold.answers import InitAnswers, hosts_of
from lockstitch.cli.scaffold.files import inventory_text, scalar, template, written
from lockstitch.cli.scaffold.questions import QUESTIONS, gather
from lockstitch.cli.scaffold.service_settings import plainest, required, together
from lockstitch.cli.scaffold.service_settings import settings as settings_of
from lockstitch.cli.scaffold.write import checked
from lockstitch.errors import InventoryError, UsageError
from lockstitch.inventory.load import load
from lockstitch.inventory.model import Inventory
from lockstitch.inventory.types import NAME

BY_FLAG = {question.flag: question for question in QUESTIONS}


def loaded(folder: Path, answers: InitAnswers) -> Inventory:
    (folder / "hosts").mkdir(exist_ok=True)
    file = folder / "hosts" / f"{answers.environment}.yml"
    file.write_bytes(inventory_text(answers, {"reload": "what it does"}).encode())
    return load(folder / "hosts", answers.environment)


# Hosts.


def told(text: str) -> list[tuple[str, str | None, int | None, str | None]]:
    return [(host.name, host.address, host.port, host.user) for host in hosts_of(text)]


def test_hosts_as_they_are_typed() -> None:
    assert told("web1, web2.example.com") == [("web1", None, None, None), ("web2.example.com", None, None, None)]
    assert told("root@web1:2222") == [("web1", None, 2222, "root")]
    assert told("web1=deploy@192.0.2.10:22,web2=[2001:db8::1]") == [
        ("web1", "192.0.2.10", 22, "deploy"),
        ("web2", "2001:db8::1", None, None),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (" , ", "there is none"),
        ("web1,web1:22", "web1 is there twice"),
        ("[2001:db8::1]", "give it one"),
        ("web 1", "is not a host"),
        ("web1=", "is not a host"),
        ("=web1", "cannot be the name"),
        ("web1:99999", "65535"),
        ("ro;ot@web1", "user"),
        ("-oProxyCommand=x", "cannot be the name"),
    ],
)
def test_what_is_no_host_is_said(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        hosts_of(text)


# YAML.


@settings(deadline=None)
@given(st.text() | st.text(alphabet="tfn~yeso01.:-#'\"[]{},&*!|>%@` \\\n\t\x7f\x85\u2028\ufeff"))
@example("no")
@example("null")
@example("1.5")
@example("2024-01-01")
@example("a: b")
@example("a #b")
@example("-")
@example("\udc80")
def test_a_text_is_read_back_as_it_was(text: str) -> None:
    assert yaml.safe_load(f"a: [{scalar(text)}]\nb: {scalar(text)}\n") == {"a": [text], "b": text}


def accepted(flag: str) -> st.SearchStrategy[str]:
    odd = st.text(alphabet=st.characters(codec="utf-8"), min_size=1) | st.text(alphabet="a/ :#'\"{}é-中.", min_size=1)
    return odd.filter(lambda value: not BY_FLAG[flag].wrong(value))


names = st.from_regex(NAME, fullmatch=True)
lines = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip)
HOSTS = st.lists(names, min_size=1, max_size=4, unique=True).flatmap(
    lambda found: st.tuples(*(st.sampled_from([name, f"ada@{name}:2222", f"{name}=192.0.2.1"]) for name in found))
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    environment=names,
    app=names,
    hosts=HOSTS,
    repository=accepted("repository"),
    path=accepted("path"),
    ref=accepted("ref"),
    layout=st.sampled_from(["releases", "in_place"]),
    health=st.just("") | accepted("path").map(lambda path: f"http://localhost/{path}".replace(" ", "+")),
    gateway=st.sampled_from(["", "bastion", "ada@bastion.example.com:22", "[2001:db8::1]:2222"]),
    reload=lines,
    status=lines,
    protect=st.booleans(),
)
def test_the_inventory_says_what_was_answered(
    tmp_path_factory: pytest.TempPathFactory,
    hosts: tuple[str, ...],
    reload: str,
    status: str,
    protect: bool,
    **said: str,
) -> None:
    given = {**said, "hosts": ",".join(hosts), "service": "command"}
    answers = gather(given, [f"reload={reload}", f"status={status}"], protect=protect)
    inventory = loaded(tmp_path_factory.mktemp("said"), answers)
    assert (inventory.name, inventory.protect) == (said["environment"], protect)
    assert [host.name for host in inventory.hosts] == [host.name for host in answers.hosts]
    for host, wanted in zip(inventory.hosts, answers.hosts, strict=True):
        address = host.address
        assert (address.hostname, address.port, address.user) == (wanted.address, wanted.port, wanted.user or "deploy")
        assert bool(host.gateways) == bool(said["gateway"])
        app = inventory.app(said["app"], host.name)
        assert {key: getattr(app, key) for key in ("repository", "path", "ref", "layout")}.items() <= said.items()
        assert (app.health.url if app.health else "") == said["health"]
        assert (app.service.reload, app.service.status) == (reload, status)  # type: ignore[attr-defined]


# What is taken, and what is refused.


def test_without_any_answer_there_is_a_whole_inventory_and_it_is_said_what_was_taken(tmp_path: Path) -> None:
    answers = gather({})
    taken = dict(answers.assumed)
    assert taken["environment"] == "prod"
    assert taken["repository"] == "git@example.com:acme/api.git"
    assert set(taken) == {*BY_FLAG, "setting"} - {"gateway", "health"}
    assert loaded(tmp_path, answers).protect
    assert dict(gather({"app": "shop"}).assumed)["path"] == "/srv/shop"


@pytest.mark.parametrize("kind", list(services.service_types()))
def test_every_service_can_be_had_by_its_own_settings(kind: str, tmp_path: Path) -> None:
    """What one needs beyond its required settings, its model says; here it is taken from that."""
    more: list[str] = []
    sentences = {"give either unit or pidfile": "unit=api"}
    for setting in required(kind):
        more.append(f"{setting.key}={setting.default('api') or 'php8.2-fpm'}")
    try:
        inventory = loaded(tmp_path, gather({"service": kind}, more))
    except InventoryError as error:
        more += [words for says, words in sentences.items() if says in str(error)]
        inventory = loaded(tmp_path, gather({"service": kind}, more))
    assert inventory.app("api", "web1.example.com").service.kind == kind  # type: ignore[attr-defined]


def test_the_plainest_service_needs_only_the_name_of_the_app() -> None:
    kind = plainest("shop")
    made = together(kind, {setting.key: setting.default("shop") for setting in required(kind)})
    services.service_types()[kind].model_validate(made)
    others = [k for k in services.service_types() if all(setting.default("shop") for setting in required(k))]
    assert len(settings_of(kind)) == min(len(settings_of(k)) for k in others if required(k))


def test_a_setting_is_what_its_model_takes() -> None:
    assert together("laravel", {"fpm.unit": "1", "fpm.settle": "30", "migrate": "false", "group": "null"}) == {
        "kind": "laravel",
        "fpm": {"unit": "1", "settle": 30},
        "migrate": False,
        "group": None,
    }
    assert together("command", {"needs": "a, b"})["needs"] == ["a", "b"]
    assert together("command", {"needs": "[a, b]"})["needs"] == ["a", "b"]
    with pytest.raises(ValueError, match="has a value already"):
        together("laravel", {"fpm": "x", "fpm.unit": "x"})


@pytest.mark.parametrize(
    ("given", "told", "says"),
    [
        ({"environment": "../prod"}, [], "--environment: '../prod' cannot be a name"),
        ({"environment": "_all"}, [], "--environment: "),
        ({"repository": "https://ada:hunter2@example.com/x"}, [], "--repository: it holds a password"),
        ({"path": "/srv/../etc"}, [], "--path: "),
        ({"ref": "-x"}, [], "--ref: "),
        ({"layout": "release"}, [], "--layout: 'release' is not one of in_place, releases"),
        ({"service": "gunicron"}, [], "--service: 'gunicron' is not one of "),
        ({"health": "localhost"}, [], "--health: "),
        ({"gateway": "a b"}, [], "--gateway: "),
        ({"service": "pm2"}, ["nmae=x"], "nmae is no setting of pm2: did you mean name?"),
        ({"service": "pm2"}, ["name"], "'name' is not KEY=VALUE"),
    ],
)
def test_an_answer_that_cannot_be_is_said_with_its_flag(given: dict[str, str], told: list[str], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        gather(given, told)
    assert says in str(refused.value)
    assert "nothing was written" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_what_only_the_whole_inventory_shows_is_said_as_of_any_inventory() -> None:
    answers = gather({"service": "gunicorn", "environment": "blue"})
    with pytest.raises(InventoryError) as refused:
        checked(written(template(), answers), "blue")
    (problem,) = refused.value.problems
    text = inventory_text(answers, {}).splitlines()
    line = next(number for number, line in enumerate(text, 1) if line.startswith("      kind: "))
    assert problem.startswith("hosts/blue.yml:")
    assert problem.endswith("give either unit or pidfile")
    assert abs(int(problem.split(":")[1]) - line) <= 1


# Questions.


def person(*answers: str) -> tuple[Callable[[str], str], list[str]]:
    """Somebody who types these answers, and then only Enter; and what was asked of them."""
    waiting: Iterator[str] = iter(answers)
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return next(waiting, "") + "\n"

    return ask, asked


def test_enter_takes_what_is_shown_and_what_was_given_is_not_asked() -> None:
    ask, asked = person()
    answers = gather({"app": "shop", "hosts": "web1"}, ask=ask)
    assert (answers.environment, answers.path, answers.assumed) == ("prod", "/srv/shop", ())
    assert any("[/srv/shop]" in question for question in asked)
    assert any(", ".join(services.service_types()) in question for question in asked)
    assert len(asked) == len(QUESTIONS) - 2 + len(required(plainest("shop")))


def test_a_wrong_answer_is_asked_again() -> None:
    ask, asked = person("../x", "blue", "web 1", "web1")
    answers = gather({}, ask=ask)
    assert (answers.environment, answers.hosts[0].name) == ("blue", "web1")
    assert "cannot be a name" in asked[1]
    assert "is not a host" in asked[3]


def settle(kind: str, *answers: str) -> Any:
    ask, asked = person(*answers)
    said = {question.flag: question.default({"app": "api"}) for question in QUESTIONS}
    said |= {"gateway": "bastion", "health": "http://localhost/", "service": kind}
    return gather(said, ask=ask).service, asked


def test_what_a_service_needs_is_asked_by_its_own_words() -> None:
    service, asked = settle("laravel", "php8.2-fpm")
    assert service == {"kind": "laravel", "fpm": {"unit": "php8.2-fpm"}}
    assert asked == ["laravel, fpm.unit: its systemd unit, such as `php8.2-fpm`: "]
    service, asked = settle("gunicorn", "unit=api", "")
    assert service == {"kind": "gunicorn", "unit": "api"}
    assert "give either unit or pidfile" in asked[0]
    service, asked = settle("command", "", "true", "reload=true")
    assert service == {"kind": "command", "reload": "true", "status": "true"}
    with pytest.raises(UsageError, match="give either unit or pidfile"):
        settle("gunicorn")


def test_what_a_first_deploy_needs_is_asked_for_once_and_told() -> None:
    service, asked = settle("pm2", "", "ecosystem=ecosystem.config.js")
    assert service == {"kind": "pm2", "name": "api", "ecosystem": "ecosystem.config.js"}
    assert "give ecosystem or start" in asked[-1]
    assert "give ecosystem or start" in gather({"service": "pm2"}).missing
    assert "needs start" in gather({"service": "gunicorn"}, ["pidfile=/run/api.pid"]).missing
    assert not gather({"service": "gunicorn"}, ["pidfile=/run/api.pid", "start=go"]).missing


# Groups and users.


def test_groups_have_their_hosts_and_the_app_runs_in_the_first(tmp_path: Path) -> None:
    answers = gather({"app": "shop"}, groups=["backend=api1,root@db1", "frontend=web1,db1"])
    assert not {"hosts"} & {flag for flag, _ in answers.assumed}
    inventory = loaded(tmp_path, answers)
    assert [(g.name, [h.name for h in g.hosts], g.apps) for g in inventory.groups] == [
        ("backend", ["api1", "db1"], ("shop",)),
        ("frontend", ["web1", "db1"], ()),
    ]
    assert {host.name: host.address.user for host in inventory.hosts} == {
        "api1": "deploy",
        "db1": "root",
        "web1": "deploy",
    }


@pytest.mark.parametrize(
    ("hosts", "user", "asked"),
    [("ada@web1,ada@web2", "ada", False), ("ada@web1,bob@web2", "", False), ("ada@web1,web2", "deploy", True)],
)
def test_who_logs_in_is_not_asked_where_every_host_says_it(hosts: str, user: str, asked: bool, tmp_path: Path) -> None:
    answers = gather({"hosts": hosts})
    assert (answers.user, "user" in dict(answers.assumed)) == (user, asked)
    told = {word.partition("@")[2] or word: word.rpartition("@")[0] or "deploy" for word in hosts.split(",")}
    assert {host.name: host.address.user for host in loaded(tmp_path, answers).hosts} == told


@pytest.mark.parametrize(
    ("groups", "hosts", "says"),
    [
        (["backend"], "", "--group: 'backend' is not NAME=HOST,HOST"),
        (["a b=web1"], "", "--group: 'a b=web1' is not"),
        (["a=web1", "a=web2"], "", "--group: a is there twice"),
        (["a="], "", "--group: there is none"),
        (["a=web1"], "web2", "--hosts: the hosts are given by --group"),
    ],
)
def test_groups_that_cannot_be(groups: list[str], hosts: str, says: str) -> None:
    with pytest.raises(UsageError, match="nothing was written") as refused:
        gather({"hosts": hosts}, groups=groups)
    assert says in str(refused.value)
