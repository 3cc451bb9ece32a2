"""The cause of git's failures: what real programs print, each told by the one line that says why."""

from __future__ import annotations

import pytest

from lockstitch.facts.git.failure import git_failure

END = """fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
"""
SSH, HTTPS = "ssh://git@forge.example.com:2222/team/api.git", "https://forge.example.com/team/api.git"
BANNER = "Warning: Permanently added '[forge]:2222' (ED25519) to the list of known hosts.\nWelcome to forge\n"
UNKNOWN = "No ED25519 host key is known for [forge.example.com]:2222 and you have requested strict checking."
DUBIOUS = """fatal: detected dubious ownership in repository at '/srv/api.git'
To add an exception for this directory, call:

\tgit config --global --add safe.directory /srv/api.git
"""
CHANGED = """@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Offending RSA key in /root/.ssh/known_hosts:1
Host key for [forge.example.com]:2222 has changed and you have requested strict checking.
Host key verification failed.
"""
CASES = {
    "unknown key": (SSH, f"{UNKNOWN}\nHost key verification failed.\n{END}", UNKNOWN, "ssh -T -p 2222 git@forge"),
    "changed key": (SSH, CHANGED + END, "Host key for [forge.example.com]:2222 has changed", "ssh-keygen -R '[forge."),
    "login": (
        "git@forge.example.com:team/api.git",
        f"{BANNER}git@forge: Permission denied (publickey).\n{END}",
        "git@forge: Permission denied (publickey).",
        "deploy key; try there: ssh -T git@forge.example.com",
    ),
    "name": (
        SSH,
        f"ssh: Could not resolve hostname forge: Name or service not known\n{END}",
        "ssh: Could not",
        "getent",
    ),
    "dubious": (
        SSH,
        f"{BANNER}{DUBIOUS}{END}",
        "fatal: detected dubious ownership",
        "--add safe.directory /srv/api.git",
    ),
    "port": (SSH, f"ssh: connect to host forge port 1: Connection refused\n{END}", "ssh: connect to", "ssh -v -p 2222"),
    "no repository": (
        SSH,
        f"{BANNER}fatal: '/x.git' does not appear to be a git repository\n{END}",
        "fatal: '/x",
        "ls-remote",
    ),
    "github": (SSH, f"ERROR: Repository not found.\n{END}", "ERROR: Repository not found.", "correct `repository`"),
    "gitlab": (
        SSH,
        f"remote: \nremote: ====\nremote: ERROR: The project you were looking for could not be found\nremote: ====\n{END}",
        "remote: ERROR: The project",
        "correct `repository`",
    ),
    "no git there": (
        SSH,
        f"bash: line 1: git-upload-pack: command not found\n{END}",
        "bash: line 1",
        "git is not installed",
    ),
    "chatter": (
        SSH,
        "fatal: protocol error: bad line length character: Welc\n",
        "fatal: protocol error",
        "git@forge.example.com true",
    ),
    "https 404": (
        HTTPS,
        f"remote: Not Found\nfatal: repository '{HTTPS}/' not found\n",
        "fatal: repository",
        "ls-remote",
    ),
    "https login": (
        HTTPS,
        f"fatal: could not read Username for '{HTTPS}': terminal prompts disabled\n",
        "fatal: could not read Username",
        "~/.netrc",
    ),
    "https 500": (
        HTTPS,
        f"fatal: unable to access '{HTTPS}/': The requested URL returned error: 502\n",
        "fatal: unable",
        "trouble",
    ),
    "proxy name": (
        HTTPS,
        f"fatal: unable to access '{HTTPS}/': Could not resolve proxy: p\n",
        "fatal: unable",
        "https_proxy",
    ),
    "proxy login": (
        HTTPS,
        f"fatal: unable to access '{HTTPS}/': Received HTTP code 407 from proxy after CONNECT\n",
        "fatal: unable",
        "env | grep -i proxy",
    ),
    "certificate": (
        HTTPS,
        f"fatal: unable to access '{HTTPS}/': server certificate verification failed. CAfile: none\n",
        "fatal: unable",
        "certificate authority",
    ),
    "web page": (HTTPS, f"fatal: {HTTPS}/info/refs not valid: is this a git repository?\n", "fatal:", "curl -v"),
    "lfs": (
        HTTPS,
        "batch response: Authentication required: forbidden\nerror: failed to fetch some objects from 'x'\n",
        "batch response: Authentication required",
        "git lfs env",
    ),
    "disk": (
        HTTPS,
        "error: copy-fd: write returned: No space left on device\nfatal: cannot copy\n",
        "error: copy-fd: write returned: No space left on device",
        "df -h",
    ),
    "quota": (
        HTTPS,
        "fatal: write error: Disk quota exceeded\n",
        "fatal: write error: Disk quota exceeded",
        "quota -s",
    ),
    "read-only": (SSH, "mktemp: failed to create '/tmp/x': Read-only file system\n", "mktemp: failed", "read-only"),
    "unknown cause": (SSH, f"{BANNER}error: something new\nand more\n{END}", "error: something new", ""),
    "only the end": (SSH, END, "", ""),
}


@pytest.mark.parametrize(("url", "said", "reason", "hint"), CASES.values(), ids=CASES)
def test_the_line_with_the_cause_is_kept_and_the_next_command_is_told(
    url: str, said: str, reason: str, hint: str
) -> None:
    failure = git_failure(said, url)
    assert failure.reason.startswith(reason) and bool(failure.reason) == bool(reason)
    assert hint in failure.hint and bool(failure.hint) == bool(hint)


def test_nothing_that_a_server_says_becomes_a_command() -> None:
    failure = git_failure("fatal: detected dubious ownership in repository at '/x; rm -rf $HOME'", SSH)
    assert failure.hint.endswith("safe.directory '/x; rm -rf $HOME'")
