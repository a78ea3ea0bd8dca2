"""The home's log: what broke, and where; the screen and the command line have no room for a stack."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

from config import __version__
from config.home import Home

LOG_BYTES = 1_000_000
"""What went wrong fills two files of this size at most."""


def keep_log(home: Home) -> None:
    """Write down what goes wrong, in this home's log and no other, which is made with the first line."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _HomeLog)]:
        root.removeHandler(handler)
        handler.close()
    root.addHandler(_HomeLog(home))


class _HomeLog(RotatingFileHandler):
    """A log that makes its directory with its first line, and falls back to standard error where it cannot."""

    def __init__(self, home: Home) -> None:
        super().__init__(home.log, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
        self.home = home
        self.setLevel(logging.WARNING)
        self.setFormatter(logging.Formatter(f"%(asctime)s kazasu/{__version__} %(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            self.home.create()
        except OSError:
            self.handleError(record)
        else:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Show the stack where no file can take it: better seen than lost."""
        fallback = logging.lastResort
        if fallback is not None:
            fallback.handle(record)
