"""The walk along an upload: what is whole passes, and every kind of break is named."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.api.chain import ChainLink, Head, reaches_beyond, walk
from ledger.api.problems import ProblemError
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Entry, SetAside, SignedEntry, entry_hash
from ledger.wire.operations import Mark, Unreadable

TERMINAL = "252034-0001-01"
KEY = Ed25519PrivateKey.generate()
EMPTY = Head(0, FIRST_PREVIOUS_HASH)


def journal(count: int, *, clerk: str = "12", after: SignedEntry | None = None) -> list[SignedEntry]:
    """Return consecutive signed entries."""
    entries: list[SignedEntry] = []
    for _ in range(count):
        before = entries[-1] if entries else after
        entry = Entry.model_validate(
            {
                "terminal_id": TERMINAL,
                "seq": before.entry.seq + 1 if before else 1,
                "at": "2026-11-23T14:05:03+09:00",
                "operator": clerk,
                "business_date": "2026-11-23",
                "content": {"kind": "opened"},
                "previous_hash": before.hash if before else FIRST_PREVIOUS_HASH,
            }
        )
        digest = entry_hash(entry.canonical())
        signature = base64.b64encode(KEY.sign(bytes.fromhex(digest))).decode()
        entries.append(SignedEntry(entry=entry, hash=digest, signature=signature))
    return entries


def head_at(entry: SignedEntry) -> Head:
    """Return the head after an entry."""
    return Head(entry.entry.seq, entry.hash)


def changed(entries: list[SignedEntry], index: int, **fields: object) -> list[SignedEntry]:
    """Return the entries with fields of one of them changed and nothing hashed anew."""
    entry = entries[index].entry.model_copy(update=fields)
    return [*entries[:index], entries[index].model_copy(update={"entry": entry}), *entries[index + 1 :]]


def links(entries: list[SignedEntry]) -> list[ChainLink]:
    """Return the chain of entries that are whole."""
    return walk(entries, TERMINAL, KEY.public_key())


WHOLE = journal(4)
OTHER = journal(4, clerk="99")


def test_a_whole_chain_passes() -> None:
    """Any run of consecutive entries is walked, whether it begins the journal or not."""
    walk(WHOLE, TERMINAL, KEY.public_key())
    walk(WHOLE[2:], TERMINAL, KEY.public_key())


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (changed(WHOLE, 1, operator="13"), "entry_damaged"),
        (changed(WHOLE, 3, at="2026-11-23T14:05:04+09:00"), "entry_damaged"),
        (changed(WHOLE, 2, content=Unreadable(kind="rate", points=math.nan)), "entry_damaged"),
        (changed(WHOLE, 0, terminal_id="252034-0001-02"), "terminal_mismatch"),
        ([WHOLE[0], WHOLE[2]], "journal_gap"),
        ([WHOLE[1], WHOLE[0]], "journal_gap"),
        ([WHOLE[0], WHOLE[0]], "journal_gap"),
        ([WHOLE[0], OTHER[1]], "journal_fork"),
        ([WHOLE[0].model_copy(update={"signature": WHOLE[1].signature})], "entry_damaged"),
        ([WHOLE[0].model_copy(update={"signature": "AAA"})], "entry_damaged"),
    ],
)
def test_every_break_is_named(entries: list[SignedEntry], code: str) -> None:
    """A changed entry, a missing one, one of another journal, and a signature that is not over the last hash."""
    with pytest.raises(ProblemError, match=code):
        walk(entries, TERMINAL, KEY.public_key())


def test_another_terminals_key_signs_nothing() -> None:
    """The chain alone proves nothing: its end must be signed."""
    with pytest.raises(ProblemError, match="entry_damaged"):
        walk(WHOLE, TERMINAL, Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize(
    ("entries", "head", "beyond"),
    [
        (WHOLE, EMPTY, True),
        (WHOLE[1:], head_at(WHOLE[0]), True),
        (WHOLE, head_at(WHOLE[1]), True),
        (WHOLE, head_at(WHOLE[3]), False),
        (WHOLE[3:], head_at(WHOLE[3]), False),
        (WHOLE[:2], head_at(WHOLE[3]), False),
    ],
)
def test_what_overlaps_is_no_break(entries: list[SignedEntry], head: Head, beyond: bool) -> None:  # a table
    """A repeated upload, in whole or in part, goes on from the head that it shares."""
    assert reaches_beyond(links(entries), head) is beyond


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (lambda: reaches_beyond(links(WHOLE[1:]), EMPTY), "journal_gap"),
        (lambda: reaches_beyond(links(WHOLE[3:]), head_at(WHOLE[1])), "journal_gap"),
        (lambda: reaches_beyond(links(OTHER[1:]), head_at(WHOLE[0])), "journal_fork"),
        (lambda: reaches_beyond(links(OTHER), head_at(WHOLE[1])), "journal_fork"),
        (lambda: reaches_beyond(links(OTHER), head_at(WHOLE[3])), "journal_fork"),
    ],
)
def test_what_goes_on_from_elsewhere_is_refused_with_the_head(place: Callable[[], bool], code: str) -> None:
    """The terminal is told where the ledger stands, to see where it parted."""
    with pytest.raises(ProblemError, match=code) as refused:
        place()
    assert set(refused.value.more) == {"head_seq", "head_hash"}


# What was set aside ---------------------------------------------------------------------------------------------------


def with_mark(seq: int, digest: str, **more: str) -> list[SignedEntry]:
    """Return the four entries with a mark behind them that sets one aside."""
    (mark,) = journal(1, after=WHOLE[-1])
    content = Mark(kind="set_aside", detail={"seq": seq, "hash": digest, **more})
    entry = mark.entry.model_copy(update={"content": content})
    digest = entry_hash(entry.canonical())
    signature = base64.b64encode(KEY.sign(bytes.fromhex(digest))).decode()
    return [*WHOLE, SignedEntry(entry=entry, hash=digest, signature=signature)]


def aside(index: int) -> SetAside:
    """Return what stands in for one of the four entries."""
    return SetAside(seq=WHOLE[index].entry.seq, hash=WHOLE[index].hash)


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_what_a_signed_mark_sets_aside_holds_nothing_up(index: int) -> None:
    """The chain goes on over the damaged entry's hash, which the next entry names."""
    entries = with_mark(index + 1, WHOLE[index].hash)
    del entries[index]
    walked = walk(entries, TERMINAL, KEY.public_key(), [aside(index)])
    assert [(link.seq, link.hash) for link in walked[:4]] == [(each.entry.seq, each.hash) for each in WHOLE]
    assert reaches_beyond(walked, EMPTY)


@pytest.mark.parametrize(
    ("mark", "set_aside", "code"),
    [
        pytest.param((2, OTHER[1].hash), [aside(1)], "journal_gap", id="the mark names another hash"),
        pytest.param((3, WHOLE[1].hash), [aside(1)], "journal_gap", id="the mark names another number"),
        pytest.param((2, WHOLE[1].hash), [], "journal_gap", id="the upload does not name it"),
        pytest.param(
            (2, OTHER[1].hash), [SetAside(seq=2, hash=OTHER[1].hash)], "journal_fork", id="of another journal"
        ),
        pytest.param((9, WHOLE[1].hash), [SetAside(seq=9, hash=WHOLE[1].hash)], "journal_gap", id="elsewhere"),
    ],
)
def test_nothing_is_set_aside_that_no_mark_names(mark: tuple[int, str], set_aside: list[SetAside], code: str) -> None:
    """An entry cannot be left out in silence."""
    entries = with_mark(*mark)
    del entries[1]
    with pytest.raises(ProblemError, match=code):
        walk(entries, TERMINAL, KEY.public_key(), set_aside)


def test_a_fork_is_not_hidden_by_setting_its_first_entry_aside() -> None:
    """A mark that names what stood before the damaged entry is held to it."""
    entries = with_mark(1, WHOLE[0].hash, previous=OTHER[3].hash)[1:]
    with pytest.raises(ProblemError, match="journal_fork"):
        reaches_beyond(walk(entries, TERMINAL, KEY.public_key(), [aside(0)]), EMPTY)
