"""What an office may do for a resident: all where its town registered them, its own points elsewhere, and in public.

| asked by | stop and resume | renewal code | leave |
|---|---|---|---|
| the town that registered them | the card | at once | yes |
| a town whose points they hold | that town's points | two persons, a day apart, and every town concerned is told | no |
| any other town | no | no | no |
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ledger.api.desk import Officer
from ledger.api.state import Ledger
from ledger.identity.errors import IdentityRefusal
from ledger.points.events import EventKind
from ledger.wire.codes import CONTACT_LENGTH
from ledger.wire.tokens import ServiceId

WAITING: Final = timedelta(days=1)
"""How long the towns concerned have to object before another town's code is given out."""


def find_resident(ledger: Ledger, municipality: str, who: str | ServiceId) -> str:
    """Return the MyKey ID of the resident whom an office names; a number belongs to its own town's service.

    Raise IdentityRefusal `mykey_unknown` where there is no such resident.
    """
    match who:
        case ServiceId(municipality=issuer) if issuer not in (None, municipality):
            mykey = None
        case ServiceId():
            mykey = ledger.identity.find_mykey(who, municipality)
        case _ if len(who) == CONTACT_LENGTH:
            mykey = ledger.identity.find_contact(who)
        case _:
            mykey = next(iter(ledger.identity.known([who])), None)
    if mykey is None:
        raise IdentityRefusal("mykey_unknown")
    return mykey


def concerned(ledger: Ledger, mykey: str) -> set[str]:
    """Return the towns that a resident concerns: the one that registered them, and those whose points they have."""
    home = ledger.identity.municipality_of(mykey)
    return ledger.points.municipalities_of(mykey) | ({home} if home else set())


def is_home(ledger: Ledger, municipality: str, mykey: str) -> bool:
    """Return whether a town registered a resident; where that is not recorded, any town concerned may act.

    Raise IdentityRefusal `person_elsewhere` where the resident does not concern the town at all.
    """
    home = ledger.identity.municipality_of(mykey)
    if home == municipality:
        return True
    municipalities = concerned(ledger, mykey)
    if municipality not in municipalities and not (home == "" and not municipalities):
        raise IdentityRefusal("person_elsewhere")
    return home == ""


def stop(ledger: Ledger, municipality: str, mykey: str) -> bool:
    """Suspend a resident: the card (True), or, asked by another town, that town's points alone (False)."""
    if is_home(ledger, municipality, mykey):
        ledger.identity.stop(mykey)
        return True
    ledger.points.suspend(mykey, municipality, suspended=True)
    return False


def resume(ledger: Ledger, municipality: str, mykey: str) -> bool:
    """Lift a suspension of the card (True), or of one town's points (False)."""
    if is_home(ledger, municipality, mykey):
        ledger.identity.resume(mykey)
        return True
    ledger.points.suspend(mykey, municipality, suspended=False)
    return False


def renewal_code(ledger: Ledger, officer: Officer, mykey: str) -> str:
    """Return a code for a renewed card.

    Another town than that which registered the resident gets it for a second person, a day after a first one asked.
    Each of them is an event in every town that the resident concerns.
    Raise IdentityRefusal `renewal_asked` for the first, `renewal_waits` or `approval_own` where it is too early.
    """
    today = ledger.today()
    if not is_home(ledger, officer.municipality, mykey):
        for municipality in concerned(ledger, mykey) | {officer.municipality}:
            ledger.noticed(EventKind.RENEWAL, officer.municipality, municipality=municipality)
        asked = ledger.identity.renewal_asked(mykey, officer.municipality)
        if asked is None:
            ledger.identity.ask_renewal(mykey, officer.municipality, officer.who, today)
            raise IdentityRefusal("renewal_asked")
        who, day = asked
        if who == officer.who:
            raise IdentityRefusal("approval_own")
        if today < day + WAITING:
            raise IdentityRefusal("renewal_waits")
    return ledger.identity.renewal_code(mykey, today)


def check_home(ledger: Ledger, municipality: str, mykey: str) -> None:
    """Raise IdentityRefusal `person_elsewhere` where another town registered a resident."""
    if not is_home(ledger, municipality, mykey):
        raise IdentityRefusal("person_elsewhere")
