"""The questions for a new operations repository in their order, and the defaults where nobody answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError

from lockstitch import services
from lockstitch.cli.scaffold import FLAGS, HINT
from lockstitch.cli.scaffold.answers import InitAnswers, common_user, groups_of, hosts_of, said
from lockstitch.cli.scaffold.project import Project
from lockstitch.cli.scaffold.service_settings import plainest, required, settings, together, wrong
from lockstitch.errors import UsageError
from lockstitch.inventory.app import AppSettings, Health
from lockstitch.inventory.schema import HostSettings
from lockstitch.inventory.ssh import Gateway
from lockstitch.inventory.types import Name, User
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.layout import LayoutKind
from lockstitch.model.lazy_dataclass import dataclass

FlagValues = Mapping[str, str]
# Is given what to ask, and gives what was answered.
Prompt = Callable[[str], str]


@dataclass(frozen=True)
class InitQuestion:
    """One flag: its default, which may depend on what was said before it, and what is wrong with an answer.

    An `optional` one may stay without an answer.
    """

    flag: str
    default: Callable[[FlagValues], str]
    wrong: Callable[[str], str]
    optional: bool = False
    choices: Callable[[], Iterable[str]] = tuple

    def heard(self, default: str, ask: Prompt) -> str:
        """Return a person's answer; asks again until it is valid."""
        choices = ", ".join(self.choices())
        asked = f"{FLAGS[self.flag][1]}{f' ({choices})' if choices else ''}{_shown(default)}: "
        problem = ""
        while True:
            answer = ask(problem + asked).strip() or default
            problem = self.wrong(answer) if answer or not self.optional else ""
            if not problem:
                return answer
            problem = f"  {problem}\n"


def gather(
    given: FlagValues,
    pairs: Iterable[str] = (),
    groups: Iterable[str] = (),
    *,
    protect: bool = True,
    ask: Prompt | None = None,
    there: Project | None = None,
) -> InitAnswers:
    """The answers: what was `given` by flag, then what a person says; without `ask`, the defaults.

    `pairs` are settings of the service, as KEY=VALUE, and `groups` hosts by group, as NAME=HOST,HOST. The defaults for
    another environment of a project that is `there` are those of the one it has.
    """
    words: dict[str, str] = {}
    assumed: list[tuple[str, str]] = []
    own = _pairs(pairs)
    known = there.defaults if there else {}
    service: Mapping[str, Any] = {}
    named = _groups(groups, given.get("hosts", ""))
    for question in QUESTIONS:
        flag = question.flag
        default = known.get(flag) or question.default(words)
        if flag == "environment" and there and default in there.environments:
            default = "staging"
        value = _answer(question, default, given, named, ask)
        if value is None:
            value = default
            assumed += [(flag, default)] if default else []
        words[flag] = value
        if flag == "hosts" and not named:
            named = {"servers": hosts_of(value)}
        if flag == "service":
            like = there.service if there and not own and there.service.get("kind") == value else None
            service = like or _service(value, words["app"], own, ask, assumed)
    missing = _gap(words["service"], service)
    if ask and missing:
        missing, service = _heard_gap(words["service"], service, ask)
    common = bool(there and words["app"] in there.common) and not (own or any(map(given.get, _OF_THE_APP)))
    for flag in ("hosts", "service"):
        del words[flag]
    return InitAnswers(
        **words,
        groups=named,
        service=service,
        protect=protect,
        assumed=tuple(pair for pair in assumed if not (common and pair[0] in _OF_THE_APP)),
        missing=missing,
        app_is_common=common,
    )


def _answer(
    question: InitQuestion,
    default: str,
    given: FlagValues,
    named: Mapping[str, tuple[HostSettings, ...]],
    ask: Prompt | None,
) -> str | None:
    """Return what was given, or said with the hosts of `named`, or answered; None where there is nobody to ask."""
    flag, value = question.flag, given.get(question.flag, "")
    if value:
        if problem := question.wrong(value):
            raise _refused(f"--{flag}", problem)
        return value
    if flag == "hosts" and named:
        return ""
    if flag == "user" and all(host.user for host in _every(named)):
        return common_user(_every(named))
    return question.heard(default, ask) if ask else None


_OF_THE_APP = ("repository", "ref", "path", "layout", "service", "health", "setting")


def _groups(pairs: Iterable[str], hosts: str) -> dict[str, tuple[HostSettings, ...]]:
    try:
        groups = groups_of(pairs)
    except ValueError as error:
        raise _refused("--group", str(error)) from None
    if groups and hosts:
        raise _refused("--hosts", "the hosts are given by --group: leave one of the two out")
    return groups


def _every(groups: Mapping[str, tuple[HostSettings, ...]]) -> list[HostSettings]:
    return [host for hosts in groups.values() for host in hosts]


def _gap(kind: str, service: Mapping[str, Any]) -> str:
    """Return what a first deploy will lack to start the service; empty also where it is wrong in another way."""
    return "" if wrong(kind, service) else services.service_types()[kind].model_validate(service).start_gap()


def _heard_gap(kind: str, service: Mapping[str, Any], ask: Prompt) -> tuple[str, Mapping[str, Any]]:
    """Ask for the setting that a first deploy needs, once. Returns what is still missing, and the service."""
    gap = _gap(kind, service)
    key, equals, value = ask(f"{kind}: {gap}\n  one of its settings as KEY=VALUE, or nothing: ").strip().partition("=")
    if not equals:
        return gap, service
    more = {**service, **together(kind, {key.strip(): value.strip()})}
    if problem := wrong(kind, more):
        raise _refused(kind, problem)
    return _gap(kind, more), more


def _service(kind: str, app: str, texts: dict[str, str], ask: Prompt | None, assumed: list[tuple[str, str]]) -> Any:
    """The service's mapping. What it lacks is asked for by what its own model says."""
    known = settings(kind)
    if unknown := next((key for key in texts if key not in known), ""):
        raise _refused("--setting", f"{unknown} is no setting of {kind}{did_you_mean(unknown, known)}")
    for setting in required(kind):
        if setting.key in texts:
            continue
        default = setting.default(app)
        if ask:
            texts[setting.key] = ask(f"{kind}, {setting.key}: {setting.says}{_shown(default)}: ").strip() or default
        elif default:
            texts[setting.key] = default
            assumed.append(("setting", f"{setting.key}={default}"))
    texts = {key: text for key, text in texts.items() if text}
    while ask and (problem := _problem(kind, texts)):
        more = ask(f"{kind}: {problem}\n  one of its settings as KEY=VALUE ({', '.join(known)}), or nothing: ").strip()
        if not more:
            raise _refused(kind, problem)
        key, _, value = more.partition("=")
        texts[key.strip()] = value.strip()
    try:
        return together(kind, texts)
    except ValueError as error:
        raise _refused("--setting", str(error)) from None


def _problem(kind: str, texts: FlagValues) -> str:
    try:
        return wrong(kind, together(kind, texts))
    except ValueError as error:
        return str(error)


def _refused(what: str, problem: str) -> UsageError:
    return UsageError(f"{what}: {problem}; nothing was written", hint=HINT)


def _shown(default: str) -> str:
    return f" [{default}]" if default else ""


def _pairs(pairs: Iterable[str]) -> dict[str, str]:
    made = {}
    for word in pairs:
        key, equals, value = word.partition("=")
        if not (key.strip() and equals):
            raise _refused("--setting", f"{word!r} is not KEY=VALUE")
        made[key.strip()] = value
    return made


def _as(kind: Any) -> Callable[[str], str]:
    """Judges by a type of the inventory."""

    def problem(value: str) -> str:
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            return said(error)
        return ""

    return problem


def _field(model: Any, name: str) -> Callable[[str], str]:
    # The metadata holds what judges the text; the annotation alone is the plain type.
    field = model.model_fields[name]
    kind: Any = field.annotation
    for part in field.metadata:
        kind = Annotated[kind, part]
    return _as(kind)


def _choice(flag: str, default: Callable[[FlagValues], str], choices: Callable[[], Iterable[str]]) -> InitQuestion:
    def problem(value: str) -> str:
        known = list(choices())
        return "" if value in known else f"{value!r} is not one of {', '.join(known)}"

    return InitQuestion(flag, default, problem, choices=choices)


def _hosts(value: str) -> str:
    try:
        hosts_of(value)
    except ValueError as error:
        return str(error)
    return ""


def _always(text: str) -> Callable[[FlagValues], str]:
    return lambda words: text


QUESTIONS = (
    InitQuestion("environment", _always("prod"), _as(Name)),
    InitQuestion("hosts", _always("web1.example.com"), _hosts),
    InitQuestion("user", _always("deploy"), _as(User)),
    InitQuestion("gateway", _always(""), _as(Gateway), optional=True),
    InitQuestion("app", _always("api"), _as(Name)),
    InitQuestion("repository", lambda w: f"git@example.com:acme/{w['app']}.git", _field(AppSettings, "repository")),
    InitQuestion("ref", _always("main"), _field(AppSettings, "ref")),
    _choice("layout", _always("releases"), lambda: get_args(LayoutKind)),
    InitQuestion("path", lambda w: f"/srv/{w['app']}", _field(AppSettings, "path")),
    _choice("service", lambda w: plainest(w["app"]), services.service_types),
    InitQuestion("health", _always(""), _field(Health, "url"), optional=True),
)
