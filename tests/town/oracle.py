"""What must hold whatever happens: an account of its own of all that was asked and said, and no code of the ledger's.

It hears of each entry that a terminal writes, of each answer that the ledger gives (also of those that never arrive),
and of what a terminal shows; and it says what contradicts what must stay true.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from config.japan import JST
from ledger.points.reports import ProgrammeTotals
from ledger.wire.answers import Decision, Status, Verdict
from ledger.wire.operations import Award, Close, Convert, Leg, Mark, Return, Sale, Void
from offline_queue.close import Report
from offline_queue.journal import Recorded
from tests.town.setting import CARDS, HOLDINGS, PROGRAMMES, TERMINALS

LATE_AFTER = timedelta(days=7)
"""How long an operation counts on its own day, in this town."""

AHEAD = timedelta(minutes=5)

Key = tuple[int, str, str, str]
"""Resident, programme, what is counted, business day."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry that a terminal wrote."""

    terminal: int
    seq: int
    content: Any
    day: str
    who: int | None
    entry_hash: str


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict of the ledger, and when it was first given."""

    verdict: Verdict
    at: datetime


@dataclass(slots=True)
class Zs:
    """The closes of one terminal: what they counted so far, and what they counted in all."""

    heard: list[str] = field(default_factory=list)
    counted: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    number: int = 0


@dataclass(slots=True)
class Oracle:
    """The account. `wrong` is what was found to contradict it."""

    clock: Callable[[], datetime]
    asked: dict[str, Asked] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    forgotten: dict[str, Said] = field(default_factory=dict)
    told: dict[str, Verdict] = field(default_factory=dict)
    zs: dict[int, Zs] = field(default_factory=lambda: defaultdict(Zs))
    closes: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    used: Counter[Key] = field(default_factory=Counter)
    allowed: Counter[Key] = field(default_factory=Counter)
    sums: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_shop: Counter[str] = field(default_factory=Counter)
    shredded: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    touched: set[str] = field(default_factory=set)
    """The towns that it heard of since their books were looked at."""

    def say(self, what: str) -> None:
        """Note something that must not be."""
        self.wrong.append(what)

    # What terminals do --------------------------------------------------------------------------------------------

    def journaled(self, terminal: int, recorded: Recorded, who: int | None) -> None:
        """Hear that an entry was written."""
        entry, id_ = recorded.entry, recorded.operation_id
        if id_ in self.asked:
            self.say(f"{id_} was given out twice")
        shop = TERMINALS[terminal]
        day = _day(datetime.fromisoformat(entry.at), shop.day_starts_at)
        if entry.business_date != day:
            self.say(f"{id_} states {entry.business_date}, and its clock says {entry.at}")
        self.asked[id_] = Asked(terminal, entry.seq, entry.content, entry.business_date, who, recorded.hash)
        if isinstance(entry.content, Close):
            self.closes[terminal].append((entry.seq, entry.content.last_seq))
        self.counts[getattr(entry.content, "kind", "?")] += 1

    def shown(self, id_: str, decision: Decision | None) -> None:
        """Hear what a terminal showed of an operation; None for an unknown outcome."""
        if decision is not None:
            self._told(id_, decision.verdict)
        else:
            self.counts["unknown"] += 1

    def recorded(self, terminal: int, records: Sequence[Recorded]) -> None:
        """Hear which verdicts came into a journal, in their order."""
        zs = self.zs[terminal]
        for record in records:
            zs.heard.append(record.operation_id)
            if record.verdict is not None:
                self._told(record.operation_id, record.verdict)

    def heard_by(self, terminal: int) -> int:
        """Return how many verdicts of a journal were heard of."""
        return len(self.zs[terminal].heard)

    def _told(self, id_: str, verdict: Verdict) -> None:
        if _core(self.told.setdefault(id_, verdict)) != _core(verdict):
            self.say(f"{id_} was shown as {_core(self.told[id_])}, and then as {_core(verdict)}")
        said = self.said.get(id_) or self.forgotten.get(id_)
        if said is None or _core(said.verdict) != _core(verdict):
            self.say(f"{id_} is shown as {_core(verdict)}, and the ledger said {said and _core(said.verdict)}")

    def stopped(self, terminal: int, why: str) -> None:
        """Hear that a terminal stopped: nothing here ever gives it a reason."""
        self.say(f"terminal {terminal} stopped at {why}")

    def told_of_itself(self, terminal: int, error: str | None) -> None:
        """Hear what a terminal was told of itself: every one here is enrolled, and has its key."""
        if error in {"signature_wrong", "terminal_withdrawn", "terminal_mismatch", "operation_unknown"}:
            self.say(f"terminal {terminal} is told {error}")

    def waited(self, terminal: int, what: str, seconds: float, *, most: float) -> None:
        """Hear how long somebody waited for something."""
        if seconds > most + 0.5:
            self.say(f"at terminal {terminal} somebody waited {seconds:.1f} s for {what}, and not {most} s at most")

    # What the ledger says -----------------------------------------------------------------------------------------

    def answered(self, answer: dict[str, Any]) -> None:
        """Hear an answer of the ledger."""
        for told in answer["signed"]["statement"].get("verdicts", ()):
            self.hear(Verdict.model_validate(told))

    def hear(self, verdict: Verdict) -> None:
        """Hear what the ledger says of an operation, for the first time or again."""
        id_ = verdict.operation_id
        asked = self.asked.get(id_)
        if asked is None:
            self.say(f"a verdict on {id_}, which nobody asked for")
            return
        self.touched.add(getattr(asked.content, "municipality", id_[:6]))
        if (said := self.said.get(id_)) is not None:
            if _core(said.verdict) != _core(verdict) and not self._is_shredded(said.verdict):
                self.say(f"{id_}: first {_core(said.verdict)}, then {_core(verdict)}")
            return
        if (lost := self.forgotten.pop(id_, None)) is not None and id_ in self.told:
            self.said[id_] = lost
            if _core(lost.verdict) != _core(verdict):
                self.say(f"{id_}: {_core(lost.verdict)} was lost, and {_core(verdict)} came back")
            self._count(asked, lost.verdict, 1)
            return
        self.said[id_] = Said(verdict, self.clock())
        self._check(id_, asked, verdict)
        self._count(asked, verdict, 1)

    def _is_shredded(self, verdict: Verdict) -> bool:
        return (verdict.day or "")[:7] in self.shredded

    def _check(self, id_: str, asked: Asked, verdict: Verdict) -> None:
        """Hold a new verdict to what must be."""
        day, late = self._placed(asked)
        if verdict.day is not None and (verdict.day, verdict.late) != (day, late):
            seen = f"{id_}, a {asked.content.kind} of {asked.day}, counts on {verdict.day} (late: {verdict.late})"
            self.say(f"{seen}, and not on {day} ({late})")
        if verdict.content_hash not in (None, asked.entry_hash):
            self.say(f"{id_} was decided as something else")
        self.counts[f"{verdict.status}"] += 1
        if verdict.code is not None:
            self.counts[verdict.code] += 1
        if verdict.late:
            self.counts["late"] += 1
        match asked.content:
            case Sale() if verdict.code == "voided_before_arrival" and self._is_voided(id_):
                pass
            case Sale(bill=bill):
                if verdict.status is Status.REFUSED:
                    self.say(f"{id_}, a finished sale, was refused: {verdict.code}")
                if verdict.amount_due != bill - verdict.redeemed:
                    self.say(f"{id_}: {verdict.amount_due} is due of {bill} with {verdict.redeemed} points")
            case Void(target=target):
                self._check_void(id_, asked, target, verdict)

    def _is_voided(self, id_: str) -> bool:
        """Whether somebody at a sister undid an operation before it came."""
        return any(
            isinstance(each.content, Void)
            and each.content.target == id_
            and (said := self.said.get(other)) is not None
            and said.verdict.status is not Status.REFUSED
            for other, each in self.asked.items()
        )

    def _check_void(self, id_: str, asked: Asked, target: str, verdict: Verdict) -> None:
        of = self.asked[target]
        covered = of.terminal == asked.terminal and any(
            of.seq <= reach for seq, reach in self.closes[asked.terminal] if seq < asked.seq
        )
        if covered and verdict.status is not Status.REFUSED:
            self.say(f"{id_} voids {target}, which a close covers")
        sister_closed = any(of.seq <= reach for _, reach in self.closes[of.terminal])
        if verdict.code == "target_closed" and not covered and not sister_closed and not self._is_old(target):
            self.say(f"{id_} cannot void {target}, and no close covers it")

    def _is_old(self, target: str) -> bool:
        said = self.said.get(target)
        return said is None or date.fromisoformat(said.verdict.day or "") < self.clock().date() - timedelta(days=6)

    def _placed(self, asked: Asked) -> tuple[str, bool]:
        """Return the day on which an entry that arrives now counts, and whether it is late."""
        starts, now = TERMINALS[asked.terminal].day_starts_at, self.clock()
        today, ahead = _day(now, starts), _day(now + AHEAD, starts)
        floors = [
            self.said[id_].verdict.day or ""
            for id_, each in self.asked.items()
            if each.terminal == asked.terminal
            and isinstance(each.content, Close)
            and each.seq < asked.seq
            and id_ in self.said
        ]
        oldest = (date.fromisoformat(today) - LATE_AFTER).isoformat()
        if asked.day > ahead or asked.day < max([oldest, *floors]):
            return today, True
        return asked.day, False

    # What it comes to ---------------------------------------------------------------------------------------------

    def _count(self, asked: Asked, verdict: Verdict, sign: int) -> None:
        """Add what a verdict granted to the account, or take it off."""
        if verdict.status is Status.REFUSED:
            return
        content = asked.content
        town = getattr(content, "municipality", "")
        match content:
            case Sale():
                for what, legs in _legs(content):
                    for leg, points in _granted(what, legs, verdict):
                        self._use((asked.who or 0, leg.programme, what, verdict.day or asked.day), sign * points)
            case Void(target=target) if target in self.said and sign > 0:
                undone, was = self.asked[target], self.said[target].verdict
                for what, legs in _legs(undone.content):
                    for leg, points in _granted(what, legs, was):
                        self._use((undone.who or 0, leg.programme, what, was.day or undone.day), -points)
        undoes_convert = isinstance(content, Void) and isinstance(self._target(content), Convert)
        account = "converted" if isinstance(content, Convert) or undoes_convert else "claimed"
        self.sums[town, account] += sign * verdict.redeemed
        self.sums[town, "issued"] += sign * verdict.awarded
        if account == "claimed":
            self.by_shop[TERMINALS[asked.terminal].code] += sign * verdict.redeemed

    def _target(self, content: Void) -> Any:
        target = self.asked.get(content.target)
        return None if target is None else target.content

    def _use(self, key: Key, points: int) -> None:
        self.used[key] += points
        who, programme, what, day = key
        rules = PROGRAMMES[programme]
        limit = None
        if what == "redeem" and rules.redeeming is not None:
            limit = rules.redeeming.per_day
        elif what == "earn" and rules.earning is not None:
            limit = rules.earning.per_day
        if limit is not None and points > 0 and self.used[key] > limit + self.allowed[key]:
            self.say(f"resident {who} has {self.used[key]} points of {programme} ({what}) on {day}: more than {limit}")

    def forgot(self, ids: Iterable[str]) -> None:
        """Hear that the ledger forgot verdicts; those that a terminal was told are to come back as they were."""
        for id_ in ids:
            asked, lost = self.asked[id_], self.said.pop(id_)
            self.forgotten[id_] = lost
            self.counts["forgotten"] += 1
            self._count(asked, lost.verdict, -1)
            if lost.verdict.status is not Status.REFUSED:
                for what, legs in _legs(asked.content):
                    for leg, points in _granted(what, legs, lost.verdict):
                        self.allowed[asked.who or 0, leg.programme, what, lost.verdict.day or asked.day] += points

    def agree(self, town: str, found: Sequence[ProgrammeTotals]) -> None:
        """Hold the ledger's totals of a town to the account."""
        for each in found:
            if not each.agree:
                self.say(f"the books of {each.programme} do not agree: {each}")
        begun = len(CARDS) * sum(points for code, _, points in HOLDINGS if code[:6] == town)
        seen = {
            "claimed": sum(each.claimed for each in found),
            "converted": sum(each.converted for each in found),
            "issued": sum(each.issued for each in found) - begun,
        }
        for account, points in seen.items():
            if self.sums[town, account] != points:
                self.say(f"{town} has {account} {points} points, and not {self.sums[town, account]}")

    # Closes -------------------------------------------------------------------------------------------------------

    def closed(self, terminal: int, report: Report) -> None:
        """Hold a Z to what was decided since the last one."""
        zs = self.zs[terminal]
        expected = Counter[str]()
        for id_ in zs.heard[zs.counted : report.verdicts]:
            expected.update(self._effect(id_))
        zs.counted, zs.number = report.verdicts, zs.number + 1
        found = {name: getattr(report.day, name) for name in ("sales", "awards", "voids", "returns", "refused", "bill")}
        wanted = {name: expected[name] for name in found}
        if found != wanted or report.number != zs.number:
            self.say(f"Z {report.number} of terminal {terminal} says {found}, and not {wanted}")
        zs.totals.update(wanted)
        perpetual = {name: getattr(report.perpetual, name) for name in found}
        if perpetual != {name: zs.totals[name] for name in found}:
            self.say(f"Z {report.number} of terminal {terminal}: perpetual {perpetual}, and not {dict(zs.totals)}")

    def _effect(self, id_: str) -> Counter[str]:
        content, verdict = self.asked[id_].content, self.told[id_]
        if isinstance(content, Close):
            return Counter()
        if verdict.status is Status.REFUSED:
            return Counter(refused=1)
        match content:
            case Sale(bill=bill):
                return Counter(sales=1, bill=bill)
            case Award():
                return Counter(awards=1)
            case Void(target=target):
                undone = self.asked[target]
                own = undone.terminal == self.asked[id_].terminal
                bill = getattr(undone.content, "bill", 0) if own else 0
                return Counter(voids=1, bill=-bill)
            case Return(bill=bill):
                return Counter(returns=1, bill=-bill)
            case _:
                return Counter()

    def everything_counted(self) -> None:
        """Hold all closes together to all sales: at the end each sale is in exactly one."""
        for terminal, zs in self.zs.items():
            if zs.counted < len(zs.heard) - 1:
                self.say(f"terminal {terminal} has {len(zs.heard) - zs.counted} operations in no close")
            of_terminal = [id_ for id_, each in self.asked.items() if each.terminal == terminal]
            missing = [id_ for id_ in of_terminal if id_ not in self.told and not self._is_mark(id_)]
            if missing:
                self.say(f"terminal {terminal} never heard of {missing}")
            sales = [
                id_
                for id_ in of_terminal
                if isinstance(self.asked[id_].content, Sale)
                and (verdict := self.told.get(id_)) is not None
                and verdict.status is not Status.REFUSED
            ]
            if zs.totals["sales"] != len(sales):
                self.say(f"terminal {terminal} made {len(sales)} sales, and its closes count {zs.totals['sales']}")

    def _is_mark(self, id_: str) -> bool:
        return isinstance(self.asked[id_].content, Mark)


def _core(verdict: Verdict) -> tuple[object, ...]:
    return verdict.status, verdict.code, verdict.redeemed, verdict.awarded, verdict.amount_due


def _legs(content: Any) -> list[tuple[str, Sequence[Leg]]]:
    """Return the legs that limits know: what pays, and what a bill earns."""
    return [("redeem", content.redeem), ("earn", content.award)] if isinstance(content, Sale) else []


def _granted(what: str, legs: Iterable[Leg], verdict: Verdict) -> list[tuple[Leg, int]]:
    cut = {each.programme: each.granted for each in verdict.cuts if (each.leg == "redeem") == (what == "redeem")}
    return [(leg, cut.get(leg.programme, leg.points)) for leg in legs]


def _day(at: datetime, starts: int) -> str:
    """Return a business day, counted by hand: the hours before the shop's day starts belong to the day before."""
    local = at.astimezone(JST)
    return (local.date() - timedelta(days=1 if local.hour < starts else 0)).isoformat()
