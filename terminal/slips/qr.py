"""The QR code of a slip as dots: what draws it, on paper or on a page, needs no more."""

from __future__ import annotations

import segno


def dots(text: str) -> list[list[bool]]:
    """Return the rows of a code's dots, without the quiet zone: true is dark.

    Level M (15 %) stands a crease or a thumb; a micro code, which many scanners do not read, is never made.
    """
    code = segno.make(text, error="m", micro=False)
    return [[bool(dot) for dot in row] for row in code.matrix]
