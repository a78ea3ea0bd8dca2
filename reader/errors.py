"""What can go wrong between a card and us; a card's status word becomes an error here and nowhere else."""

# ruff: noqa: N818  # an error's name says what happened
from __future__ import annotations

from datetime import datetime

from config.errors import KnownError
from config.japan import JST
from config.trust import CertificateExpired, CertificateNotYetValid, TrustError
from reader.apdu import INS, SW


class ReaderError(KnownError):
    """A card could not be used.

    ReaderError
    ├── SourceError                 there is nothing to speak to
    │   ├── PcscServiceDown
    │   ├── PcscForbidden
    │   ├── NoReader
    │   ├── NoCard
    │   ├── TwoCards
    │   ├── ReaderBusy
    │   └── VpcdUnreachable
    ├── LinkError                   the conversation broke off
    │   ├── CardPulled
    │   ├── CardNotAnswering
    │   └── AnswerBroken
    ├── CardError                   the card answered, and not as hoped
    │   ├── NotMyNumberCard         carries `sw`
    │   ├── SmartphoneNeedsPin
    │   ├── CardChanged
    │   └── CardRefused             carries `sw`
    ├── PinError
    │   ├── PinMalformed
    │   ├── PinWrong                carries `tries`
    │   ├── PinLastTry
    │   └── PinBlocked
    └── CertificateRefused          carries what `config.trust.TrustError` said, and has its code
    """

    @property
    def data(self) -> dict[str, str | int]:
        """What the error's text may mention."""
        return {}


class SourceError(ReaderError):
    """There is nothing to speak to."""


class PcscServiceDown(SourceError):
    """The PC/SC service does not answer."""

    code = "pcsc_service_down"


class PcscForbidden(SourceError):
    """The PC/SC service speaks to others, and not to this user: a policy of the system's."""

    code = "pcsc_forbidden"


class NoReader(SourceError):
    """No reader is plugged in, or none of the wanted name."""

    code = "no_reader"


class NoCard(SourceError):
    """No card is in the field."""

    code = "no_card"


class TwoCards(SourceError):
    """Two My Number cards are on the readers: which one is meant, only people can say."""

    code = "two_cards"


class ReaderBusy(SourceError):
    """Another program holds the card."""

    code = "reader_busy"


class VpcdUnreachable(SourceError):
    """No virtual reader listens: the PC/SC service is not running, or has none."""

    code = "vpcd_unreachable"


class LinkError(ReaderError):
    """The conversation with the card broke off."""


class CardPulled(LinkError):
    """The card left the field before it was done."""

    code = "card_pulled"


class CardNotAnswering(LinkError):
    """The card or the reader gave no answer in time, or an impossible one."""

    code = "card_not_answering"


class AnswerBroken(LinkError):
    """An answer said that all was well and was not what was asked for: empty, too long, or never at its end."""

    code = "answer_broken"


class CardError(ReaderError):
    """The card answered, and not as hoped."""


class _StatusError(CardError):
    def __init__(self, sw: int) -> None:
        super().__init__(f"status word {sw:04X}")
        self.sw = sw

    @property
    def data(self) -> dict[str, str | int]:
        """The status word in hex."""
        return {"sw": f"{self.sw:04X}"}


class NotMyNumberCard(_StatusError):
    """The card has no JPKI application, or one without the user-authentication certificate."""

    code = "not_my_number_card"


class SmartphoneNeedsPin(CardError):
    """The token shows its certificate only after the PIN, as a smartphone does."""

    code = "smartphone_needs_pin"


class CardChanged(CardError):
    """This is not the card that was read before."""

    code = "card_changed"


class CardRefused(_StatusError):
    """The card refused a command that it should know."""

    code = "card_refused"


class PinError(ReaderError):
    """The PIN was not accepted, or not even sent."""


class PinMalformed(PinError):
    """A PIN of this key has four digits; nothing was sent."""

    code = "pin_malformed"


class PinWrong(PinError):
    """The PIN was wrong; carries the tries left, at least one."""

    code = "pin_wrong"

    def __init__(self, tries: int) -> None:
        super().__init__(f"{tries} tries left")
        self.tries = tries

    @property
    def data(self) -> dict[str, str | int]:
        """The tries left."""
        return {"tries": self.tries}


class PinLastTry(PinError):
    """One try is left, and nobody agreed to use it; nothing was sent."""

    code = "pin_last_try"


class PinBlocked(PinError):
    """No try is left: a municipal office has to unlock the PIN."""

    code = "pin_blocked"


class CertificateRefused(ReaderError):
    """The card's certificate is not accepted; `code` is that of the reason."""

    def __init__(self, reason: TrustError) -> None:
        super().__init__(str(reason))
        self.code = reason.code
        self.reason = reason

    @property
    def data(self) -> dict[str, str | int]:
        """The day on which the certificate ended or will begin, as the card's holder counts days."""
        match self.reason:
            case CertificateExpired(not_after=moment) | CertificateNotYetValid(not_before=moment):
                return {"day": japanese_day(moment)}
            case _:
                return {}


def japanese_day(moment: datetime) -> str:
    """Return the day that a moment falls on in Japan, ISO 8601."""
    try:
        return moment.astimezone(JST).date().isoformat()
    except OverflowError:  # a certificate "without an end" (RFC 5280, 4.1.2.5) ends in the last hours of 9999
        return moment.date().isoformat()


def refusal(ins: int, sw: int) -> ReaderError:
    """Return what a status word other than 9000 means as the answer to an instruction (ISO/IEC 7816-4, 5.1.3)."""
    match ins, sw:
        case _, SW.VERIFICATION_FAILED | SW.AUTHENTICATION_METHOD_BLOCKED | SW.REFERENCE_DATA_NOT_USABLE:
            return PinBlocked()
        case INS.VERIFY, _ if (tries := tries_in(sw)) is not None:
            return PinWrong(tries)
        case INS.SELECT, _:
            return NotMyNumberCard(sw)
        case INS.READ_BINARY, SW.SECURITY_STATUS_NOT_SATISFIED:
            return SmartphoneNeedsPin()
        case _:
            return CardRefused(sw)


def tries_in(sw: int) -> int | None:
    """Return the tries left that a status word 63Cx tells; None for another one."""
    return sw & 0xF if sw & 0xFFF0 == SW.VERIFICATION_FAILED else None
