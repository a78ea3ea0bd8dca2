"""A strict walker over DER that also reads the beginning of a structure whose end was not fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


class Tag(IntEnum):
    """Identifier octets that a certificate's head has (X.690, 8.1.2)."""

    INTEGER = 0x02
    OBJECT_IDENTIFIER = 0x06
    UTF8_STRING = 0x0C
    PRINTABLE_STRING = 0x13
    IA5_STRING = 0x16
    UTC_TIME = 0x17
    GENERALIZED_TIME = 0x18
    SEQUENCE = 0x30
    SET = 0x31
    CONTEXT_0 = 0xA0


class DerError(ValueError):
    """The bytes are not DER, or end too early, or are not what was expected here."""


class Truncated(DerError):  # noqa: N818  # says what happened to the bytes
    """The bytes end too early: whoever can fetch more of them may try again."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element within `data`: its contents go from `start` to `end`, its identifier octet stands at `at`.

    `end` may lie beyond the data: a walker may go down into an element whose end was not fetched.
    """

    data: bytes
    tag: int
    at: int
    start: int
    end: int

    @property
    def encoded(self) -> bytes:
        """The element with identifier and length; raise DerError where it is not all there."""
        return self._slice(self.at)

    @property
    def contents(self) -> bytes:
        """The element's contents; raise DerError where they are not all there."""
        return self._slice(self.start)

    def children(self) -> Iterator[Element]:
        """Yield the elements inside, one at a time, so that those beyond the data are not asked for."""
        offset = self.start
        while offset < self.end:
            child = element(self.data, offset)
            if child.end > self.end:
                raise DerError("an element is longer than what holds it")
            yield child
            offset = child.end

    def _slice(self, start: int) -> bytes:
        if self.end > len(self.data):
            raise Truncated("an element ends beyond the data")
        return self.data[start : self.end]


def element(data: bytes, offset: int = 0) -> Element:
    """Return the element that begins at an offset; raise DerError."""
    if offset + 2 > len(data):
        raise Truncated("no identifier and length")
    tag, first = data[offset], data[offset + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("an identifier of more than one octet")
    if first < 0x80:
        return Element(data, tag, offset, offset + 2, offset + 2 + first)
    count = first & 0x7F
    if not 1 <= count <= 3:
        raise DerError("a length that is indefinite or absurd")
    start = offset + 2 + count
    if start > len(data):
        raise Truncated("half a length")
    length = int.from_bytes(data[offset + 2 : start])
    if length < 0x80 or length >> 8 * (count - 1) == 0:
        raise DerError("a length that could be shorter (X.690, 10.1)")
    return Element(data, tag, offset, start, start + length)


def expect(elements: Iterator[Element], *tags: Tag) -> Element:
    """Return the next element, which must have one of these identifiers; raise DerError."""
    found = next(elements, None)
    if found is None or found.tag not in tags:
        raise DerError(f"expected {' or '.join(tag.name for tag in tags)}")
    return found
