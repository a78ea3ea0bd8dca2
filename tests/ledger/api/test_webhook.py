"""Events go to an office's own system: signed, again until they are taken, and to nothing inside."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.api.outside import NotDelivered, NotOutside, checked, is_public, post, public_address
from ledger.api.state import Ledger
from ledger.api.webhook import Webhook, deliver, remove_webhook, set_webhook, webhook_of
from ledger.points.events import EventKind
from tests.ledger.api.world import Clock

URL = "https://city.example.jp/kazasu?town=252034"
TOWN, TERMINAL = "252034", "252034-0001-01"
PUBLIC = "93.184.215.14"


def outside(_host: str, _port: int) -> Sequence[str]:
    """Resolve every name to an address of the internet."""
    return [PUBLIC]


@dataclass
class Receiver:
    """The office's system: takes what comes, or fails as it is told."""

    got: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)
    fails: bool = False

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Take a delivery."""
        if self.fails:
            raise NotDelivered("status_500")
        self.got.append((url, body, headers))

    def events(self, number: int) -> list[tuple[str, str, int]]:
        """Return what a delivery told."""
        said: dict[str, Any] = json.loads(self.got[number][1])
        return [(each["kind"], each["about"], each["times"]) for each in said["events"]]


def hook_of(ledger: Ledger) -> Webhook:
    """Return how the town's webhook stands."""
    found = webhook_of(ledger, TOWN)
    assert found is not None
    return found


@pytest.fixture
def due(ledger: Ledger, clock: Clock) -> Ledger:
    """Return a ledger with a webhook, and an event that is old enough to be told."""
    set_webhook(ledger, TOWN, URL, outside)
    clock.now += timedelta(seconds=5)
    ledger.noticed(EventKind.WRONG_PROOF, TERMINAL, 3)
    ledger.noticed(EventKind.WRONG_PROOF, "131164-0001-01")
    clock.now += timedelta(seconds=70)
    return ledger


INSIDE = (
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.1 224.0.0.1 240.0.0.1 255.255.255.255 "
    "::1 :: fe80::1 fd00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 2001:0:7f00:1:: "
    "::7f00:1"
)


@pytest.mark.parametrize("address", INSIDE.split())
def test_no_address_inside_is_public(address: str) -> None:
    """Neither one that stands for another, nor where a name has a public one as well."""
    assert not is_public(ip_address(address))
    with pytest.raises(NotOutside, match="webhook_private"):
        public_address(httpx.URL(URL), lambda *_: [PUBLIC, address])


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", f"::ffff:{PUBLIC}"])
def test_the_internets_addresses_are_public(address: str) -> None:
    """Of either version."""
    assert is_public(ip_address(address))


WRONG = {
    "plain": "http://city.example.jp/",
    "other scheme": "ftp://city.example.jp/",
    "no host": "https://",
    "a path alone": "https:///x",
    "a password": "https://user:secret@city.example.jp/",
    "a fragment": "https://city.example.jp/#part",
    "a space": "https://city.example.jp/a b",
    "no ASCII": "https://city.example.jp/\u3042",
    "a line": "https://city.example.jp/\r\nHost: inside",
    "no port": "https://city.example.jp:99999/",
    "long": "https://" + "a" * 500 + ".jp/",
    "a script": "javascript:alert(1)",
    "nothing": "",
}


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
def test_an_address_has_a_form(url: str) -> None:
    """Https, a host, nothing secret, nothing that steers a header."""
    with pytest.raises(NotOutside, match="webhook_url_wrong"):
        checked(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1", "127.1", "017700000001", "[::ffff:7f00:1]"]
)
def test_however_this_machine_is_written_nothing_is_sent_to_it(host: str) -> None:
    """The real resolver says what a name leads to."""
    with pytest.raises((NotOutside, NotDelivered)) as refused:
        post(f"https://{host}/", b"{}", {})
    assert str(refused.value) in {"webhook_private", "webhook_url_wrong", "name_unknown"}


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """A name that leads elsewhere a moment later gains nothing; certificate and Host are the name's."""
    asked: list[httpx.Request] = []
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(204)

    transport = httpx.MockTransport(take)
    post(URL, b"{}", {}, resolve=lambda *_: next(answers), transport=transport)
    (request,) = asked
    assert (request.url.host, request.headers["Host"]) == (PUBLIC, "city.example.jp")
    assert request.extensions["sni_hostname"] == "city.example.jp"
    with pytest.raises(NotOutside):
        post(URL, b"{}", {}, resolve=lambda *_: next(answers), transport=transport)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 404, 500])
def test_a_redirection_is_followed_nowhere(status: int) -> None:
    """It is no delivery, as any other answer that is not 2xx."""
    asked = []

    def turn(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://127.0.0.1/"})

    with pytest.raises(NotDelivered, match=f"status_{status}"):
        post(URL, b"{}", {}, resolve=outside, transport=httpx.MockTransport(turn))
    assert len(asked) == 1


def test_what_was_noticed_is_told_once_and_signed(due: Ledger, clock: Clock) -> None:
    """With the counts so far; then only what is new; nothing of another town."""
    receiver = Receiver()
    assert [deliver(due, receiver), deliver(due, receiver)] == [1, 0]
    ((url, body, headers),) = receiver.got
    said = json.loads(body)
    assert (url, said["kazasu"], said["municipality"]) == (URL, "events/1", TOWN)
    assert receiver.events(0) == [("wrong_proof", TERMINAL, 3)]
    assert headers["Kazasu-Key"] in due.signing.published().signing_keys
    key = Ed25519PublicKey.from_public_bytes(b64decode(headers["Kazasu-Key"]))
    key.verify(b64decode(headers["Kazasu-Signature"]), body)
    due.noticed(EventKind.WRONG_PROOF, TERMINAL, 2)
    clock.now += timedelta(seconds=60)
    assert deliver(due, receiver) == 1, "it is a minute old"
    assert receiver.events(1) == [("wrong_proof", TERMINAL, 5)]
    clock.now += timedelta(seconds=130)
    assert deliver(due, receiver) == 0


def test_what_is_not_taken_is_sent_again_ever_later(due: Ledger, clock: Clock) -> None:
    """Nothing is lost meanwhile, and who looks sees that it fails, and why."""
    receiver = Receiver(fails=True)
    for failures in range(1, 13):
        assert deliver(due, receiver) == 0
        assert (hook_of(due).failures, hook_of(due).last_error) == (failures, "status_500")
        clock.now += timedelta(seconds=min(6 * 3600, 60 * 2 ** (failures - 1)) - 1)
        deliver(due, receiver)
        assert hook_of(due).failures == failures, "it is too early"
        clock.now += timedelta(seconds=1)
    receiver.fails = False
    assert deliver(due, receiver) == 1
    assert receiver.events(0) == [("wrong_proof", TERMINAL, 3)]
    assert (hook_of(due).failures, hook_of(due).last_error) == (0, "")
    remove_webhook(due, TOWN)
    assert webhook_of(due, TOWN) is None


def test_an_address_that_moved_inside_is_not_sent_to(due: Ledger) -> None:
    """Each delivery looks again; the failure says why."""
    deliver(due, lambda url, body, headers: post(url, body, headers, resolve=lambda *_: ["10.0.0.1"]))
    assert (hook_of(due).failures, hook_of(due).last_error) == (1, "webhook_private")


def test_two_processes_tell_once(due: Ledger) -> None:
    """The second finds it taken, also while the first still sends."""
    receiver = Receiver()

    def slow(url: str, body: bytes, headers: Mapping[str, str]) -> None:
        assert deliver(due, receiver) == 0
        receiver(url, body, headers)

    assert deliver(due, slow) == 1
    assert len(receiver.got) == 1
