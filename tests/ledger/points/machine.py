"""A machine that does to the points store, by several clients, whatever comes to mind, and to the model the same."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import chain, permutations, product
from threading import Barrier

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pydantic import BaseModel

from ledger.points.operations import Account, Request
from ledger.points.store import OperationIdConflict
from ledger.points.upkeep import tidy
from ledger.wire.answers import Verdict
from ledger.wire.operations import Award, Return, Sale, Void
from ledger.wire.rules import COUNTS_FOR_DAYS
from tests.ledger.points import wishes
from tests.ledger.points.clients import CLIENTS, SHOPS, Ledger, programmes
from tests.ledger.points.model import BY_USE, Answer, Model
from tests.ledger.points.scenes import CITY, DAY, STREET, noon
from tests.ledger.points.wishes import UPLOADS, Wish


class Machine(RuleBasedStateMachine):
    """Residents, shops and days; what may be asked for by whom, at once or one after the other."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.models = [Model()]
        self.today = DAY
        self.people = ["K7QM3V9T-0", "K7QM3V9T-1"]
        self.asked: list[Request] = []
        self.left: set[str] = set()
        self.verdicts: dict[str, Verdict] = {}
        self.issued = 0

    @initialize()
    def begin(self) -> None:
        """Give everybody some points, in lots that lapse on different days."""
        self.ledger.empty()
        for who in self.people:
            self._bring(who)

    @rule(uploads=st.lists(UPLOADS, min_size=1, max_size=CLIENTS - 1))
    def upload(self, uploads: list[list[Wish]]) -> None:
        """Ask for some operations: one client in one upload, or several at once, of whom two do the same."""
        batches = [[self._request(wish) for wish in upload] for upload in uploads]
        if len(batches) > 1:
            batches.append(batches[0])
        verdicts = self._at_once(batches)
        explaining = self._explained(batches, verdicts)
        assert explaining, f"no order of the uploads explains {verdicts}"
        self.models = explaining
        for request, verdict in zip(chain(*batches), chain(*verdicts), strict=True):
            assert self.verdicts.setdefault(request.operation_id, verdict) == verdict, "one verdict for everybody"

    @rule(
        days=st.integers(1, 3),
        tidied=st.booleans(),
        leaver=st.sampled_from((None, None, None, None, 0, 1)),
        uploads=st.lists(UPLOADS, min_size=1, max_size=CLIENTS - 1),
    )
    def pass_days(self, days: int, tidied: bool, leaver: int | None, uploads: list[list[Wish]]) -> None:
        """Let days pass, and a resident leave, before the next uploads; whether somebody tidies up does not matter."""
        self.today += timedelta(days=days)
        for model in self.models:
            model.lapse(self.today.isoformat())
        if leaver is not None:
            gone = self.people[leaver]
            self.ledger.clients[0].erase(gone, self.today)
            self.left.add(gone)
            for model in self.models:
                model.leave(gone)
            self.people[leaver] = f"K7QM3V9T-{len(self.left) + 1}"
            self._bring(self.people[leaver])
        if tidied:
            tidy(self.ledger.engines[0], self.ledger.keys, self.today + timedelta(days=COUNTS_FOR_DAYS))
            assert self.ledger.seen().lots == self.models[0].lots
        self.upload(uploads)

    @invariant()
    def agree(self) -> None:
        """Hold the store to the model, and to what must hold in any case."""
        seen = self.ledger.seen()
        assert all(seen.is_like(model, self.today.isoformat()) for model in self.models), f"{seen}, not {self.models}"
        for code in (CITY, STREET):
            assert seen.of(code, *Account) == 0, "points come from somewhere and go somewhere"
            assert seen.of(code, Account.HELD) == sum(points for lot, points in seen.lots.items() if lot[1] == code)
            assert -seen.of(code, Account.OVERDRAFT) == sum(owed for key, owed in seen.debts.items() if key[1] == code)
        assert all(points > 0 for points in (*seen.lots.values(), *seen.debts.values()))
        assert all(code == STREET for _, code in seen.debts), "only the street lets anybody owe"
        assert not seen.people & self.left, "who left is forgotten"
        for who in self.people:
            for each in self.ledger.clients[0].balances(who, SHOPS[0], self.today):
                assert each.points == self.models[0].available(who, each.programme)
                assert each.redeemable <= max(0, each.points)

    def teardown(self) -> None:
        """Ask for everything again, and for nothing else under a used id: every operation has the verdict it had."""
        decided = [each for each in self.asked if each.operation_id in self.verdicts]
        assert self._apply(1, decided) == [self.verdicts[each.operation_id] for each in decided]
        for id_, verdict in self.verdicts.items():
            assert self.ledger.clients[2].verdict(id_) == verdict
        fresh = self._request(Wish("sale", who=0, shop=0, yen=500, city=0, street=0, pick=0))
        for used in [each for each in decided if self.models[0].operations[each.operation_id].kind != "voided"][:2]:
            with pytest.raises(OperationIdConflict):
                self._apply(0, [fresh, replace(used, content=fresh.content, content_hash="f" * 64)])
        self.agree()

    # How it is done ----------------------------------------------------------------------------------------------

    def _bring(self, who: str) -> None:
        city, street = programmes()
        for rules, last, points in (
            (city, None, 300),
            (street, self.today + timedelta(days=1), 10),
            (street, self.today + timedelta(days=3), 20),
        ):
            self.ledger.clients[0].deposit(who, rules, last, points)
            for model in self.models:
                model.bring(who, rules.code, BY_USE if last is None else last.isoformat(), points)

    def _apply(self, client: int, batch: Sequence[Request]) -> list[Verdict]:
        return [outcome.verdict for outcome in self.ledger.clients[client].apply(batch)]

    def _at_once(self, batches: Sequence[Sequence[Request]]) -> list[list[Verdict]]:
        """Let every client apply its batch at the same time; where there are several, somebody tidies up as well."""
        start = Barrier(len(batches))

        def client(number: int) -> list[Verdict]:
            start.wait()
            return self._apply(number, batches[number])

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = [pool.submit(client, number) for number in range(len(batches))]
            if len(batches) > 1:
                tidy(self.ledger.engines[0], self.ledger.keys, self.today + timedelta(days=COUNTS_FOR_DAYS))
        return [each.result() for each in answers]

    def _explained(self, batches: Sequence[Sequence[Request]], verdicts: Sequence[Sequence[Verdict]]) -> list[Model]:
        """Return all models that did these batches one after the other, and answer and hold what is seen."""
        seen = self.ledger.seen()
        explaining: list[Model] = []
        for model, order in product(self.models, permutations(range(len(batches)))):
            tried = model.copy()
            fits = all(_fit([tried.apply(each) for each in batches[turn]], verdicts[turn]) for turn in order)
            if fits and seen.is_like(tried, self.today.isoformat()) and tried not in explaining:
                explaining.append(tried)
        return explaining

    def _request(self, wish: Wish) -> Request:
        """Return what a shop's terminal asks for; with nothing yet to undo or repeat it is a sale."""
        if wish.kind == "again" and self.asked:
            return self.asked[-1 - wish.pick % len(self.asked)]
        self.issued += 1
        shop, content = self._content(wish, SHOPS[wish.shop])
        request = Request(
            operation_id=_id(shop, self.issued),
            terminal_id=f"{shop}-01",
            shop=shop,
            business_date=self.today.isoformat(),
            content=content,
            content_hash=f"{self.issued:064x}",
            mykey=None if isinstance(content, Void | Return) else self.people[wish.who],
            arrived=noon(self.today),
        )
        self.asked.append(request)
        return request

    def _content(self, wish: Wish, shop: str) -> tuple[str, BaseModel]:
        """Return which shop asks, and for what."""
        city, street = (
            max(0, self.models[0].available(self.people[wish.who], code)) * fifths // 5
            for code, fifths in ((CITY, wish.city), (STREET, wish.street))
        )
        target = self._target(wish)
        match wish.kind:
            case "award":
                return shop, wishes.award(wish.yen % 200 + 1)
            case "convert":
                return shop, wishes.convert(city // 10 + 1)
            case "void_unseen":
                return shop, wishes.void(_id(shop, self.issued + wish.pick % 4))
            case "void" if target is not None:
                return target.shop, wishes.void(target.operation_id)
            case "void_elsewhere" if target is not None:
                return SHOPS[1 - SHOPS.index(target.shop)], wishes.void(target.operation_id)
            case "return" if target is not None and target.operation_id in self.verdicts:
                # Goods come back with a receipt: their sale is decided, not on its way.
                bill = 1 + wish.yen % getattr(target.content, "bill", 1_000)
                return target.shop, wishes.give_back(target.operation_id, bill)
            case _:
                return shop, wishes.sale(wish.yen, city, street)

    def _target(self, wish: Wish) -> Request | None:
        """Return the operation that a wish is about: mostly one that gave points."""
        gave = [each for each in self.asked if isinstance(each.content, Sale | Award) or wish.pick == 7]
        return gave[-1 - wish.pick % len(gave)] if gave else None


def _id(shop: str, seq: int) -> str:
    return f"{shop}-01-{seq:06d}"


def _fit(answers: Sequence[Answer], verdicts: Sequence[Verdict]) -> bool:
    return all(answer.fits(verdict) for answer, verdict in zip(answers, verdicts, strict=True))


def run(ledger: Ledger, examples: int, steps: int) -> None:
    """Run the machine on a ledger, the same every time; raise AssertionError where it finds something."""

    class Here(Machine):
        def __init__(self) -> None:
            super().__init__(ledger)

    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),  # threads do not repeat themselves: what fails is shown as it was
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Here, settings=chosen)
