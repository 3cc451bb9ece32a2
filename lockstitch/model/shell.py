"""Shell texts that lie in `.sh` files beside the modules that use them: shellcheck and editors can read them there."""

from __future__ import annotations

import pkgutil
from functools import cache


@cache
def shell_text(package: str, *names: str) -> str:
    """Return the joined texts of the files `names` in a package, each without the comment at its top.

    A text begins with a line feed, so that texts can be joined. What it needs is set before it by its Command, or by
    the texts it is joined to; nothing is ever replaced in it.
    """
    return "".join(_text(package, name) for name in names)


def _text(package: str, name: str) -> str:
    data = pkgutil.get_data(package, name)
    assert data is not None, f"{package} has no {name}"
    lines = data.decode("utf-8").splitlines(keepends=True)
    while lines and lines[0].startswith("#"):
        del lines[0]
    return "\n" + "".join(lines).lstrip("\n")
