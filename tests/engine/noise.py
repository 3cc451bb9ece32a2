"""Things that a login may leave in the environment of a shell, at its worst, and a clone of somebody else's that it points to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.engine.world import git

ENGINE = Path(__file__).parents[2] / "lockstitch"
FUNCTIONS = (
    "cd",
    "git",
    "read",
    "printf",
    "kill",
    "test",
    "cat",
    "ls",
    "ln",
    "mv",
    "date",
    "tar",
    "command",
    "compgen",
)


@dataclass(frozen=True)
class Foreign:
    """A folder with a clone that no run may touch, which lies where a relative path leads by CDPATH."""

    root: Path

    def make(self, *paths: str) -> Foreign:
        for path in paths:
            place = self.root / path
            place.mkdir(parents=True)
            git(place, "init", "-q", "-b", "main")
            (place / "file").write_text("somebody else's\n")
            git(place, "add", "-A")
            git(place, "commit", "-qm", "theirs")
        return self

    def content(self) -> dict[str, bytes]:
        """Every file in it."""
        return {str(path): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}

    def variables(self, path: str) -> dict[str, str]:
        """All that points to it, and all else that changes what a command means."""
        clone = self.root / path
        bad = self.root.parent / "bad.sh"
        bad.write_text(f"cd {clone}\n")
        return {
            "CDPATH": str(self.root),
            "GIT_DIR": f"{clone}/.git",
            "GIT_WORK_TREE": str(clone),
            "GIT_INDEX_FILE": f"{clone}/.git/index",
            "GIT_OBJECT_DIRECTORY": f"{clone}/.git/objects",
            "GIT_NAMESPACE": "theirs",
            "GIT_TRACE": "1",
            "GIT_CONFIG_PARAMETERS": "'core.bare=maybe'",
            "GIT_EXTERNAL_DIFF": "false",
            "GIT_NOBODY_HAS_HEARD_OF": "a\nexport PATH='/nowhere'",
            "MANY_LINES": "a\n=b\n9lives\n-x\n'GIT_A'\n$(exit 3)\n",
            "ENV": str(bad),
            "BASH_ENV": str(bad),
            "IFS": "/",
            "POSIXLY_CORRECT": "1",
            "LC_ALL": "tr_TR.UTF-8",
            "LC_TIME": "de_DE.UTF-8",
            "LANG": "de_DE.UTF-8",
            "LANGUAGE": "de",
            "TMOUT": "1",
            "TMPDIR": "nowhere",
            "TZ": "Asia/Tokyo",
            "TAR_OPTIONS": "--exclude=VERSION",
            "GZIP": "-1",
            "XZ_OPT": "--no-such-option",
            "GREP_OPTIONS": "-v",
            "GREP_COLORS": "mt=01",
            "LS_COLORS": "di=01",
            "QUOTING_STYLE": "c",
            "TIME_STYLE": "+%s",
            "BLOCK_SIZE": "1T",
            "DF_BLOCK_SIZE": "1T",
            "DU_BLOCK_SIZE": "1T",
            "COLUMNS": "10",
            "PS_FORMAT": "comm",
            "GLOBIGNORE": "*",
            "FUNCNEST": "1",
            "SHELLOPTS": "allexport:errexit:keyword:monitor:noclobber:noglob:nounset:pipefail:verbose:xtrace",
            "BASHOPTS": "dotglob:failglob:nocaseglob:nocasematch:nullglob",
            **{f"BASH_FUNC_{name}%%": "() {  echo FUNCTION; }" for name in FUNCTIONS},
            **dict.fromkeys(_names(), "noise"),
        }


def _names() -> set[str]:
    """Every variable that the engine's shell texts read: one that they forget to set is the profile's."""
    texts = "".join(file.read_text() for end in ("py", "sh") for file in ENGINE.rglob(f"*.{end}"))
    return {name for name in re.findall(r"\$\{?([a-z][a-z0-9_]*)", texts) if not name.endswith("_proxy")}
