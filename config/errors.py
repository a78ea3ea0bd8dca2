"""What can be wrong with the configuration; without the models that find it, which cost every start."""

from __future__ import annotations

from pathlib import Path


class SettingsError(Exception):
    """The settings file cannot be used; carries where (`path`, `line`, `key`) and why (`reason`)."""

    code = "settings_invalid"

    def __init__(self, path: Path, line: int, key: str, reason: str) -> None:
        super().__init__(f"{path}, line {line}, {key}: {reason}")
        self.path = path
        self.line = line
        self.key = key
        self.reason = reason
