"""The one error of the sandbox: what went wrong, and what to do about it."""


class SandboxError(Exception):
    """Something a person can mend; the hint says how."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message if not hint else f"{message}\nHINT: {hint}")
