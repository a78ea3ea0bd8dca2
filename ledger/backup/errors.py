"""What may be wrong with a backup, or with where it is to be restored to."""

from __future__ import annotations

from config.errors import KnownError


class BackupError(KnownError):
    """A backup cannot be made or restored; `code` has the sentences, with `arguments`. Nothing was half done."""

    def __init__(self, code: str, **arguments: str) -> None:
        super().__init__(code, arguments)
        self.code = code
        self.arguments = arguments

    @property
    def data(self) -> dict[str, str | int]:
        """What the sentences mention."""
        return dict(self.arguments)
