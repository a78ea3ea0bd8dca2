"""The ID table: one MyKey ID per holder, numbers that belong to one person, and stops that count at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import inspect

from ledger.database import open_engine
from ledger.identity.errors import IdentityRefusal
from ledger.identity.schema import metadata
from ledger.identity.store import RENEWAL, Identity
from ledger.wire.answers import Standing
from ledger.wire.codes import ALPHABET
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
    assert found[OLD].standing is Standing.UNREGISTERED
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


def test_leaving_leaves_nothing(identity: Identity) -> None:
    """No row names the card or the MyKey ID any more, and the number is free again."""
    mykey = identity.register(OLD, b"key", [LIBRARY], TODAY)
    identity.renewal_code(mykey, TODAY)
    identity.leave(mykey)
    with identity._engine.connect() as connection:
        assert all(connection.execute(table.select()).all() == [] for table in metadata.sorted_tables)
    assert identity.register(OTHER, b"key", [LIBRARY], TODAY) != mykey


def test_one_service_can_be_given_up(identity: Identity) -> None:
    """Unlinking the library leaves the museum and the MyKey ID."""
    museum = ServiceId(service="museum", number="7")
    mykey = identity.register(OLD, b"key", [LIBRARY, museum], TODAY)
    identity.unlink(mykey, "library")
    assert identity.services(mykey) == [museum]
    assert identity.look_up([OLD])[OLD].mykey == mykey


def test_the_table_has_no_room_for_more(identity: Identity) -> None:
    """The columns are those of an ID table: no shop, no operation, no time."""
    inspector = inspect(identity._engine)
    columns = {table: {column["name"] for column in inspector.get_columns(table)} for table in ("card", "service_id")}
    assert columns == {
        "card": {"card_key", "mykey", "public_key", "state"},
        "service_id": {"mykey", "service", "number"},
    }
