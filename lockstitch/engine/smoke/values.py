"""EFFECT: what the texts of smoke steps stand for: secrets, files, and values that steps have saved. No message holds
one of them."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import mimetypes
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstitch.errors import UsageError
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.inventory.smoke import RequestSettings, SmokeSignatureSettings, SmokeStepSettings
from lockstitch.inventory.smoke_rules import BEARER_VALUE, RUN, key_values, needed, sent_file
from lockstitch.measures.bundle.forms import secret_forms
from lockstitch.model.command import Secret, mask
from lockstitch.model.template import as_text, filled, filled_path, filled_text, template_names
from lockstitch.model.written import WORD_AND_REFERENCE, references
from lockstitch.smoke.journey import Journey, texts_of
from lockstitch.smoke.judge import RefusedText, SmokeAnswer

if TYPE_CHECKING:
    import requests

# The values of the cookies that a server sets; where it sets several, commas are between them.
_COOKIES = re.compile(r"(?:^|,)\s*[^=;,\s]+=\"?([^;,\"]+)")
# More of a message tells a reader nothing.
_LONGEST = 400
# A shorter saved value is a number or a word that stands in every message.
_TOO_SHORT = 4


class SmokeValues:
    """The values of one journey. `root` is the project's folder."""

    def __init__(self, journey: Journey, root: Path) -> None:
        self._journey, self._root = journey, root
        self._secrets: dict[str, Secret] = {}
        self._files: dict[str, bytes] = {}
        self._saved: dict[str, dict[str, Any]] = {}
        self._masked: set[Secret] = set()
        places = [step.clean.place for step in journey.smoke.steps.values() if step.clean]
        # What a later run needs to take things away stands in the ledger, and is no secret.
        self._open = set(template_names(places)) - key_values(journey.smoke)

    def prepare(self, *more: RequestSettings) -> None:
        """Look up every secret and read every file of the journey's steps, once. Raises UsageError."""
        steps = [self._journey.smoke.steps[name] for name in self._journey.names if name not in self._journey.left_out]
        for step in steps:
            texts = [*texts_of(step), *(texts_of(step.clean) if step.clean else ()), step.refuse, step.env]
            self._resolve([*texts, step.sign.key if step.sign else ""])
            if step.file is not None:
                self._read(step.file.path)
        for request in more:
            self._resolve(texts_of(request))

    def _resolve(self, texts: Any) -> None:
        for reference in references(texts):
            if reference not in self._secrets:
                self._secrets[reference] = resolve_secret(reference)
                self.hide(self._secrets[reference].reveal(), always=True)

    def _read(self, path: str) -> None:
        try:
            self._files[path] = (self._root / Path(path).expanduser()).read_bytes()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UsageError(f"the file {path} of a smoke step cannot be read: {why}; nothing was sent") from error

    def hide(self, value: str, *, always: bool = False) -> None:
        """Mask a value in every message from now on, in the forms that messages may have it in."""
        if value and (always or len(value) >= _TOO_SHORT):
            for form in _written_forms(value):
                # A message quotes with either mark, and then escapes that one alone.
                quoted = repr(f"'\"{form}")[4:-1]
                self._masked |= {Secret(each) for each in (form, quoted, quoted.replace("\\'", "'"))}

    def mask(self, text: str) -> str:
        """Return a text without any secret or saved value, cut where it is long: never within one of them."""
        masked = self.masked(text)
        return masked if len(masked) <= _LONGEST else f"{masked[:_LONGEST]}…"

    def masked(self, text: str) -> str:
        """Return a text of several lines without any secret or saved value."""
        return mask(text, self._masked)

    def hide_answer(self, answer: SmokeAnswer, values: Mapping[str, Any]) -> None:
        """Mask the cookies of an answer, also those that no jar takes, and the values that a step takes from it."""
        cookies = [*answer.cookies.values(), *_COOKIES.findall(answer.headers.get("set-cookie", ""))]
        for text in (*cookies, *(as_text(value) for name, value in values.items() if name not in self._open)):
            self.hide(text)

    def save(self, step: str, values: Mapping[str, Any]) -> None:
        """Keep what a step has saved."""
        self._saved[step] = dict(values)

    def visible(self, step: str) -> dict[str, Any]:
        """Return the values that a step may use."""
        seen: dict[str, Any] = {RUN: self._journey.run}
        if step in self._journey.smoke.steps:
            for each in needed(self._journey.smoke.steps, step):
                seen |= self._saved.get(each, {})
        return seen

    def written_down(self, step: SmokeStepSettings, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that the request of a step's `clean` needs and a ledger may hold."""
        names = template_names(step.clean.place) if step.clean else ()
        return {name: values[name] for name in names if name in values and name in self._open}

    def request(
        self,
        settings: RequestSettings,
        values: Mapping[str, Any],
        bearer: str | bool | None,
        sign: SmokeSignatureSettings | None,
    ) -> requests.Request:
        """Return a request with every value in its place. Raises KeyError for a value that nobody has."""
        # Start-up: it takes a tenth of a second.
        import requests

        place = filled_path(settings.place, values)
        headers = {name: self._text(text, values) for name, text in settings.headers.items()}
        if bearer and not any(name.lower() == "authorization" for name in headers):
            headers["Authorization"] = f"Bearer {self._text(str(bearer), values)}"
        form = {name: self._text(text, values) for name, text in settings.form.items()}
        request = requests.Request(settings.method.upper(), self._journey.url(place), headers, data=form or None)
        if (file := settings.file) is not None:
            kind = file.type or mimetypes.guess_type(file.path)[0] or "application/octet-stream"
            if file.field:
                request.files = {file.field: (Path(file.path).name, self._files[file.path], kind)}
            else:
                request.data = self._files[file.path]
                headers.setdefault("Content-Type", kind)
        if settings.has_json:
            request.json = self._tree(settings.body, values)
            if request.json is None:
                # It would be no body.
                request.data = b"null"
                headers.setdefault("Content-Type", "application/json")
        if sign:
            request.auth = lambda prepared: self._signed(sign, prepared)
        return request

    def bearer(self, name: str, place: str) -> str | bool:
        """Return the bearer of a step: its own, or the token that a step has saved which it needs. That one goes to no
        other server."""
        steps = self._journey.smoke.steps
        step = steps.get(name)
        if step is not None and step.bearer is not None:
            return step.bearer
        return f"{{{BEARER_VALUE}}}" if place.startswith("/") and BEARER_VALUE in self.visible(name) else False

    def environment(self, step: SmokeStepSettings, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the environment of a command."""
        own = {name: self._text(text, values) for name, text in step.env.items()}
        return {"SMOKE_URL": self._journey.smoke.url, "SMOKE_RUN": self._journey.run, **own}

    def refused(self, step: SmokeStepSettings) -> list[RefusedText]:
        """Return the texts that no answer may contain; a secret goes by its reference."""
        return [
            RefusedText(text, _written_forms(self._secrets[text].reveal()))
            if text in self._secrets
            else RefusedText(repr(text), (text,))
            for text in step.refuse
        ]

    def digest(self, name: str) -> str:
        """Return the SHA-256 of the file that a step or one before it has sent; empty where there is none."""
        path = sent_file(self._journey.smoke.steps, name)
        return hashlib.sha256(self._files[path]).hexdigest() if path in self._files else ""

    def _secret(self, text: str) -> str | None:
        """Return what a text is with the secret that it refers to in its place; None where it refers to none. Only what
        is written in the inventory is asked here: a server's value never becomes a secret."""
        match = WORD_AND_REFERENCE.fullmatch(text)
        if match is None or match["reference"] not in self._secrets:
            return None
        return f"{match['word'] or ''}{self._secrets[match['reference']].reveal()}"

    def _text(self, text: str, values: Mapping[str, Any]) -> str:
        secret = self._secret(text)
        return filled_text(text, values) if secret is None else secret

    def _tree(self, node: Any, values: Mapping[str, Any]) -> Any:
        if isinstance(node, Mapping):
            return {filled_text(str(key), values): self._tree(value, values) for key, value in node.items()}
        if isinstance(node, list):
            return [self._tree(each, values) for each in node]
        secret = self._secret(node) if isinstance(node, str) else None
        return filled(node, values) if secret is None else secret

    def _signed(self, sign: SmokeSignatureSettings, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return a request with the signature of its body, as it is sent."""
        key, body = self._text(sign.key, {}).encode(), prepared.body or b""
        digest = hmac.new(key, body.encode() if isinstance(body, str) else body, sign.algorithm)
        prepared.headers[sign.header] = sign.prefix + digest.hexdigest()
        return prepared


def _written_forms(secret: str) -> tuple[str, ...]:
    """Return the forms in which servers may write a secret."""
    return tuple(dict.fromkeys((secret, html.escape(secret), json.dumps(secret)[1:-1], *secret_forms(secret))))
