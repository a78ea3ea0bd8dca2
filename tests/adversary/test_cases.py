"""Each thing that once came to a dishonest hand, and its siblings, tried over the whole way to the ledger."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import httpx
import pytest

from ledger.database import reading
from ledger.points.gauges import budgets
from ledger.points.reports import Claim, claims, count
from ledger.points.suspensions import suspended_among
from ledger.wire.rules import Ceiling, Ceilings
from tests.adversary.caps import sample
from tests.adversary.conftest import AWAY, FAR, SECOND, SHOP, Municipality
from tests.adversary.thief import MUNICIPALITY, STREET, Json, Thief, award, convert, give_back, raw, sale, void
from tests.ledger.api.world import Card

pytestmark = pytest.mark.anyio


def reasons(verdict: Json) -> set[str]:
    """Return why points of a finished sale were cut."""
    return {cut["reason"] for cut in verdict.get("cuts", [])}


async def serve(thief: Thief, card: Card, *contents: Json, pin: bool = False, day: str | None = None) -> list[Json]:
    """Journal contents with a card that is there, and bring them in one upload."""
    for content in contents:
        thief.write(thief.of(card, content, pin=pin, day=day), day)
    return await thief.upload()


# 1: points of another town --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shop", [AWAY, FAR])
async def test_a_terminal_elsewhere_gives_none_of_the_towns_points(
    municipality: Municipality, friend: Card, shop: str
) -> None:
    """Not for a birth, not for a bill, not for a visit to the street, and converts none."""
    away = await municipality.terminal(shop)
    municipality.deposit(friend, MUNICIPALITY, 500)
    contents = [
        award("birth", 10_000),
        award("birth", 10_000),
        award("visit", 50, STREET),
        sale(110_000, award={STREET: 1_000}),
        convert(100, 110),
    ]
    verdicts = await serve(away, friend, *contents)
    assert [each.get("code") for each in verdicts] == [
        "not_awarded_here",
        "not_awarded_here",
        "not_awarded_here",
        None,
        "not_usable_here",
    ]
    assert reasons(verdicts[3]) == {"not_usable_here"}
    assert municipality.held(friend) == {MUNICIPALITY: 500}


async def test_a_content_that_names_two_towns_gives_neither(
    thief: Thief, friend: Card, municipality: Municipality
) -> None:
    """Neither does one that states its own town for another's points, nor its own number for another's shop."""
    mixed = award("birth", 10_000) | {"municipality": "131164"}
    both = sale(110_000, award={STREET: 1_000}) | {"municipality": "131164"}
    verdicts = await serve(thief, friend, mixed, both)
    assert (verdicts[0]["code"], verdicts[1].get("awarded", 0)) == ("municipality_mismatch", 0)
    assert municipality.held(friend) == {}


# 2: made-up bills and awards ------------------------------------------------------------------------------------------


async def test_made_up_bills_end_at_the_ceiling(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """Hundreds of bills of ten million yen give one day's ceiling of one card; the office is told of it."""
    verdicts = await serve(thief, friend, *[sale(9_999_999, award={STREET: 90_909}) for _ in range(300)])
    assert {each["status"] for each in verdicts} == {"accepted"}
    assert municipality.held(friend) == {STREET: 20_000}
    assert municipality.noticed()["ceiling"] == 300


async def test_one_upload_of_awards_by_every_reason_ends_at_what_they_say(
    thief: Thief, friend: Card, municipality: Municipality
) -> None:
    """500 taps of the largest sums bring what one person may have of each reason on one day."""
    rules = next(each for each in sample() if each.code == MUNICIPALITY)
    asked = [(name, reason.points or reason.up_to or 0) for name, reason in rules.reasons.items()] * 70
    await serve(thief, friend, *[award(name, points) for name, points in asked])
    most = sum((each.points or each.up_to or 0) * each.times for each in rules.reasons.values())
    assert municipality.held(friend) == {MUNICIPALITY: min(most, rules.ceilings.card.issued)}


async def test_many_friends_end_at_the_terminals_ceiling(thief: Thief, municipality: Municipality) -> None:
    """However many cards play along; a second terminal brings the shop's, and no more."""
    sister, cards = await municipality.terminal(), [Card.issue(0x03000000 + number) for number in range(18)]
    for card in cards:
        await thief.register(card)
    for hand in (thief, sister):
        for card in cards:
            hand.write(hand.of(card, sale(9_999_999, award={STREET: 90_000})))
        await hand.upload()
        gained = sum(municipality.held(card).get(STREET, 0) for card in cards)
        assert gained == (100_000 if hand is thief else 200_000)
    third, fourth = await municipality.terminal(), await municipality.terminal()
    for hand in (third, fourth):
        for card in cards:
            hand.write(hand.of(card, sale(9_999_999, award={STREET: 90_000})))
        await hand.upload()
    assert sum(municipality.held(card).get(STREET, 0) for card in cards) == 300_000


@pytest.mark.parametrize("days", [[0, -1, -2, -3, -4, -5, -6, -7], [1, 2, 60, 3_000], [-30, -400, 0]])
async def test_other_dates_make_no_room_on_a_card(
    thief: Thief, friend: Card, municipality: Municipality, days: list[int]
) -> None:
    """A card's ceiling is of the ledger's day, whatever days the bills state."""
    for off in days:
        thief.write(thief.of(friend, sale(9_999_999, award={STREET: 90_000})), thief.today(off))
    await thief.upload()
    assert municipality.held(friend) == {STREET: 20_000}
    assert set(municipality.noticed()) & {"late", "backdated"}


async def test_other_dates_make_no_room_to_redeem(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """Neither does the PIN: what one card pays with on a day of the ledger's clock has an end."""
    municipality.deposit(friend, STREET, 500_000)
    for off in range(0, -8, -1):
        day = thief.today(off)
        thief.write(thief.of(friend, sale(40_000, {STREET: 40_000}), pin=True, day=day), day)
    assert sum(each.get("redeemed", 0) for each in await thief.upload()) == 50_000


async def test_an_old_version_of_the_rules_keeps_no_old_ceiling(
    thief: Thief, friend: Card, municipality: Municipality
) -> None:
    """What the office lowers is low at once, though terminals may price with the version before for a month."""
    low = Ceiling(issued=100, redeemed=100)
    street = next(each for each in sample() if each.code == STREET)
    lowered = {"version": 2, "effective_from": date(2026, 11, 23), "ceilings": Ceilings(card=low)}
    await serve(thief, friend, sale(110, award={STREET: 1}))
    municipality.ledger.registry.add_programmes([street.model_copy(update=lowered)])
    municipality.clock.now += timedelta(minutes=1)
    await serve(thief, friend, *[sale(110_000, award={STREET: 1_000})] * 3)
    assert municipality.held(friend) == {STREET: 100}


async def test_spending_and_voiding_makes_no_room(thief: Thief, municipality: Municipality) -> None:
    """Points that were given, spent and then taken back leave a debt, and no room for the next card."""
    cards = [Card.issue(0x04000000 + number) for number in range(12)]
    for card in cards:
        await thief.register(card)
        given = thief.next_id
        earned = sale(9_999_999, award={STREET: 90_000})
        (verdict,) = await serve(thief, card, earned)
        if points := verdict.get("awarded", 0):
            await serve(thief, card, sale(points, {STREET: points}), pin=True)
            await thief.do(void(given))
    claimed = sum(each.points for each in _claims(municipality) if each.programme == STREET)
    assert claimed <= 100_000


def _claims(municipality: Municipality, shop: str = SHOP) -> list[Claim]:
    return list(claims(municipality.ledger.books, shop, date(2026, 1, 1), date(2027, 12, 31)))


async def test_a_conversion_that_was_spent_cannot_be_voided(
    thief: Thief, friend: Card, municipality: Municipality
) -> None:
    """Else the points come back while what was made of them is spent, and a debt stays that no card signed for."""
    municipality.deposit(friend, MUNICIPALITY, 1_000)
    converted = thief.next_id
    await serve(thief, friend, convert(1_000, 1_100), pin=True)
    await serve(thief, friend, sale(1_100, {STREET: 1_100}), pin=True)
    (verdict,) = await thief.do(void(converted))
    assert verdict["code"] == "award_already_spent"
    assert municipality.held(friend) == {}


async def test_conversions_have_the_ceilings_and_the_memory_of_the_tap(
    thief: Thief, friend: Card, municipality: Municipality
) -> None:
    """By tap alone five times the tap's ceiling, then the PIN; with it, the card's ceiling of a day."""
    municipality.deposit(friend, MUNICIPALITY, 100_000)
    taps = await serve(thief, friend, *[convert(1_000, 1_100)] * 7)
    assert [each.get("code") for each in taps] == [None] * 5 + ["pin_needed"] * 2
    more = await serve(thief, friend, convert(10_000, 11_000), convert(10_000, 11_000), pin=True)
    assert [each.get("code") for each in more] == [None, "ceiling_reached"]


async def test_a_budget_is_counted_and_ends(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """And the office reads what is left of it."""
    street = next(each for each in sample() if each.code == STREET)
    small = street.model_copy(update={"version": 2, "effective_from": date(2026, 11, 23), "budget": 1_500})
    municipality.ledger.registry.add_programmes([small])
    municipality.clock.now += timedelta(minutes=1)
    verdicts = await serve(thief, friend, *[sale(110_000, award={STREET: 1_000})] * 2)
    assert reasons(verdicts[1]) == {"budget_spent"}
    (found,) = budgets(municipality.ledger.books, MUNICIPALITY, [small])
    assert (found.issued, found.left) == (1_500, 0)


# 3: guesses, copied disks and replay ----------------------------------------------------------------------------------


async def test_guessed_serials_bring_nothing(thief: Thief, victim: Card, municipality: Municipality) -> None:
    """500 guesses in one upload: the one that hits looks like the others, and the office is told."""
    for number in range(500):
        card = victim if number == 250 else Card(victim.key, victim.certificate)
        serial = victim.reference.serial if number == 250 else f"{0x0500_0000 + number:x}"
        token = {"kind": "jpki", "issuer_sha256": card.reference.issuer_sha256, "serial": serial}
        content = sale(1_000, {MUNICIPALITY: 1_000}) | {"assurance": {"method": "tap"}}
        sealed = thief.present(card, "operation", thief.next_id, "", key_bytes=bytes(32), token=token)
        thief.write(content | {"resident": sealed})
    verdicts = await thief.upload()
    assert {(each.get("redeemed", 0), *reasons(each)) for each in verdicts} == {(0, "card_unregistered")}
    assert municipality.held(victim, SECOND) == {MUNICIPALITY: 3_000}
    assert (municipality.noticed()["unknown_card"], municipality.noticed()["wrong_proof"]) == (500, 1)


async def test_a_guess_learns_nothing_of_a_card(thief: Thief, victim: Card) -> None:
    """An inquiry without the key bytes looks like one about nobody."""
    hit = (await thief.inquire(victim, key_bytes=bytes(32)))["body"]
    miss = (await thief.inquire(Card.issue(0x0BADCAFE)))["body"]
    for each in (hit, miss):
        del each["nonce"], each["nonce_expires_at"]
    assert hit == miss


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=1), timedelta(days=290)])
async def test_a_copied_journal_spends_nothing(
    thief: Thief, victim: Card, municipality: Municipality, later: timedelta
) -> None:
    """What another terminal sealed opens neither here, nor under another id, nor as an inquiry, now or later."""
    honest = await municipality.terminal(SECOND)
    await serve(honest, victim, sale(1_000, {MUNICIPALITY: 100}), pin=True)
    stolen = honest.entries[-1]["entry"]["content"]
    municipality.clock.now += later
    verdicts = await thief.do(
        stolen, stolen | {"bill": 1_000, "redeem": [{"programme": MUNICIPALITY, "points": 1_000}], "amount_due": 0}
    )
    assert [reasons(each) for each in verdicts] == [{"resident_unreadable"}] * 2
    again = await honest.do(stolen)  # even whoever has that terminal's key too
    assert reasons(again[-1]) == {"resident_unreadable"}
    answer = await honest.ask("POST", "/v1/inquiries", {"id": "0" * 32, "resident": stolen["resident"]})
    assert answer.json()["code"] == "seal_wrong"
    assert municipality.held(victim, SECOND) == {MUNICIPALITY: 2_900}


async def test_a_journal_has_no_signature_of_a_card(municipality: Municipality, victim: Card) -> None:
    """From two RSA signatures in plain anybody computes the card's key; none stands there."""
    honest = await municipality.terminal(SECOND)
    await serve(honest, victim, sale(1_000, {MUNICIPALITY: 100}), pin=True)
    content = honest.entries[-1]["entry"]["content"]
    assert content["assurance"] == {"method": "pin"}
    assert set(content) == {"kind", "municipality", "bill", "redeem", "amount_due", "rules", "assurance", "resident"}


# 4: linked numbers ----------------------------------------------------------------------------------------------------


async def test_numbers_are_linked_and_seen_at_the_services_shops_alone(
    thief: Thief, municipality: Municipality
) -> None:
    """Not at another shop of the town, and not at another town's, whatever municipality it states."""
    number = {"service": "library", "number": "0042"}
    away = await municipality.terminal(AWAY)
    for hand, claimed in (
        (thief, number),
        (away, {**number, "municipality": MUNICIPALITY}),
        (thief, {**number, "municipality": "131164"}),
    ):
        verdict = await hand.register(Card.issue(0x06000000), claimed)
        assert (verdict["status"], verdict["code"]) == ("refused", "service_elsewhere")
    desk, card = await municipality.terminal(SECOND), Card.issue(0x06000001)
    assert (await desk.register(card, number))["status"] == "accepted"
    assert (await desk.inquire(card))["body"]["services"] == [number]
    assert (await thief.inquire(card))["body"]["services"] == []
    other = await desk.register(Card.issue(0x06000002), number)
    assert (other["status"], other["code"]) == ("refused", "service_taken")


# 5: the end of a certificate ------------------------------------------------------------------------------------------


async def test_a_card_whose_certificate_ended_pays_nothing(
    thief: Thief, friend: Card, municipality: Municipality
) -> None:
    """Neither by tap nor with its own signature."""
    municipality.deposit(friend, STREET, 500)
    municipality.clock.now += timedelta(days=301)
    verdicts = await serve(thief, friend, sale(500, {STREET: 500}), pin=True)
    assert reasons(verdicts[0]) == {"card_expired"}
    assert (await thief.register(friend))["status"] == "refused"


# 6: one nonce, one operation ------------------------------------------------------------------------------------------


async def test_one_nonce_makes_one_sale(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """Four sales of 5,000 under one nonce, dated and uploaded 60 days later: one, and it is marked as late."""
    municipality.deposit(friend, STREET, 20_000)
    nonce = (await thief.inquire(friend))["body"]["nonce"]
    for _ in range(4):
        thief.write(thief.of(friend, sale(5_000, {STREET: 5_000}), nonce=nonce, pin=True))
    municipality.clock.now += timedelta(days=60)
    verdicts = await thief.upload()
    assert [each.get("redeemed", 0) for each in verdicts] == [5_000, 0, 0, 0]
    assert verdicts[0]["late"]
    assert {reason for each in verdicts[1:] for reason in reasons(each)} == {"nonce_spent"}


async def test_one_nonce_does_not_serve_two_terminals(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """A nonce that another terminal was given is nobody's here."""
    municipality.deposit(friend, STREET, 5_000)
    sister = await municipality.terminal()
    nonce = (await thief.inquire(friend))["body"]["nonce"]
    verdicts = await serve(sister, friend, sale(900, {STREET: 900}))
    assert verdicts[0]["redeemed"] == 900
    sister.write(sister.of(friend, sale(900, {STREET: 900}), nonce=nonce))
    (verdict,) = await sister.upload()
    assert verdict["late"]


@pytest.mark.parametrize("altered", ["business_date", "bill", "at"])
async def test_a_signature_covers_day_time_and_amounts(
    thief: Thief, friend: Card, municipality: Municipality, altered: str
) -> None:
    """What is changed after the card signed is not consented to."""
    municipality.deposit(friend, STREET, 20_000)
    content = thief.of(friend, sale(5_000, {STREET: 5_000}), pin=True)
    if altered == "bill":
        content |= {"bill": 6_000, "amount_due": 1_000}
    if altered == "at":
        municipality.clock.now += timedelta(seconds=1)
    (verdict,) = await thief.do(content, day=thief.today(-1) if altered == "business_date" else None)
    assert reasons(verdict) == {"consent_wrong"}
    assert municipality.noticed()["signature_refused"] == 1


# 7 and 8: texts, numbers and kinds that nothing should swallow --------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "future", "rules": []},
        {"kind": "future", "rules": {"252034": "x"}, "text": "a\u0000b"},
        {"kind": "sale"},
        {"kind": "sale\u0000"},
        {"kind": "award", "municipality": "252034", "reason": "\u001b[2J"},
        {"kind": "void", "municipality": "999999", "target": "252034-0001-01-000001"},
        {"kind": "close", "municipality": "252034", "number": 10**30, "first_seq": 1, "last_seq": 1, "day": {}},
        {"kind": ["sale"]},
        {},
    ],
)
async def test_what_cannot_be_decided_is_a_final_refusal(
    thief: Thief, friend: Card, municipality: Municipality, content: Json
) -> None:
    """Or a malformed request: never the ledger's inside, which would be asked again for ever."""
    entry = thief.write(content)
    answer = await thief.ask("POST", "/v1/uploads", {"entries": [entry]})
    if answer.status_code == 200:
        assert {each["status"] for each in answer.json()["signed"]["statement"]["verdicts"]} <= {"refused"}
    else:
        assert answer.status_code == 422
        assert not answer.json().get("retryable")


@pytest.mark.parametrize("bill", [10**7, 10**18, 2**63, 2**64, -1, 0, 1.5, "1000", True])
async def test_bills_that_are_none(thief: Thief, friend: Card, municipality: Municipality, bill: object) -> None:
    """Too large, negative, or no whole number: nothing moves, and nothing breaks."""
    content = sale(1_000, award={STREET: 9}) | {"bill": bill, "amount_due": bill}
    entry = thief.write(thief.of(friend, content))
    answer = await thief.ask("POST", "/v1/uploads", {"entries": [entry]})
    assert answer.status_code in {200, 422}
    assert municipality.held(friend) == {}


# 9: without a key -----------------------------------------------------------------------------------------------------


async def test_made_up_methods_and_paths_fill_no_memory(municipality: Municipality) -> None:
    """The metrics have a row for what there is, and one for everything else."""
    for number in range(50):
        await municipality.http.request(f"FOO{number}", f"/v1/bar{number}")
    await municipality.http.get("/metrics")
    small = len((await municipality.http.get("/metrics")).content)
    for number in range(50, 400):
        await municipality.http.request(f"FOO{number}", f"/v1/bar{number}")
    assert len((await municipality.http.get("/metrics")).content) < small + 200


async def test_guessing_enrolment_codes_is_slowed_whatever_it_says_of_itself(
    municipality: Municipality, thief: Thief
) -> None:
    """A forwarded address that anybody can write resets nothing."""
    statuses = []
    for number in range(60):
        asked = {"code": f"{number:012d}", "public_key": raw(thief.key), "nonce": "n" * 16}
        answer = await municipality.http.post(
            "/v1/enrolments", json=asked, headers={"X-Forwarded-For": f"10.0.0.{number}"}
        )
        statuses.append(answer.status_code)
    assert statuses[-1] == 429


async def test_a_key_of_small_order_is_no_key(municipality: Municipality) -> None:
    """Under one, a single signature would fit every message."""
    code = municipality.ledger.new_enrolment_code(SHOP).replace("-", "")[:12]
    for weak in (bytes(32), bytes([1]) + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xec" + b"\xff" * 31):
        asked = {"code": code, "public_key": b64encode(weak).decode(), "nonce": "n" * 16}
        assert (await municipality.http.post("/v1/enrolments", json=asked)).json()["code"] == "key_weak"


async def test_a_withdrawn_terminal_does_nothing(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """From the moment on that the office says so, what it journalled before too."""
    thief.write(thief.of(friend, sale(110_000, award={STREET: 1_000})))
    municipality.ledger.registry.withdraw(thief.id)
    answer = await thief.ask("POST", "/v1/uploads", {"entries": thief.entries[thief.sent :]})
    assert answer.status_code in {401, 403}
    assert municipality.held(friend) == {}


async def test_a_key_signs_for_its_own_terminal(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """Not for a sister whose number it states, in the signature or in the entries."""
    sister = await municipality.terminal()
    forged = Thief(thief.http, thief.clock, thief.key, sister.setup)
    answer = await forged.ask("POST", "/v1/uploads", {"entries": [forged.write({"kind": "opened"})]})
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_wrong")
    answer = await thief.ask("POST", "/v1/uploads", {"entries": [forged.entries[-1]]})
    assert answer.json()["code"] == "terminal_mismatch"
    answer = await thief.ask("GET", f"/v1/operations/{sister.id}-000001")
    assert answer.json()["code"] == "operation_unknown"


async def test_a_request_that_was_overheard_is_nothing_a_second_time(thief: Thief) -> None:
    """The same bytes again are a replay."""
    sent: list[httpx.Request] = []
    thief.http.event_hooks["request"] = [_keep(sent)]
    await thief.ask("GET", "/v1/terminal")
    answer = await thief.http.send(sent[0])
    assert answer.json()["code"] == "request_replayed"


def _keep(sent: list[httpx.Request]) -> Callable[[httpx.Request], Awaitable[None]]:
    async def keep(request: httpx.Request) -> None:
        sent.append(request)

    return keep


# 12 and 13: registration ----------------------------------------------------------------------------------------------


async def test_registering_again_is_the_same_person(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """Not a second one, who would have a day's ceiling of their own."""
    await serve(thief, friend, sale(9_999_999, award={STREET: 90_000}))
    first = municipality.mykey(friend)
    await thief.register(friend)
    await serve(thief, friend, sale(9_999_999, award={STREET: 90_000}))
    assert municipality.mykey(friend) == first
    assert municipality.held(friend) == {STREET: 20_000}


async def test_leaving_and_coming_back_gains_nothing(thief: Thief, municipality: Municipality) -> None:
    """Who comes back with the same card has their ceilings, their once-in-a-life reasons and the tap's memory."""
    card = Card.issue(0x07000000)
    tapped = 0
    for round_ in range(14):
        await thief.register(card)
        (earned,) = await serve(thief, card, sale(9_999_999, award={STREET: 90_000}))
        (born,) = await serve(thief, card, award("birth", 10_000))
        assert (earned.get("awarded", 0), born["status"]) == ((20_000, "accepted") if round_ == 0 else (0, "refused"))
        municipality.deposit(card, MUNICIPALITY, 1_000)
        (by_tap,) = await serve(thief, card, sale(1_000, {MUNICIPALITY: 1_000}))
        tapped += by_tap.get("redeemed", 0)
        await serve(thief, card, {"kind": "unlink", "municipality": MUNICIPALITY}, pin=True)
    rules = next(each.redeeming for each in sample() if each.code == MUNICIPALITY)
    assert rules is not None
    assert tapped == rules.most_by_tap


async def test_a_debt_waits_for_who_left(thief: Thief, municipality: Municipality) -> None:
    """What was given, spent and taken back is owed on return, and a town's suspension holds on."""
    card = Card.issue(0x07000001)
    await thief.register(card)
    mykey, given = municipality.mykey(card), thief.next_id
    await serve(thief, card, sale(110_000, award={STREET: 1_000}), sale(1_000, {STREET: 1_000}), pin=True)
    await thief.do(void(given))
    assert municipality.held(card) == {STREET: -1_000}
    municipality.ledger.points.suspend(mykey, "131164", suspended=True)
    await serve(thief, card, {"kind": "unlink", "municipality": MUNICIPALITY}, pin=True)
    owed = {each.programme: each.overdraft for each in count(municipality.ledger.books, MUNICIPALITY)}
    assert owed[STREET] == 0
    await thief.register(card)
    assert (municipality.mykey(card), municipality.held(card)) == (mykey, {STREET: -1_000})
    assert all(each.agree for each in count(municipality.ledger.books, MUNICIPALITY))
    await thief.register(card)
    assert municipality.held(card) == {STREET: -1_000}
    with reading(municipality.ledger.books) as connection:
        assert suspended_among(connection, ["131164"], [mykey]) == {("131164", mykey)}


# Undoing --------------------------------------------------------------------------------------------------------------


async def test_nobody_undoes_what_is_not_theirs(thief: Thief, victim: Card, municipality: Municipality) -> None:
    """Neither another shop's sale, nor a sister's without its owner, nor an id that is yet to come."""
    honest, sister = await municipality.terminal(SECOND), await municipality.terminal()
    await serve(honest, victim, sale(1_000, {MUNICIPALITY: 900}))
    await serve(sister, victim, sale(1_000, {MUNICIPALITY: 100}))
    theirs, sisters = f"{honest.id}-000001", f"{sister.id}-000001"
    verdicts = await thief.do(
        void(theirs), give_back(theirs, 1_000), void(sisters), void(f"{honest.id}-000002"), give_back(sisters, 10)
    )
    assert {each["status"] for each in verdicts} == {"refused"}
    assert municipality.held(victim, SECOND) == {MUNICIPALITY: 2_000}


async def test_a_sisters_sale_is_undone_in_the_owners_name(
    thief: Thief, victim: Card, municipality: Municipality
) -> None:
    """Once, with the points back where they came from, and the office sees that it was; another shop's never."""
    honest, sister = await municipality.terminal(SECOND), await municipality.terminal()
    await serve(honest, victim, sale(1_000, {MUNICIPALITY: 500}))
    await serve(sister, victim, sale(1_000, {MUNICIPALITY: 300}), sale(500, {MUNICIPALITY: 200}))
    first, second = (f"{sister.id}-{seq:06d}" for seq in (1, 2))
    verdicts = await thief.do(
        void(first, by_owner=True),
        void(first, by_owner=True),
        void(f"{honest.id}-000001", by_owner=True),
        give_back(f"{honest.id}-000001", 10, by_owner=True),
        give_back(second, 100, by_owner=True),
    )
    assert [each.get("code") for each in verdicts] == [None, "already_voided", "target_unknown", "target_unknown", None]
    assert (verdicts[0]["redeemed"], verdicts[4]["redeemed"]) == (-300, -40)
    assert municipality.held(victim, SECOND) == {MUNICIPALITY: 2_340}
    assert municipality.noticed() == {"owner_undid": 2}


@pytest.mark.parametrize("said", [False, None, 1, "true"])
async def test_the_owners_word_is_true_or_not_there(thief: Thief, said: object) -> None:
    """Anything else is content that nobody can read."""
    (verdict,) = await thief.do(void(f"{thief.id[:-2]}09-000001") | {"by_owner": said})
    assert verdict["code"] in {"unreadable", "owner_needed"}


async def test_a_sisters_operation_is_told_without_its_resident(
    thief: Thief, victim: Card, municipality: Municipality
) -> None:
    """What it came to, so that the owner can undo it; nothing of who it was; and not to another shop."""
    municipality.deposit(victim, STREET, 500)
    sister, other = await municipality.terminal(), await municipality.terminal(SECOND)
    await serve(
        sister, victim, sale(1_000, {STREET: 300}, {STREET: 6}), award("visit", 50), convert(100, 110), pin=True
    )
    found = [(await thief.ask("GET", f"/v1/operations/{sister.id}-{seq:06d}")).json()["body"] for seq in (1, 2, 3)]
    sold, awarded, converted = (each["content"] for each in found)
    assert (sold["bill"], sold["redeem"], sold["amount_due"]) == (1_000, [{"programme": STREET, "points": 300}], 700)
    assert (awarded["reason"], awarded["award"]) == ("visit", [{"programme": MUNICIPALITY, "points": 50}])
    assert (converted["take"]["points"], converted["give"]["points"]) == (100, 110)
    assert {each["content"]["resident"] for each in found} == {""}
    assert municipality.mykey(victim) not in str(found)
    answer = await other.ask("GET", f"/v1/operations/{sister.id}-000001")
    assert answer.json()["code"] == "operation_unknown"


async def test_honest_work_shows_the_office_nothing(thief: Thief, friend: Card, municipality: Municipality) -> None:
    """A sale, an award, a void and a visit within the rules are no events."""
    municipality.deposit(friend, STREET, 500)
    await serve(thief, friend, sale(1_100, {STREET: 110}, {STREET: 9}), award("visit", 50))
    await thief.do(void(f"{thief.id}-000002"))
    assert municipality.noticed() == {}


async def test_a_registration_that_is_resent_brings_the_number_again(thief: Thief, municipality: Municipality) -> None:
    """Its answer was lost, and whoever stands there is to have it; a day later nobody learns it from a journal."""
    card = Card.issue(0x07000002)
    await thief.register(card)
    entry = [thief.entries[-1]]
    answers = [(await thief.ask("POST", "/v1/uploads", {"entries": entry})).json()["body"] for _ in range(2)]
    number = municipality.ledger.identity.contact_number(municipality.mykey(card))
    assert {each["after"][0]["contact_number"].replace("-", "") for each in answers} == {number}
    municipality.clock.now += timedelta(days=1, seconds=1)
    late = (await thief.ask("POST", "/v1/uploads", {"entries": entry})).json()
    assert late["body"]["after"][0].get("contact_number") is None
    assert late["signed"]["statement"]["verdicts"][0]["status"] == "accepted"
