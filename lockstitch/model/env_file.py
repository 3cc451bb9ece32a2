"""The dialects of environment files: how a value is written so that its readers take it for the same. Pure.

Readers of a dialect differ. A value gets the first form that all of them read alike, and where there is none it is
refused: what each dialect cannot hold is said by `render`.
"""

from __future__ import annotations

import re
from typing import Literal

from lockstitch.model.command import words
from lockstitch.model.shell import shell_text

Dialect = Literal["dotenv", "systemd", "shell"]
# The one reader of such files on hosts, an awk program: settings, checks and flags all ask it.
ENV_FILE_READER = shell_text(__package__, "env_file.awk")

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
# Control characters that one reader or another takes for the end of a line, or refuses in a variable.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
# python-dotenv (`parser.py`) decodes these in double quotes, phpdotenv \\$ as well, dotenv of npm only \n and \r.
_DECODED = re.compile(r"\\([\\'\"abfnrtv$\r]|\Z)")


# A text in the environment of a process ends at 128 KiB, with the name that a script gives it.
_LONGEST = 130_000
# Names that a shell does not let go, or by which it reads; and those in small letters that are no host script's.
_SHELLS = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "IFS", "OPTIND", "PPID", "SHELLOPTS", "UID"})
_FOREIGN = re.compile(r"\w*_proxy|npm_config_\w*")


def name_problem(name: str) -> str:
    """Return why a variable of this name cannot be given to an app by scripts; empty where it can."""
    if name in _SHELLS:
        return f"{name} is a variable of the shell itself: give it another name"
    if name == name.lower() and not _FOREIGN.fullmatch(name):
        return f"{name}: names in small letters are those of the scripts on hosts: write it in capitals"
    return ""


def render(dialect: Dialect, name: str, value: str) -> str:
    """Return the lines, without the last line feed, that set a variable in a file of this dialect.

    Raises ValueError with what the dialect cannot hold; the message has no part of the value.
    """
    lines = _rendered(dialect, name, value)
    if len(lines.encode()) > _LONGEST:
        raise ValueError(
            f"its value is longer than {_LONGEST // 1000} kB, as {dialect} files have it: no process can be given more"
        )
    return lines


def _rendered(dialect: Dialect, name: str, value: str) -> str:
    if sign := _CONTROL.search(value):
        raise ValueError(f"its value holds the character U+{ord(sign[0]):04X}, which {dialect} files cannot hold")
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        raise ValueError(f"its value is not UTF-8 text, which {dialect} files hold")
    if dialect == "shell":
        return "".join(("export ", name, "=", words(value)))
    if dialect == "systemd":
        return f"{name}={_systemd(value)}"
    line = f"{name}={_dotenv(value)}"
    # phpdotenv (`Lines.php`) takes such a line for the first one of a value, and all below it for the rest.
    if "\n" not in line and '="' in line and len(re.findall(r'(?=[^\\]")', line.replace("\\\\", ""))) < 2:
        raise ValueError('its value has =" where some readers of dotenv files take it for the begin of a value')
    return line


def _systemd(value: str) -> str:
    # systemd's `parse_env_file_internal` (env-file.c): in double quotes a backslash before these is taken away.
    if "\r" in value:
        raise ValueError("its value holds a carriage return, which systemd takes for the end of a line")
    if _BARE.fullmatch(value):
        return value
    return '"' + re.sub(r'(["\\`$])', r"\\\1", value) + '"'


def _dotenv(value: str) -> str:
    """Return the form that python-dotenv and dotenv of npm read alike. phpdotenv does too, or takes the file for
    damaged: where a value has blanks, new lines or ' beside a \" or a backslash."""
    if "${" in value:
        raise ValueError("its value holds ${, which some readers of dotenv files replace in any quotes")
    many = "\n" in value or "\r" in value
    if _BARE.fullmatch(value):
        return value
    # phpdotenv takes a line that ends with =" for the first one of a value, so that one is written with \n,
    # which a backslash before it would make another sign.
    escaped = value.replace("\n", "\\n") if value.endswith("=") else value
    in_double = '"' not in value and not _DECODED.search(value) and "\\\\n" not in escaped
    if in_double and (many or ("'" in value and "$" not in value)):
        return '"' + escaped.replace("\r", "\\r") + '"'
    if "'" not in value and "\r" not in value and not re.search(r"\\(\\|\Z)", value):
        return f"'{value}'"
    if in_double:
        return '"' + value.replace("\r", "\\r") + '"'
    if not many and value == value.strip() and "#" not in value and value[0] not in "'\"`":
        return value
    raise ValueError(
        "its value mixes quotes, backslashes, # or new lines in a way that readers of dotenv files differ in"
    )
