"""The layers over a bare connection: answers in parts, wrong lengths, the first command after power-up; the meter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.connection import MAX_PARTS, ApduExchange, IsoConnection, Meter, redact
from reader.errors import AnswerBroken
from tests.reader.scripted import Scripted

READ = bytes.fromhex("00B0000000")
VERIFY = bytes.fromhex("002000980431323334")


@pytest.mark.parametrize(
    ("command", "script", "data", "sw", "sent"),
    [
        (READ, {"00b0": ["AABB9000"]}, "AABB", 0x9000, ["00b0000000"]),
        (READ, {"00b0": ["AA6102"], "00c0": ["BBCC9000"]}, "AABBCC", 0x9000, ["00b0000000", "00c0000002"]),
        (
            READ,
            {"00b0": ["6100"], "00c0": ["AA6101", "BB9000"]},
            "AABB",
            0x9000,
            ["00b0000000", "00c0000000", "00c0000001"],
        ),
        (READ, {"00b0": ["6C02", "AABB9000"]}, "AABB", 0x9000, ["00b0000000", "00b0000002"]),
        (READ, {"00b0": ["6F00", "AA9000"]}, "AA", 0x9000, ["00b0000000", "00b0000000"]),
        (READ, {"00b0": ["6F00", "6F00"]}, "", 0x6F00, ["00b0000000", "00b0000000"]),
        (READ, {"00b0": ["6102"], "00c0": ["6C01", "AA9000"]}, "AA", 0x9000, [READ.hex(), "00c0000002", "00c0000001"]),
        (READ, {"00b0": ["6C02", "6C02"]}, "", 0x6C02, ["00b0000000", "00b0000002"]),
        (VERIFY, {"0020": ["6F00"]}, "", 0x6F00, [VERIFY.hex()]),
        (VERIFY, {"0020": ["6C02"]}, "", 0x6C02, [VERIFY.hex()]),
        (VERIFY, {"0020": ["6102"]}, "", 0x6102, [VERIFY.hex()]),
    ],
)
def test_what_a_card_leaves_open_is_finished(
    command: bytes, script: dict[str, list[str]], data: str, sw: int, sent: list[str]
) -> None:
    """61xx, 6Cxx and a lost first command are handled; a command with a PIN is never sent twice."""
    card = Scripted(script)
    assert IsoConnection(card).transmit(command) == (bytes.fromhex(data), sw)
    assert card.sent == sent


@pytest.mark.parametrize(
    ("script", "exchanges"),
    [
        ({"00b0": ["6101"], "00c0": ["6101"]}, 2),
        ({"00b0": ["AA6101"], "00c0": ["BB6101"] * 99}, 1 + MAX_PARTS),
        ({"00b0": ["AA6101"], "00c0": ["6C01", "BB6101"] * 99}, 1 + 2 * MAX_PARTS),
        ({"00b0": ["6101"], "00c0": ["6C01"] * 99}, 3),
        ({"00b0": ["6100"], "00c0": [f"{'00' * 200}6100", f"{'00' * 200}9000"]}, 3),
        ({"00b0": [f"{'00' * 257}9000"]}, 1),
        ({"00b0": ["6F00", "6C02", f"{'00' * 300}9000"]}, 3),
    ],
)
def test_an_answer_without_end_is_ended(script: dict[str, list[str]], exchanges: int) -> None:
    """Whatever a card promises, the number of exchanges is bounded, and what came is no answer."""
    card = Scripted(script)
    with pytest.raises(AnswerBroken):
        IsoConnection(card).transmit(READ)
    assert len(card.sent) == exchanges


def test_only_the_first_command_after_power_up_is_repeated() -> None:
    """A later 6F00 is an answer."""
    card = Scripted({"00b0": ["9000", "6F00"]})
    connection = IsoConnection(card)
    connection.transmit(READ)
    assert connection.transmit(READ) == (b"", 0x6F00)


def test_the_meter_counts_exchanges_and_bytes_with_their_status_words() -> None:
    """What goes over the air is counted, repetitions too."""
    traces: list[ApduExchange] = []
    meter = Meter(Scripted({"00b0": ["6C02", "AABB9000"]}), traces.append)
    IsoConnection(meter).transmit(READ)
    assert (meter.apdu_count, meter.bytes_sent, meter.bytes_read) == (2, 10, 6)
    assert traces == [ApduExchange("00b0000000", 0, 0x6C02), ApduExchange("00b0000002", 2, 0x9000)]


@given(pin=st.binary(min_size=4, max_size=16), ins=st.sampled_from([0x20, 0x24, 0x2C]))
def test_no_trace_holds_a_pin(pin: bytes, ins: int) -> None:
    """Of a command that may hold a PIN only the header is shown."""
    command = bytes([0, ins, 0, 0x98, len(pin)]) + pin
    assert redact(command) == f"00{ins:02x}0098 [{len(pin)} bytes]"
    assert redact(bytearray(command)) == redact(command)


def test_asking_for_the_tries_shows_whole() -> None:
    """Four bytes hold nothing to hide."""
    assert redact(bytes.fromhex("00200098")) == "00200098"
