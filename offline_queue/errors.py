"""What can be wrong with the journal.

QueueError                  carries `code`, under which the texts have what to say
├── JournalMissing          there is none yet; carries the `path` of the data directory
├── JournalInUse            another process holds this data directory; carries `pid` and `program`
├── JournalNewer            written by a newer version of the program; carries `version`
├── JournalBusy             another program holds the file for longer than can be waited
├── JournalCorrupt          the file, a hash or a signature is not what it was; carries `seq` where one is known
│   └── JournalIncomplete   entries that were written are missing at its end; carries the last one, and the `missing`
├── JournalReadOnly         the file or its directory cannot be written
├── DiskFull                there is no room for another entry
├── JournalForked           the ledger knows another journal under this terminal's name
├── NothingToClose          nothing happened since the last close
├── OperationIdTaken        the id that the card signed is not the next one any more
└── VerdictConflict         two different final verdicts on one operation
"""

from __future__ import annotations

from pathlib import Path

from config.errors import KnownError


class QueueError(KnownError):
    """Something is wrong with the journal; nothing was changed by what failed."""

    code = "journal_failed"


class JournalMissing(QueueError):  # noqa: N818  # says what is the case
    """Nothing was recorded in this data directory yet."""

    code = "journal_missing"

    def __init__(self, path: Path) -> None:
        super().__init__(f"no journal in {path}")
        self.path = path


class JournalInUse(QueueError):  # noqa: N818  # as above
    """Another process holds this data directory."""

    code = "journal_in_use"

    def __init__(self, pid: int, program: str) -> None:
        super().__init__(f"in use by {program} (process {pid})")
        self.pid = pid
        self.program = program


class JournalNewer(QueueError):  # noqa: N818  # as above
    """The journal was written by a newer version of the program."""

    code = "journal_newer"

    def __init__(self, version: int) -> None:
        super().__init__(f"the journal has format {version}, which this version does not know")
        self.version = version


class JournalBusy(QueueError):  # noqa: N818  # as above
    """Another program, a backup perhaps, holds the file for longer than can be waited."""

    code = "journal_busy"


class JournalCorrupt(QueueError):  # noqa: N818  # as above
    """The file, or an entry in it, is not what was written."""

    code = "journal_corrupt"

    def __init__(self, reason: str, seq: int | None = None) -> None:
        super().__init__(reason if seq is None else f"entry {seq}: {reason}")
        self.seq = seq


class JournalIncomplete(JournalCorrupt):
    """Entries that were written, or that the ledger has, are missing at the end of the file."""

    code = "journal_incomplete"

    def __init__(self, last: int, missing: int) -> None:
        super().__init__(f"entries {last + 1} to {missing} are missing", last + 1)
        self.last = last
        self.missing = missing


class JournalReadOnly(QueueError):  # noqa: N818  # as above
    """The journal's file or directory cannot be written."""

    code = "journal_read_only"


class DiskFull(QueueError):  # noqa: N818  # as above
    """There is no room for another entry."""

    code = "disk_full"


class JournalForked(QueueError):  # noqa: N818  # as above
    """The ledger knows another journal under this terminal's name; the office has to decide. Carries its `reason`."""

    code = "journal_forked"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NothingToClose(QueueError):  # noqa: N818  # as above
    """Nothing happened since the last close: another one would be empty."""

    code = "nothing_to_close"


class OperationIdTaken(QueueError):  # noqa: N818  # as above
    """Another entry was written since the id was given out, so a signature over it is worth nothing."""

    code = "operation_id_taken"


class VerdictConflict(QueueError):  # noqa: N818  # as above
    """The ledger gave a second, different verdict; the first stands."""

    code = "verdict_conflict"
