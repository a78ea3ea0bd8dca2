"""Why the ID table does not do what it is asked."""

from __future__ import annotations

from config.errors import KnownError


class IdentityRefusal(KnownError):  # noqa: N818  # a decision, not a failure
    """The ID table refuses; `code` is stable and becomes the verdict's or the problem's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
