"""The ID table: one MyKey ID per holder, numbers that belong to one person, and stops that count at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect

from ledger.database import open_engine
from ledger.identity.errors import IdentityRefusal
from ledger.identity.schema import metadata
from ledger.identity.store import RENEWAL, Identity
from ledger.wire.answers import Standing
from ledger.wire.codes import ALPHABET, as_contact, contact_of, grouped
from ledger.wire.tokens import CardReference, ServiceId

TODAY = date(2026, 11, 23)
OLD, NEW, OTHER = (CardReference(issuer_sha256="ab" * 32, serial=f"{number:08x}") for number in (1, 2, 3))
LIBRARY = ServiceId(service="library", number="0042")


@pytest.fixture
def identity(database_url: str) -> Iterator[Identity]:
    """Yield an empty ID table."""
    engine = open_engine(database_url)
    metadata.create_all(engine)
    yield Identity(engine, b"s" * 32)
    engine.dispose()


def refusal(code: str) -> pytest.RaisesExc[IdentityRefusal]:
    """Expect a refusal with a code."""
    return pytest.raises(IdentityRefusal, match=f"^{code}$")


def test_a_card_nobody_registered_is_known_for_nobody(identity: Identity) -> None:
    """Looking a card up leaves nothing behind, and says no more than that."""
    holder = identity.look_up([OLD])[OLD]
    assert (holder.standing, holder.mykey, holder.public_key) == (Standing.UNREGISTERED, None, None)


def test_registering_gives_a_random_id_that_can_be_read_out(identity: Identity) -> None:
    """A MyKey ID is ten unmistakable characters that the card does not determine."""
    mykey = identity.register(OLD, b"key", [], TODAY)
    assert len(mykey) == 10
    assert set(mykey) <= set(ALPHABET)
    assert identity.register(OTHER, b"key", [], TODAY) != mykey
    holder = identity.look_up([OLD])[OLD]
    assert (holder.standing, holder.mykey, holder.public_key) == (Standing.ACTIVE, mykey, b"key")


def test_registering_again_changes_nothing(identity: Identity) -> None:
    """A repeated request, or fifty at once, lead to the same MyKey ID."""
    with ThreadPoolExecutor(10) as pool:
        given = set(pool.map(lambda _: identity.register(OLD, b"key", [LIBRARY], TODAY), range(50)))
    assert len(given) == 1
    assert identity.services(given.pop()) == [LIBRARY]


def test_the_secret_is_needed_to_find_a_card(identity: Identity) -> None:
    """Without the secret a serial number leads nowhere."""
    key = identity.key_of(bytes.fromhex(OLD.issuer_sha256), 1)
    assert key != Identity(identity._engine, b"t" * 32).key_of(bytes.fromhex(OLD.issuer_sha256), 1)
    assert bytes.fromhex(OLD.serial) not in key


def test_a_number_belongs_to_one_holder(identity: Identity) -> None:
    """Somebody else's number is refused, and the refused registration leaves no trace."""
    identity.register(OLD, b"key", [LIBRARY], TODAY)
    with refusal("service_taken"):
        identity.register(OTHER, b"key", [ServiceId(service="museum", number="7"), LIBRARY], TODAY)
    assert identity.look_up([OTHER])[OTHER].standing is Standing.UNREGISTERED
    assert identity.find_mykey(ServiceId(service="museum", number="7")) is None


def test_a_new_number_of_a_service_replaces_the_old_one(identity: Identity) -> None:
    """A new library card takes the place of the lost one."""
    mykey = identity.register(OLD, b"key", [LIBRARY], TODAY)
    newer = ServiceId(service="library", number="0043")
    identity.register(OLD, b"key", [newer], TODAY)
    assert identity.services(mykey) == [newer]
    assert identity.find_mykey(LIBRARY) is None
    assert identity.find_mykey(newer) == mykey


def test_a_renewed_card_takes_over_with_the_offices_code(identity: Identity) -> None:
    """The MyKey ID and its numbers stay, the old card stands for nobody, and the code works once."""
    mykey = identity.register(OLD, b"old key", [LIBRARY], TODAY)
    code = ServiceId(service=RENEWAL, number=identity.renewal_code(mykey, TODAY))
    assert identity.register(NEW, b"new key", [code], TODAY) == mykey
    found = identity.look_up([OLD, NEW])
    assert found[OLD].standing is Standing.SUPERSEDED
    with refusal("card_superseded"):
        identity.register(OLD, b"old key", [], TODAY)
    assert (found[NEW].mykey, found[NEW].public_key) == (mykey, b"new key")
    assert identity.services(mykey) == [LIBRARY]
    assert identity.register(NEW, b"new key", [code], TODAY) == mykey, "a repeated request finds the card registered"
    with refusal("renewal_code_wrong"):
        identity.register(OTHER, b"other key", [code], TODAY)


def test_a_renewal_code_lapses_and_is_replaced_by_the_next(identity: Identity) -> None:
    """Codes that were given out and not used do not pile up."""
    mykey = identity.register(OLD, b"key", [], TODAY)
    first = identity.renewal_code(mykey, TODAY)
    second = identity.renewal_code(mykey, TODAY)
    for code, day in ((first, TODAY), (second, TODAY + timedelta(days=15))):
        with refusal("renewal_code_wrong"):
            identity.register(NEW, b"key", [ServiceId(service=RENEWAL, number=code)], day)
    with refusal("mykey_unknown"):
        identity.renewal_code("0000000000", TODAY)


def test_a_stop_counts_at_once_and_can_be_lifted(identity: Identity) -> None:
    """After one telephone call the card is suspended; it cannot register itself free."""
    mykey = identity.register(OLD, b"key", [], TODAY)
    identity.stop(mykey)
    assert identity.look_up([OLD])[OLD].standing is Standing.SUSPENDED
    with refusal("card_suspended"):
        identity.register(OLD, b"key", [], TODAY)
    identity.resume(mykey)
    assert identity.look_up([OLD])[OLD].standing is Standing.ACTIVE
    for call in (identity.stop, identity.resume):
        with refusal("mykey_unknown"):
            call("0000000000")


def test_a_card_whose_certificate_ended_is_expired(identity: Identity) -> None:
    """To its last second it is good; a stop and a revocation say more, and so are said first."""
    end = datetime(2027, 3, 1, 14, 59, 59, tzinfo=UTC)
    mykey = identity.register(OLD, b"key", [], TODAY, ends=end)

    def standing(at: datetime) -> Standing:
        later = Identity(identity._engine, b"s" * 32, lambda: at)
        return later.look_up([OLD])[OLD].standing

    assert [standing(end + timedelta(seconds=each)) for each in (-1, 0, 1)] == ["active", "active", "expired"]
    assert standing(datetime(2032, 1, 1, tzinfo=UTC)) is Standing.EXPIRED
    identity.stop(mykey)
    assert standing(datetime(2032, 1, 1, tzinfo=UTC)) is Standing.SUSPENDED


def test_a_number_for_the_telephone_names_a_holder(identity: Identity) -> None:
    """It is not the MyKey ID, stands nowhere, is checked as it is typed, and can be replaced."""
    mykey, other = (identity.register(each, b"key", [], TODAY) for each in (OLD, OTHER))
    number = identity.contact_number(mykey)
    assert identity.contact_number(mykey) == number == as_contact(grouped(number).lower())
    assert len({number, mykey, identity.contact_number(other)}) == 3
    assert identity.find_contacts([number, "00000000"]) == {number: mykey}
    with identity._engine.connect() as connection:
        rows = str([connection.execute(table.select()).all() for table in metadata.sorted_tables])
    assert number not in rows
    newer = identity.replace_contact_number(mykey)
    assert newer != number
    assert (identity.find_contact(number), identity.find_contact(newer)) == (None, mykey)
    with refusal("mykey_unknown"):
        identity.contact_number("0000000000")


@given(st.binary(min_size=8, max_size=8), st.integers(0, 7), st.sampled_from(ALPHABET))
def test_one_wrong_character_of_a_contact_number_is_noticed(digest: bytes, place: int, wrong: str) -> None:
    """Whichever it is."""
    number = contact_of(digest)
    assert as_contact(number) == number
    typed = number[:place] + wrong + number[place + 1 :]
    assert (as_contact(typed) is None) is (typed != number)


def test_the_same_number_may_be_two_towns(identity: Identity) -> None:
    """A number belongs to a municipality's service: another town's library is another service."""
    municipalities = [
        ServiceId(service="library", number="0042", municipality=municipality) for municipality in ("252034", "131164")
    ]
    one, two = (
        identity.register(card, b"key", [LIBRARY], TODAY, municipality=str(own.municipality))
        for card, own in zip((OLD, OTHER), municipalities, strict=True)
    )
    assert identity.find_mykeys(municipalities) == dict(zip(municipalities, (one, two), strict=True))
    assert identity.find_mykey(LIBRARY, "131164") == two
    assert identity.find_mykey(LIBRARY) is None
    assert (identity.municipality_of(one), identity.services(two)) == ("252034", [municipalities[1]])
    identity.unlink(one, "library", "131164")
    assert identity.services(one) == [municipalities[0]]


def test_what_an_earlier_release_linked_is_assigned(identity: Identity) -> None:
    """Service by service, or all at once with the holders."""
    mykey = identity.register(OLD, b"key", [LIBRARY, ServiceId(service="museum", number="7")], TODAY)
    assert (identity.unassigned(), identity.has_unassigned()) == ({"library": 1, "museum": 1}, True)
    assert identity.assign("252034", "library") == 1
    assert identity.municipality_of(mykey) == ""
    assert identity.assign("131164") == 1
    assert (identity.municipality_of(mykey), identity.has_unassigned()) == ("131164", False)
    assert identity.services(mykey) == [
        ServiceId(service="museum", number="7", municipality="131164"),
        ServiceId(service="library", number="0042", municipality="252034"),
    ]


def test_leaving_leaves_a_tombstone_alone(identity: Identity) -> None:
    """No row names the card or the MyKey ID any more, and the number is free again."""
    mykey = identity.register(OLD, b"key", [LIBRARY], TODAY)
    identity.renewal_code(mykey, TODAY)
    identity.leave(mykey)
    with identity._engine.connect() as connection:
        rows = {table.name: connection.execute(table.select()).all() for table in metadata.sorted_tables}
    assert [name for name, found in rows.items() if found] == ["departed"]
    (left,) = rows["departed"]
    assert mykey.encode() not in left.sealed
    assert left.tombstone != identity._key(OLD)
    assert identity.look_up([OLD])[OLD].mykey is None
    assert identity.register(OTHER, b"key", [LIBRARY], TODAY) != mykey


def test_who_comes_back_with_the_same_card_is_the_same_holder(identity: Identity) -> None:
    """As often as they like; the number for the telephone is another, since the old one was given up."""
    mykey = identity.register(OLD, b"key", [], TODAY)
    numbers = {identity.contact_number(mykey), identity.replace_contact_number(mykey)}
    for _ in range(2):
        identity.leave(mykey)
        assert identity.register(OLD, b"key", [], TODAY) == mykey
        numbers.add(identity.contact_number(mykey))
    assert len(numbers) == 4
    assert identity.look_up([OLD])[OLD].standing is Standing.ACTIVE


def test_a_suspended_card_does_not_come_back_by_leaving(identity: Identity) -> None:
    """However often it tries; the office's renewal is the way."""
    mykey = identity.register(OLD, b"key", [], TODAY)
    identity.stop(mykey)
    identity.leave(mykey)
    for _ in range(2):
        with pytest.raises(IdentityRefusal, match="card_suspended"):
            identity.register(OLD, b"key", [], TODAY)


def test_one_service_can_be_given_up(identity: Identity) -> None:
    """Unlinking the library leaves the museum and the MyKey ID."""
    museum = ServiceId(service="museum", number="7")
    mykey = identity.register(OLD, b"key", [LIBRARY, museum], TODAY)
    identity.unlink(mykey, "library", "")
    assert identity.services(mykey) == [museum]
    assert identity.look_up([OLD])[OLD].mykey == mykey


def test_the_table_has_no_room_for_more(identity: Identity) -> None:
    """The columns are those of an ID table: no shop, no operation, no time."""
    inspector = inspect(identity._engine)
    columns = {
        table: {column["name"] for column in inspector.get_columns(table)} for table in ("card", "service_number")
    }
    assert columns == {
        "card": {
            "card_key",
            "mykey",
            "public_key",
            "state",
            "not_after",
            "municipality",
            "contact_version",
            "contact_key",
        },
        "service_number": {"mykey", "municipality", "service", "number"},
    }
