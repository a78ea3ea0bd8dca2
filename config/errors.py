"""What can go wrong without a defect of ours: the one class that every package's errors derive from.

It imports nothing heavy: the models that find a mistake in the settings cost every start.

KnownError
├── SettingsError      the settings file cannot be used
├── OutputFailed       standard output cannot be written
├── CommandFailed      a command says by itself why it ends
└── the trees of reader.errors, offline_queue.errors, ledger.wire.client, ledger.identity.errors, …
"""

from __future__ import annotations

import errno
from pathlib import Path


class KnownError(Exception):
    """What can go wrong without a defect of ours; `code` is stable, and `config/texts` has its three sentences."""

    code: str

    @property
    def spoken_code(self) -> str:
        """The code whose sentences fit somebody who waits for it now: `code`, unless a class says otherwise."""
        return self.code

    @property
    def data(self) -> dict[str, str | int]:
        """What the sentences may mention: the error's attributes, unless a class says otherwise."""
        # As texts: the number of a process, or of a line, has no thousands separators.
        return {name: str(value) for name, value in vars(self).items() if name[0] != "_" and value is not None}


class SettingsError(KnownError):
    """The settings file cannot be used; carries where (`path`, `line`, `key`) and why (`reason`)."""

    code = "settings_invalid"

    def __init__(self, path: Path, line: int, key: str, reason: str) -> None:
        super().__init__(f"{path}, line {line}, {key}: {reason}")
        self.path = path
        self.line = line
        self.key = key
        self.reason = reason


class OutputFailed(KnownError):  # noqa: N818  # says what happened
    """Standard output cannot be written; carries the system's `reason`."""

    code = "output_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CommandFailed(KnownError):  # noqa: N818  # says what happened
    """A command ends here; carries a text's code, what its sentences mention, and the exit code unless it is 1."""

    def __init__(self, code: str, exit_code: int | None = None, /, **args: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.exit_code = exit_code
        self._args = args

    @property
    def data(self) -> dict[str, str | int]:
        """What the sentences may mention."""
        return self._args


_SYSTEM = {
    errno.ENOENT: "file_missing",
    errno.EACCES: "file_forbidden",
    errno.EPERM: "file_forbidden",
    errno.EROFS: "file_forbidden",
    errno.EISDIR: "file_wrong_kind",
    errno.ENOTDIR: "file_wrong_kind",
    errno.EEXIST: "file_wrong_kind",
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.EADDRINUSE: "address_in_use",
}
"""The codes of what the operating system refuses, where people can mend it."""


def system_code(error: OSError) -> str:
    """Return the code under which the texts say what the operating system refused."""
    return _SYSTEM.get(error.errno or 0, "system_error")


def system_data(error: OSError) -> dict[str, str | int]:
    """Return what those sentences mention: the file, if there is one, and the system's own words."""
    path = error.filename if error.filename is not None else "-"
    return {"path": str(path), "reason": error.strerror or type(error).__name__}
