"""`kazasu op`: one operation without the screen, for a POS, for screen readers and for tests."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Annotated, Literal

import typer

from config.errors import CommandFailed
from ledger.wire.tokens import ServiceId
from ledger.wire.values import OPERATION_ID, PROGRAMME, REASON_CODE
from terminal.cli.call import REFERENCE, Call, ending_of
from terminal.cli.context import AsJson, given
from terminal.cli.walk import Stopped
from terminal.counter import Counter
from terminal.counter.effects import ListUndoable
from terminal.counter.facts import (
    AwardIntent,
    BalanceIntent,
    ConvertIntent,
    Fault,
    LinkIntent,
    ReleaseIntent,
    ReserveIntent,
    SaleIntent,
    UnlinkIntent,
    Use,
)
from terminal.counter.moves import Step, begin, begin_to_wait
from terminal.counter.states import PickingUndo
from terminal.shop import books

app = typer.Typer(
    name="op",
    help="One operation without the screen; exit 0 accepted, 10 queued, 11 refused, 12 unknown, 2 usage.",
    epilog="Example: kazasu op sale --bill 1200 --redeem all --card two-towns --json",
    no_args_is_help=True,
)

SERVICE_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
SERVICE = re.compile(r"[a-z][a-z0-9-]{0,31}:[0-9A-Za-z-]{1,32}")

Card = Annotated[str | None, typer.Option(help="Tap this practice card, where there is no reader.")]
Timeout = Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds to wait for a tap.")]
PinFd = Annotated[int | None, typer.Option(min=0, help="Read the PIN from this open file descriptor.")]
ClerkOption = Annotated[
    str | None, typer.Option("--clerk", help="Who is at the counter; you have made sure of them. Stands in the entry.")
]
ReferenceOption = Annotated[
    str | None, typer.Option(help="Your own name for the operation, such as a receipt's number: once and never twice.")
]


OwnerCode = Annotated[
    str | None,
    typer.Option(
        "--owner-code",
        envvar="KAZASU_OWNER_CODE",
        show_envvar=True,
        help="The owner's code: for a return, what another clerk or terminal did, a large award.",
    ),
]


@app.command(epilog="Example: kazasu op sale --bill 1200 --redeem 300 --pin-fd 3 --json 3< pin")
def sale(
    context: typer.Context,
    bill: Annotated[str, typer.Option(help="The bill in yen, 1 to 9,999,999.")],
    redeem: Annotated[str, typer.Option(help="Points to use: all, none, or how many.")] = "none",
    programme: Annotated[str | None, typer.Option(help="Use the points of this programme's town.")] = None,
    card: Card = None,
    timeout: Timeout = 60.0,
    pin_fd: PinFd = None,
    reference: ReferenceOption = None,
    clerk: ClerkOption = None,
    as_json: AsJson = False,
) -> None:
    """Settle a bill, in points as far as wished, and award what it earns."""
    call = Call(given(context), "sale", card, timeout, pin_fd, as_json, reference, clerk=clerk)
    municipality = call.matching(PROGRAMME, programme, "--programme")
    yen = call.amount(bill)
    intent = SaleIntent(yen, _wished(call, redeem), municipality and municipality[:6])
    call.run(lambda counter: begin_to_wait(counter, intent), bill=yen)


@app.command(epilog="Example: kazasu op award --points 50 --reason volunteering --json")
def award(
    context: typer.Context,
    points: Annotated[str, typer.Option(help="How many points.")],
    reason: Annotated[str, typer.Option(help="A code of the municipality's list.")] = "visit",
    programme: Annotated[str | None, typer.Option(help="Which programme; the shop's own town by default.")] = None,
    card: Card = None,
    timeout: Timeout = 60.0,
    owner_code: OwnerCode = None,
    reference: ReferenceOption = None,
    clerk: ClerkOption = None,
    as_json: AsJson = False,
) -> None:
    """Award points without a bill."""
    call = Call(given(context), "award", card, timeout, None, as_json, reference, clerk=clerk).with_owner(owner_code)
    amount = call.amount(points)
    call.matching(REASON_CODE, reason, "--reason")
    wanted = call.matching(PROGRAMME, programme, "--programme")

    def start(counter: Counter) -> Step:
        code = wanted or counter.terms.municipality
        if code not in counter.terms.programmes:
            raise Stopped(Fault("no_programme"))
        return begin_to_wait(counter, AwardIntent(code, amount, reason))

    call.run(start)


@app.command(epilog="Example: kazasu op void --target 252034-0001-01-000042 --json")
def void(
    context: typer.Context,
    target: Annotated[str, typer.Option(help="The operation id to undo, before the close.")],
    owner_code: OwnerCode = None,
    reference: ReferenceOption = None,
    clerk: ClerkOption = None,
    as_json: AsJson = False,
) -> None:
    """Undo an operation of this terminal; of another one of the shop with the owner's code."""
    call = Call(given(context), "void", None, 60.0, None, as_json, reference, clerk=clerk)
    call.matching(OPERATION_ID, target, "--target")
    call = call.with_owner(owner_code)

    def start(counter: Counter) -> Step:
        begun = begin(counter, PickingUndo(to_void=True))
        return begun, (ListUndoable(begun.task, target),)

    call.run(start)


@app.command("return", epilog="Example: kazasu op return --target 252034-0001-01-000042 --bill 300 --json")
def take_back(
    context: typer.Context,
    target: Annotated[str, typer.Option(help="The operation id of the sale.")],
    bill: Annotated[str | None, typer.Option(help="The yen of its bill that come back; all that is left.")] = None,
    owner_code: OwnerCode = None,
    clerk: ClerkOption = None,
    as_json: AsJson = False,
) -> None:
    """Take goods of a sale back, in whole or in part; amount_due is negative: what the customer gets."""
    call = Call(given(context), "return", None, 60.0, None, as_json, clerk=clerk)
    call.matching(OPERATION_ID, target, "--target")
    yen = None if bill is None else call.amount(bill)
    call = replace(call, bill=yen).with_owner(owner_code)

    def start(counter: Counter) -> Step:
        begun = begin(counter, PickingUndo())
        return begun, (ListUndoable(begun.task, target),)

    call.run(start, bill=yen)


@app.command(epilog="Example: kazasu op convert --points 100 --to 252034-KUROKABE --json")
def convert(
    context: typer.Context,
    points: Annotated[str, typer.Option(help="How many points to give.")],
    to: Annotated[str | None, typer.Option(help="The programme that they become points of.")] = None,
    source: Annotated[str | None, typer.Option("--from", help="The programme that they are of.")] = None,
    card: Card = None,
    timeout: Timeout = 60.0,
    pin_fd: PinFd = None,
    clerk: ClerkOption = None,
    as_json: AsJson = False,
) -> None:
    """Exchange points of one programme for another's, at today's rate."""
    call = Call(given(context), "convert", card, timeout, pin_fd, as_json, clerk=clerk)
    amount = call.amount(points)
    named = (call.matching(PROGRAMME, source, "--from"), call.matching(PROGRAMME, to, "--to"))

    def start(counter: Counter) -> Step:
        fitting = [
            each
            for each in counter.terms.exchanges
            if named[0] in (None, each.source) and named[1] in (None, each.rate.to)
        ]
        if len(fitting) != 1:
            raise Stopped(Fault("exchange_not_named" if fitting else "no_exchange"))
        if fitting[0].given(amount) is None:
            raise Stopped(Fault("rate_multiple", (("take", fitting[0].rate.take),)))
        return begin_to_wait(counter, ConvertIntent(fitting[0], amount))

    call.run(start)


@app.command(epilog="Example: kazasu op unlink --service library --card two-towns --pin-fd 3 --json 3< pin")
def unlink(
    context: typer.Context,
    service: Annotated[str | None, typer.Option(help="The linked number to give up; without it, leave.")] = None,
    card: Card = None,
    timeout: Timeout = 60.0,
    pin_fd: PinFd = None,
    clerk: ClerkOption = None,
    as_json: AsJson = False,
) -> None:
    """Give a linked number up, or leave altogether: then all points lapse. The card signs it."""
    call = Call(given(context), "unlink", card, timeout, pin_fd, as_json, clerk=clerk)
    call.matching(SERVICE_NAME, service, "--service")
    call.run(lambda counter: begin_to_wait(counter, UnlinkIntent(service)))


@app.command(epilog="Example: kazasu op reserve --points 500 --card two-towns --pin-fd 3 --json 3< pin")
def reserve(
    context: typer.Context,
    points: Annotated[str, typer.Option(help="How many points to set aside for this terminal.")],
    card: Card = None,
    timeout: Timeout = 60.0,
    pin_fd: PinFd = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Set points aside for this terminal, to be used there without a line too; the card signs it."""
    call = Call(given(context), "reserve", card, timeout, pin_fd, as_json, reference)
    amount = call.amount(points)
    call.run(lambda counter: begin_to_wait(counter, ReserveIntent(amount)))


@app.command(epilog="Example: kazasu op release --card two-towns --json")
def release(
    context: typer.Context,
    card: Card = None,
    timeout: Timeout = 60.0,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Give back all that is left of the points that a resident set aside for this terminal."""
    call = Call(given(context), "release", card, timeout, None, as_json, reference)
    call.run(lambda counter: begin_to_wait(counter, ReleaseIntent()))


@app.command(epilog="Example: kazasu op balance --card visitor --json")
def balance(context: typer.Context, card: Card = None, timeout: Timeout = 60.0, as_json: AsJson = False) -> None:
    """Show what a resident holds."""
    Call(given(context), "balance", card, timeout, None, as_json).run(
        lambda counter: begin_to_wait(counter, BalanceIntent())
    )


@app.command(epilog="Example: kazasu op link --card unregistered --pin-fd 3 --json 3< pin")
def link(
    context: typer.Context,
    service: Annotated[list[str] | None, typer.Option(help="A number to link to the card: library:0042.")] = None,
    renewal: Annotated[str | None, typer.Option(help="The office's code, for a renewed card.")] = None,
    card: Card = None,
    timeout: Timeout = 60.0,
    pin_fd: PinFd = None,
    reference: ReferenceOption = None,
    clerk: ClerkOption = None,
    as_json: AsJson = False,
) -> None:
    """Register a resident who agreed to it, or link numbers: the whole certificate is read, the card signs."""
    call = Call(given(context), "link", card, timeout, pin_fd, as_json, reference, clerk=clerk)
    words = [*(service or ()), *([] if renewal is None else [f"renewal:{renewal}"])]
    services = tuple(_service(call, word) for word in words)
    call.run(lambda counter: begin_to_wait(counter, LinkIntent(services)))


@app.command(epilog="Example: kazasu op status --reference till-1/0042 --json")
def status(
    context: typer.Context,
    operation: Annotated[str | None, typer.Option("--id", help="The operation id.")] = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of an operation that was recorded; the ledger is asked where its verdict is not known yet."""
    call = Call(given(context), "status", None, 60.0, None, as_json)
    call.matching(OPERATION_ID, operation, "--id")
    call.matching(REFERENCE, reference, "--reference")
    if (operation is None) == (reference is None):
        call.misused(Fault("id_or_reference"))
    record = books.recorded(call.globals.home, operation=operation, reference=reference)
    if record is None:
        raise CommandFailed("never_recorded")
    call.finish(ending_of(asyncio.run(books.decided(call.globals.home, call.globals.ledger, record))))


def _service(call: Call, word: str) -> ServiceId:
    call.matching(SERVICE, word, "--service")
    name, _, number = word.partition(":")
    return ServiceId(service=name, number=number)


def _wished(call: Call, redeem: str) -> Literal[Use.ALL, Use.NONE] | int:
    match redeem:
        case "all":
            return Use.ALL
        case "none":
            return Use.NONE
        case _:  # any other word must be a number
            return call.amount(redeem)
