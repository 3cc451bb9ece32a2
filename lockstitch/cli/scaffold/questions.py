"""The questions for a new operations repository in their order, and the defaults where nobody answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError

from lockstitch import services
from lockstitch.cli.scaffold import FLAGS, HINT
from lockstitch.cli.scaffold.answers import InitAnswers, hosts_of, said
from lockstitch.cli.scaffold.service_settings import plainest, required, settings, together, wrong
from lockstitch.errors import UsageError
from lockstitch.inventory.app import AppSettings, Health
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
    given: FlagValues, pairs: Iterable[str] = (), *, protect: bool = True, ask: Prompt | None = None
) -> InitAnswers:
    """The answers: what was `given` by flag, then what a person says; without `ask`, the defaults.

    `pairs` are settings of the service, as KEY=VALUE.
    """
    words: dict[str, str] = {}
    assumed: list[tuple[str, str]] = []
    own = _pairs(pairs)
    for question in QUESTIONS:
        value, default = given.get(question.flag, ""), question.default(words)
        if value:
            if problem := question.wrong(value):
                raise _refused(f"--{question.flag}", problem)
        elif ask:
            value = question.heard(default, ask)
        else:
            value = default
            assumed += [(question.flag, default)] if default else []
        words[question.flag] = value
        if question.flag == "service":
            service = _service(value, words["app"], own, ask, assumed)
    hosts = hosts_of(words.pop("hosts"))
    del words["service"]
    return InitAnswers(**words, hosts=hosts, service=service, protect=protect, assumed=tuple(assumed))


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
