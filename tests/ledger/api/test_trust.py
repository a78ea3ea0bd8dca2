"""What a terminal believes: its ledger's signature and nothing else, under keys that a code or a pinned key named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.wire.answers import Inquiry, Status, Verdict
from ledger.wire.client import (
    MAX_ANSWER,
    LedgerBusy,
    LedgerClient,
    LedgerMismatch,
    LedgerRefusal,
    LedgerUnreachable,
    LedgerUntrusted,
    is_guarded,
)
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.test_client import KEY, LEDGER, NONE_KNOWN, TERMINAL, client
from tests.signed import AnswerKey

pytestmark = pytest.mark.anyio

STRANGER = AnswerKey()
Handler = Callable[[httpx.Request], httpx.Response]


def _altered(request: httpx.Request) -> httpx.Response:
    true = LEDGER.answer(request, NONE_KNOWN)
    return httpx.Response(200, content=true.content.replace(b"unregistered", b"active"))


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(lambda request: STRANGER.answer(request, NONE_KNOWN), id="by another key"),
        pytest.param(lambda request: LEDGER.answer(request, NONE_KNOWN, nonce="0" * 22), id="to another request"),
        pytest.param(
            lambda request: LEDGER.answer(request, NONE_KNOWN, terminal_id="252034-0001-02"), id="to another terminal"
        ),
        pytest.param(_altered, id="altered on its way"),
    ],
)
async def test_what_does_not_verify_is_nobodys_answer(answers: Handler) -> None:
    """It is no verdict and no refusal: the outcome is not known, and the same is asked again."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/keys":
            return httpx.Response(200, content=STRANGER.keys().model_dump_json())
        return answers(request)

    async with client(handler) as ledger:
        with pytest.raises(LedgerUntrusted) as untrusted:
            await ledger.inquire(Inquiry())
    assert untrusted.value.code == "answer_untrusted"
    assert isinstance(untrusted.value, LedgerUnreachable)


async def test_the_verdict_on_another_operation_is_no_answer() -> None:
    """A ledger that answers about something else is not believed, whoever signed it."""
    other = Verdict(operation_id=f"{TERMINAL}-000009", status=Status.ACCEPTED)
    async with client(lambda request: LEDGER.answer(request, {}, [other])) as ledger:
        with pytest.raises(LedgerUntrusted):
            await ledger.operation(f"{TERMINAL}-000001")


async def test_an_old_answer_is_not_an_answer_to_a_new_request(counter: Counter) -> None:
    """A true answer that was recorded is of no use to whoever plays it again."""
    kept: list[httpx.Response] = []

    async def replay(request: httpx.Request) -> httpx.Response:
        if not kept:
            async with httpx.AsyncClient(transport=asgi(counter.app)) as line:
                kept.append(await line.send(request))
        return httpx.Response(200, content=kept[0].content)

    till = counter.till
    async with LedgerClient(
        transport=httpx.MockTransport(replay),
        terminal_id=till.setup.terminal_id,
        key=till.key,
        pinned=till.setup.signing_keys,
        clock=till.clock,
    ) as ledger:
        assert (await ledger.setup()).terminal_id == till.setup.terminal_id
        with pytest.raises(LedgerUntrusted):
            await ledger.setup()


# One deadline, a size, and what is no ledger --------------------------------------------------------------------------


class Dripping(httpx.AsyncByteStream):
    """An answer of which a byte comes now and then, for ever."""

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # the base gives it no type either
        """Yield a byte, and wait."""
        while True:
            yield b" "
            await anyio.sleep(0.02)


async def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    """The deadline is for the whole answer, and not for each of its bytes."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Dripping()))
    async with LedgerClient("http://127.0.0.1", transport=transport, pinned=LEDGER.pinned, timeout=0.2) as ledger:
        with anyio.fail_after(2):
            with pytest.raises(LedgerUnreachable):
                await ledger.inquire(Inquiry())
            assert not await ledger.ready()
            assert not await ledger.probe()


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(httpx.Response(200, content=b" " * (MAX_ANSWER + 1)), id="too large"),
        pytest.param(
            httpx.Response(200, content=b"", headers={"Content-Encoding": "gzip"}), id="compressed to any size"
        ),
        pytest.param(httpx.Response(302, headers={"Location": "https://hotel.example/"}), id="a redirection"),
        pytest.param(
            httpx.Response(307, json={"title": "x", "status": 307, "code": "journal_fork"}),
            id="a redirection that calls itself a refusal",
        ),
        pytest.param(httpx.Response(200, text="<html>Welcome</html>"), id="a log-in page"),
        pytest.param(httpx.Response(504, text="<html>Gateway Timeout</html>"), id="a proxy's error page"),
    ],
)
async def test_what_is_no_ledger_is_the_line(response: httpx.Response) -> None:
    """Nothing of it is a verdict or a refusal."""
    async with client(lambda _: response) as ledger:
        with pytest.raises(LedgerUnreachable):
            await ledger.setup()
        assert not await ledger.probe()


async def test_nobody_on_the_line_can_silence_a_terminal_for_long() -> None:
    """Problems are not signed, so a wait that one asks for is bounded."""
    body = {"title": "No", "status": 503, "code": "ledger_unavailable", "retryable": True}
    for asked, waited in (("86400", 120.0), ("-1", 0.0), ("nan", 5.0), ("inf", 120.0)):
        response = httpx.Response(503, json=body, headers={"Retry-After": asked})
        async with client(lambda _, response=response: response) as ledger:  # type: ignore[misc]
            with pytest.raises(LedgerBusy) as busy:
                await ledger.setup()
        assert busy.value.retry_after == waited


# Pinning --------------------------------------------------------------------------------------------------------------


async def test_a_code_of_another_ledger_is_not_sent_to_this_one(counter: Counter) -> None:
    """The secret part stays here, and what is wrong has a name of its own."""
    asked: list[str] = []

    def stranger(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=STRANGER.keys().model_dump_json())

    async with LedgerClient(transport=httpx.MockTransport(stranger)) as newcomer:
        with pytest.raises(LedgerMismatch) as mismatch:
            await newcomer.enrol(counter.ledger.new_enrolment_code(SHOP), KEY.public_key())
    assert mismatch.value.code == "ledger_mismatch"
    assert asked == ["/v1/keys"]


async def test_a_ledger_that_only_claims_the_key_of_the_code_enrols_nobody(counter: Counter) -> None:
    """Whoever names the key without having it cannot sign the answer."""

    def pretender(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/keys":
            return httpx.Response(200, content=counter.ledger.signing.published().model_dump_json())
        request.headers["Signature-Input"] = f'a=();keyid="{TERMINAL}";nonce="0123456789abcdef";tag="kazasu"'
        return STRANGER.answer(request, {})

    async with LedgerClient(transport=httpx.MockTransport(pretender)) as newcomer:
        with pytest.raises(LedgerMismatch):
            await newcomer.enrol(counter.ledger.new_enrolment_code(SHOP), KEY.public_key())


async def test_a_mistyped_code_is_noticed_before_anybody_is_asked() -> None:
    """The check character says so."""
    async with client(lambda _: pytest.fail("somebody was asked")) as newcomer:
        with pytest.raises(LedgerRefusal) as refusal:
            await newcomer.enrol("5WNQ-GW69-536B-R3T0-9VKE-XN2C-4D7H-N", KEY.public_key())
    assert refusal.value.code == "enrolment_code_wrong"


async def test_a_ledger_moves_to_its_next_key_and_its_terminals_follow(counter: Counter) -> None:
    """What a pinned key signs replaces the pinned set, also for a terminal that missed several generations."""
    assert await counter.client.operation(f"{counter.till.setup.terminal_id}-000001") is None
    first = counter.ledger.signing.public
    await counter.client.setup()
    assert counter.client.pinned == set(first)
    assert counter.ledger.signing.advance() == 2
    assert counter.ledger.signing.public[0] == first[1]
    setup = await counter.client.setup()
    assert counter.client.pinned == set(setup.signing_keys) == set(counter.ledger.signing.public)
    assert first[0] not in counter.client.pinned
    for _ in range(2):
        counter.ledger.signing.advance()
    assert (await counter.client.inquire(Inquiry())).nonce
    assert (await counter.client.setup()).signing_keys == counter.ledger.signing.public


async def test_a_key_that_no_pinned_key_vouches_for_is_not_followed(counter: Counter) -> None:
    """Neither an altered succession nor one that begins elsewhere leads anywhere."""
    till, signing = counter.till, counter.ledger.signing
    for _ in range(2):
        signing.advance()
    true = signing.published()
    forged = [each.model_copy(update={"signature": true.succession[0].signature}) for each in true.succession]

    async def between(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/keys":
            told = true.model_copy(update={"succession": forged})
            return httpx.Response(200, content=told.model_dump_json())
        async with httpx.AsyncClient(transport=asgi(counter.app)) as line:
            return httpx.Response(200, content=(await line.send(request)).content)

    async with LedgerClient(
        transport=httpx.MockTransport(between),
        terminal_id=till.setup.terminal_id,
        key=till.key,
        pinned=[till.setup.signing_keys[0]],
        clock=till.clock,
    ) as ledger:
        with pytest.raises(LedgerUntrusted):
            await ledger.setup()


@pytest.mark.parametrize(
    ("url", "guarded"),
    [
        ("https://ledger.example.jp", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("http://ledger.invalid", True),
        ("http://ledger.example.jp", False),
        ("http://192.168.1.10:8080", False),
    ],
)
async def test_a_terminal_of_the_first_release_pins_the_first_answer_where_nobody_stands_between(
    url: str, guarded: bool
) -> None:
    """It knows no key; over plain HTTP elsewhere it takes none."""
    assert is_guarded(url) is guarded
    body = {
        "terminal_id": TERMINAL,
        "shop": {"code": SHOP, "name": "見本商店"},
        "programmes": [],
        "sealing_key": "",
        "server_time": "2026-11-23T14:05:00+09:00",
        "signing_keys": LEDGER.pinned,
    }
    answers: dict[str, dict[str, Any]] = {"/v1/terminal": body, "/v1/inquiries": NONE_KNOWN}
    transport = httpx.MockTransport(lambda request: LEDGER.answer(request, answers[request.url.path]))
    async with LedgerClient(url, transport=transport, terminal_id=TERMINAL, key=KEY) as ledger:
        if guarded:
            await ledger.inquire(Inquiry())
            assert ledger.pinned == set(LEDGER.pinned)
        else:
            with pytest.raises(LedgerUntrusted):
                await ledger.inquire(Inquiry())
            assert not ledger.pinned


async def test_keys_that_do_not_sign_the_first_answer_are_not_pinned() -> None:
    """A first answer proves at least that its sender has the key that it lists."""
    body = {
        "terminal_id": TERMINAL,
        "shop": {"code": SHOP, "name": "見本商店"},
        "programmes": [],
        "sealing_key": "",
        "server_time": "2026-11-23T14:05:00+09:00",
        "signing_keys": STRANGER.pinned,
    }
    transport = httpx.MockTransport(lambda request: LEDGER.answer(request, body))
    async with LedgerClient(transport=transport, terminal_id=TERMINAL, key=KEY) as ledger:
        with pytest.raises(LedgerUntrusted):
            await ledger.setup()


async def test_weak_keys_enrol_nobody(counter: Counter) -> None:
    """Under a key of small order one signature fits any message."""
    weak = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
    key = Ed25519PublicKey.from_public_bytes(weak)
    async with LedgerClient(transport=asgi(counter.app)) as newcomer:
        with pytest.raises(LedgerRefusal) as refusal:
            await newcomer.enrol(counter.ledger.new_enrolment_code(SHOP), key)
    assert refusal.value.code == "key_weak"


async def test_fifty_answers_at_once_are_each_to_their_own_request(counter: Counter) -> None:
    """Nothing is mixed up under way."""
    answers = await asyncio.gather(*(counter.client.setup() for _ in range(50)))
    assert {each.terminal_id for each in answers} == {counter.till.setup.terminal_id}
