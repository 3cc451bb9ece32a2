"""Why git failed, from what it and its helpers printed: the line that tells the cause, and the next command. Pure.

The last lines of git are the same for most causes ("Could not read from remote repository", "make sure you have the
correct access rights"), and the first may be a server's banner.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lockstitch.model.command import words
from lockstitch.model.lazy_dataclass import dataclass

_LONGEST = 300
# What git adds to any cause, and what ssh says where nothing is wrong.
_NOISE = re.compile(
    r"^(Please make sure you have the correct access|and the repository exists|Warning: Permanently added|"
    r"fatal: Could not read from remote|To add an exception for this directory|error: failed to push some refs|"
    r"(fatal: )?[Tt]he remote end hung up|remote:[ =]*$|@+$|\*\* |git version )",
)
_CAUSE = re.compile(r"^(fatal|error|ERROR|ssh|remote|kex_\w+|mktemp|sh|bash|[\w./-]*sh: \d+|git(-lfs)?): ")


@dataclass(frozen=True)
class GitFailure:
    """The line that tells the cause, empty where nothing was said, and what to do about it; the hint is empty where
    the cause is not one that is known."""

    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class _KnownCause:
    """A cause that is known by a line. In a hint, {ssh} is the git server as ssh is told it, {name} its name, {url} the
    repository's, and {found} what the line names."""

    line: re.Pattern[str]
    hint: str


_SSH = re.compile(
    r"^(?:ssh://(?P<user>[^/@]+@)?(?P<name>[^/:]+)(?::(?P<port>\d+))?/|(?P<at>[^/@:]+@)?(?P<host>[^/:]+):(?!//))"
)
_OUT = "is the git server up, and does a firewall, a VPN or a proxy stand between? There: ssh -v {ssh}"
_OUT_HTTP = "is it up, and does a firewall or a proxy stand between? There: curl -v {url}"
_TRUST = "on the host (fab -H ENV:HOST shell), as the user who deploys: ssh -T {ssh}; compare the fingerprint before you type yes"
_READABLE = "correct `repository`, or let this user's key or token read it; try there: git ls-remote {url}"
# The first that fits a line is the cause: what lies deeper stands first.
_CAUSES = tuple(
    _KnownCause(re.compile(line), hint)
    for line, hint in (
        (r"No space left on device", "make room there: df -h; df -i"),
        (r"[Dd]isk quota exceeded", "this user's quota is used up there: quota -s"),
        (r"Read-only file system", "a disk is mounted read-only there; see why: dmesg | tail"),
        (r"Host key for .* has changed", "somebody may sit between; if the server has a new key, {trust_again}"),
        (r"No .* host key is known for|^Host key verification failed", _TRUST),
        (r"Load key \"(.*?)\"", "there: ls -l {found}; it must be the user's own, with mode 600"),
        (r"Bad owner or permissions on (\S+)", "there: chmod 600 {found}"),
        (
            r"Permission denied \(",
            "make a key on the host if there is none (fab -H ENV:HOST shell, ssh-keygen), and give its public half to the git "
            "server as a deploy key; try there: ssh -T {ssh}",
        ),
        (r"Too many authentication failures", "name the one key in ~/.ssh/config there, with IdentitiesOnly yes"),
        (r"Could not resolve proxy", "correct https_proxy there, or in the app's `env`"),
        (
            r"CONNECT tunnel failed|from proxy after CONNECT|Proxy CONNECT",
            "see to the proxy; there: env | grep -i proxy",
        ),
        (r"Could not resolve host", "check the name in `repository`, and the host's DNS: getent hosts {name}"),
        (r"Failed to connect to", _OUT_HTTP),
        (r"Connection refused|Connection timed out|No route to host|Network is unreachable", _OUT),
        (r"Unable to negotiate|no matching host key", "its SSH server is very old or very new; there: ssh -v {ssh}"),
        (r"^kex_exchange_id|^Connection (closed|reset) by", "the git server ends the connection; there: ssh -v {ssh}"),
        (
            r"dubious ownership in repository at '(.*?)'",
            "where it lies, make it the serving user's (chown -R), or: git config --system --add safe.directory {found}",
        ),
        (r"not appear to be a git repo|[Rr]epository .*not found|project you were looking for", _READABLE),
        (r"git-(upload|receive)-pack: .*not found", "git is not installed on the git server, or not on its PATH"),
        (
            r"could not read (Username|Password)|Authentication failed|HTTP Basic: Access denied",
            "there: a token in ~/.netrc; or an SSH address in `repository`, and a deploy key",
        ),
        (r"requested URL returned error: 4", _READABLE),
        (r"requested URL returned error: 5", "the git server is in trouble; try there: git ls-remote {url}"),
        (r"certificate", "let the host trust the server's certificate authority; try there: curl -v {url}"),
        (r"bad line length|is this a git repository", "{no_git}"),
        (r"transport '(.*?)' not allowed", "git there allows no {found}: use another address in `repository`"),
        (r"'(remote-\w+)' is not a git command", "install git there with what has {found}"),
        (r"[Ss]mudge error|[Bb]atch (request|response)|\bLFS\b", "the LFS server refuses; try there: git lfs env"),
    )
)


def git_failure(said: str | Sequence[str], url: str) -> GitFailure:
    """Return why git failed at the repository of a URL, from the lines that were printed."""
    lines = [line.strip() for line in (said.split("\n") if isinstance(said, str) else said)]
    lines = [line[:_LONGEST] for line in lines if line and not _NOISE.search(line)]
    for known in _CAUSES:
        for line in lines:
            if match := known.line.search(line):
                named = match[match.lastindex] if match.lastindex else ""
                return GitFailure(line, known.hint.format_map(_addresses(url) | {"found": words(named)}))
    causes = [line for line in lines if _CAUSE.match(line)]
    return GitFailure((causes or lines[-1:] or [""])[0])


def _addresses(url: str) -> dict[str, str]:
    """Return the words for the git server of a URL that hints use."""
    user, name, port = "", url, ""
    if match := _SSH.match(url):
        user, name, port = match["user"] or match["at"] or "", match["name"] or match["host"], match["port"] or ""
    elif "://" in url:
        name = url.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2].partition(":")[0]
    ssh = " ".join([*(["-p", port] if port else []), f"{user}{name}"])
    known = f"[{name}]:{port}" if port else name
    no_git = f"what answers is no git; there: curl -v {url}"
    if match:
        no_git = f"the server prints something before git does; this must print nothing, there: ssh {ssh} true"
    again = f"there: ssh-keygen -R {words(known)}, and ssh -T {ssh}"
    return {"ssh": ssh, "name": words(name), "url": words(url), "no_git": no_git, "trust_again": again}
