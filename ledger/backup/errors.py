"""What may be wrong with a backup, or with where it is to be restored to."""

from __future__ import annotations

from config.errors import KnownError


class BackupError(KnownError):
    """A backup cannot be made or restored; `code` has the sentences, `told` their arguments. Nothing was half done."""

    def __init__(self, code: str, **told: str) -> None:
        super().__init__(code, told)
        self.code = code
        self.told = told

    @property
    def data(self) -> dict[str, str | int]:
        """What the sentences mention."""
        return dict(self.told)
