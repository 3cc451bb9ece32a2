"""Formats of access logs as their servers' configurations have them, as the fields that the host's script reads.

nginx: `$remote_addr [$time_local] …`, of `log_format`. Apache: `%h [%t] …`, of `LogFormat`. Python: `%(h)s …`, of
`--access-logformat`. What each name means is from their documentation.
"""

from __future__ import annotations

import re

_NGINX = {
    "time_local": "local_time",
    "time_iso8601": "iso_time",
    "msec": "epoch",
    "status": "status",
    "request_time": "seconds",
    "upstream_response_time": "seconds",
    "request": "request",
    "request_uri": "uri",
    "uri": "uri",
}
_APACHE = {
    "t": "local_time",
    "{sec}t": "epoch",
    "{msec}t": "epoch_milliseconds",
    "{usec}t": "epoch_microseconds",
    "s": "status",
    "D": "microseconds",
    "{us}T": "microseconds",
    "{ms}T": "milliseconds",
    "T": "seconds",
    "{s}T": "seconds",
    "r": "request",
    "U": "uri",
}
_PYTHON = {
    "t": "local_time",
    "s": "status",
    "D": "microseconds",
    "M": "milliseconds",
    "L": "seconds",
    "T": "seconds",
    "r": "request",
    "U": "uri",
}
# With what has a backslash before it within quotes: of Python servers quotes, of nginx nothing, of Apache quotes and
# backslashes (documentation of its mod_log_config).
_STYLES = (
    (re.compile(r"%\((?P<name>[^)]+)\)s"), _PYTHON, "quotes"),
    (re.compile(r"\$\{?(?P<name>[a-z_0-9]+)\}?"), _NGINX, ""),
    (re.compile(r"%[<>]?(?P<name>(?:\{[^}]*\})?[a-zA-Z])"), _APACHE, "backslashes"),
)
_OTHER = "-"


def fields_of(written: str) -> str:
    """Return the fields of a format for `count.awk`: lines of a name, a tab, and the text that ends it. The first
    line has what is `escaped` in lines of that format, and the text before all.

    Raises ValueError for a format that has no time or no status, or two fields with nothing between them.
    """
    # nginx's configuration writes a long format as several texts in a row.
    text = re.sub(r"'\s+'", "", written.strip().strip("';"))
    # Apache's has it in quotes, with those within it escaped.
    if whole := re.fullmatch(r'"((?:[^"\\]|\\.)+)"', text):
        text = whole[1]
    text = text.replace('\\"', '"')
    for pattern, names, escaped in _STYLES:
        if pattern.search(text):
            return _fields(text, pattern, names, escaped)
    raise ValueError(f"{written!r} has no variable: copy the format from the server's configuration")


def _fields(written: str, pattern: re.Pattern[str], names: dict[str, str], escaped: str) -> str:
    if "\t" in written or "\n" in written:
        raise ValueError("a format with tabs or line feeds cannot be read")
    rows: list[tuple[str, str]] = []
    name, at = escaped, 0
    for match in pattern.finditer(written):
        between = written[at : match.start()]
        if rows and not between:
            raise ValueError(f"{match[0]!r} follows another variable with nothing between them")
        rows.append((name, between))
        name, at = names.get(match["name"], _OTHER), match.end()
    rows.append((name, written[at:]))
    known = [name for name, _ in rows]
    if not {"local_time", "iso_time", "epoch", "epoch_milliseconds", "epoch_microseconds"} & set(known):
        raise ValueError(f"{written!r} has no time that is known")
    if "status" not in known:
        raise ValueError(f"{written!r} has no status")
    if known.count("seconds") > 1:
        # The request's own duration counts, rather than that of what was asked for it.
        rows = _without_upstream(rows, pattern, written)
    return "\n".join(f"{name}\t{end}" for name, end in (rows if names is _NGINX else _bracketed(rows)))


def _without_upstream(rows: list[tuple[str, str]], pattern: re.Pattern[str], written: str) -> list[tuple[str, str]]:
    variables = ["", *(match["name"] for match in pattern.finditer(written))]
    return [
        (_OTHER if variable.startswith("upstream") else name, end)
        for variable, (name, end) in zip(variables, rows, strict=True)
    ]


def _bracketed(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the fields with the brackets that Apache and Python servers write around a time themselves."""
    made = [*rows]
    for number, (name, end) in enumerate(made):
        if name == "local_time":
            before = made[number - 1][1]
            made[number - 1] = (made[number - 1][0], f"{before}[")
            made[number] = (name, f"]{end}")
    return made
