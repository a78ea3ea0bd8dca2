"""What a terminal may know of what a sister, another terminal of its shop, did: enough for its owner to undo it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ledger.wire.operations import Award, Convert, Sale
from ledger.wire.values import Message, Timestamp


class SisterOperation(Message):
    """An operation as it was decided; its `resident` is empty.

    `at` is when the ledger got it. `closed` says that a close covers it, `returned` is the yen of its bill that came
    back already.
    """

    content: Annotated[Sale | Award | Convert, Field(discriminator="kind")]
    at: Timestamp
    closed: bool = False
    returned: Annotated[int, Field(strict=True, ge=0)] = 0
