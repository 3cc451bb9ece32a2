"""EFFECT: the files of SSH on this machine: keys, agent, known_hosts, configuration."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lockstitch.checks.doctor.keys import read_key
from lockstitch.checks.doctor.known import CHECK, wrong_lines
from lockstitch.model.finding import Finding

_LONGEST = 10.0
_LINE = re.compile(r":? line (\d+)")


def said_by(*words: str) -> tuple[int, str]:
    """How a program of this machine ended, and what it said; 127 where there is none."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=_LONGEST, check=False)
    except FileNotFoundError:
        return 127, ""
    except (OSError, subprocess.TimeoutExpired) as error:
        return 124, str(error)
    return done.returncode, (done.stdout + done.stderr).strip()


def usual_keys() -> tuple[str, ...]:
    """The private keys that are tried without anybody naming them."""
    names = ("id_ed25519", "id_ecdsa", "id_rsa", "id_dsa")
    paths = [Path("~/.ssh").expanduser() / name for name in names]
    return tuple(str(path) for path in paths if path.exists())


def keys(named: Iterable[str], agent: int) -> Iterator[Finding]:
    """What is to say of each key; `named` are those an inventory asks for, `agent` how many the agent holds."""
    asked = list(dict.fromkeys(named))
    usual = usual_keys()
    if not asked and not usual and not agent:
        yield Finding("keys", "warn", "there is no key in ~/.ssh and none in the agent", "ssh-keygen -t ed25519")
    for file in dict.fromkeys([*asked, *usual]):
        yield _key(file, agent, needed=file in asked)


def _key(file: str, agent: int, *, needed: bool) -> Finding:
    path = Path(file).expanduser()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = read_key(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        hint = "correct `identity_files` in the inventory, or make it: ssh-keygen -t ed25519 -f " + str(path)
        return Finding("keys", "fail" if needed else "warn", f"{file}: {why}", hint)
    if key.problem:
        return Finding("keys", "fail" if needed else "warn", f"{file}: {key.problem}", f"look at it: file {file}")
    if mode & 0o077:
        return Finding("keys", "fail", f"{file} can be read by others (mode {mode:03o})", f"chmod 600 {file}")
    if key.weak:
        hint = "make a new one and bring it to the hosts: ssh-keygen -t ed25519"
        return Finding("keys", "fail", f"{file}: {key.weak}", hint)
    what = f"{key.kind}, {key.bits} bits" if key.bits else key.kind
    if key.locked and not agent:
        return Finding(
            "keys", "warn", f"{file} ({what}) is locked with a passphrase, and no agent holds it", f"ssh-add {file}"
        )
    return Finding("keys", "pass", f"{file}: {what}{', locked with a passphrase' if key.locked else ''}")


def agent() -> tuple[int, Finding]:
    """How many keys the agent holds, and what is to say of it."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        return 0, Finding("agent", "note", "no agent runs: keys with a passphrase cannot be used", "eval $(ssh-agent)")
    code, said = said_by("ssh-add", "-l")
    if code == 0:
        held = len(said.splitlines())
        return held, Finding("agent", "pass", f"it holds {held} key{'s' * (held != 1)}")
    if code == 1:
        return 0, Finding("agent", "note", "it runs and holds no key", "ssh-add")
    says = "ssh-add is not there to ask it" if code == 127 else "SSH_AUTH_SOCK is set, and nobody answers there"
    return 0, Finding("agent", "warn", says, "start it anew: eval $(ssh-agent); ssh-add")


def known_hosts(files: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with the lines of known_hosts files."""
    for file in dict.fromkeys(files):
        path = Path(file).expanduser()
        try:
            text, mode = path.read_text(encoding="utf-8", errors="replace"), stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Finding(CHECK, "fail", f"{file} cannot be read: {error.strerror}", f"chmod 600 {file}")
            continue
        wrong = list(wrong_lines(text, file))
        yield from wrong
        if mode & 0o022:
            yield Finding(CHECK, "fail", f"{file} can be written by others (mode {mode:03o})", f"chmod 600 {file}")
        if not wrong:
            count = sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
            yield Finding(CHECK, "pass", f"{file}: {count} lines, all can be read")


def ssh_config(files: Sequence[str], unread: Sequence[str]) -> Iterator[Finding]:
    """Findings about OpenSSH's configuration files; `unread` are the keywords that nobody reads where there is none."""
    for file in files:
        code, said = said_by("ssh", "-T", "-G", "-F", file, "--", "lockstitch.invalid")
        if code == 127:
            missed = f"; {', '.join(unread)} in it is not read" if unread else ""
            says = f"{file}: there is no ssh to ask about it{missed}"
            yield Finding("ssh config", "warn", says, "install openssh-client")
            continue
        problems = [line for line in said.splitlines() if _LINE.search(line) and "terminating" not in line]
        for problem in problems if code else ():
            at = _LINE.sub(r":\1", problem, count=1)
            yield Finding("ssh config", "fail", at, f"correct the line: {problem.split(': ')[0].split(' line ')[0]}")
        if code and not problems:
            says = said.splitlines()[-1] if said else f"{file} cannot be read"
            yield Finding("ssh config", "fail", says, f"look at {file}")
        if not code:
            yield Finding("ssh config", "pass", f"{file} can be read")
