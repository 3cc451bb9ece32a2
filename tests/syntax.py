"""Python files as trees."""

from __future__ import annotations

import ast
import gc


def parsed(text: str) -> ast.Module:
    """The tree of a module's text.

    Nothing is collected meanwhile: a finalizer may have a traceback printed, which parses a line, and before 3.11.5
    Python then takes its own count of nested calls for wrong (SystemError; python/cpython#106905).
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if collecting:
            gc.enable()
