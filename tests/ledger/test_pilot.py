"""docs/office.md, run as it stands: from nothing to the first award and claim, on both engines."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from config.home import Home
from config.japan import JST
from config.trust import PINS
from ledger.encodings import BOM
from ledger.wire.answers import Status
from ledger.wire.client import LedgerClient
from ledger.wire.tokens import ServiceId
from offline_queue.keys import load_key
from terminal.cli import main
from terminal.shop import enrolment
from tests.ledger.api.world import Card, Clock, Till, anchor
from tests.served import served

PAGE = (Path(__file__).parents[2] / "docs" / "office.md").read_text(encoding="utf-8")

CODE = re.compile(r"\b(?:[0-9A-Z]{4}-){2,6}[0-9A-Z]{4}(?:-[0-9A-Z])?\b")


@dataclass(frozen=True, slots=True)
class Typed:
    """A command of the page, and what the page says that it prints."""

    words: list[str]
    expected: str


def commands() -> Iterator[Typed]:
    """Yield the page's commands in their order."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, printed = command.partition("\n")
            program, *words = shlex.split(line)
            assert program == "./kazasu"
            yield Typed(words, printed)


def block(kind: str) -> str:
    """Return the page's only block of a kind."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody at the shop's counter, who holds a card over the reader of its enrolled terminal."""

    shop: Path
    url: str
    card: Card
    till: Till

    @classmethod
    def at(cls, shop: Path, url: str) -> Resident:
        """Return a resident who was never here."""
        enrolled = enrolment.load_enrolment(Home(shop))
        assert enrolled is not None
        now = datetime.now(UTC)
        till = Till(enrolled.setup, load_key(Home(shop).terminal_key), Clock(now))
        return cls(shop, url, Card.issue(0x01F3A9C2, now), till)

    def registers(self, service: ServiceId) -> None:
        """Register, with a number to link at once."""
        asyncio.run(self._registers(service))

    def pays(self, bill: int, points: int) -> None:
        """Pay a bill, some of it in points."""
        asyncio.run(self._send(self.till.sale(self.card, bill, redeem=points)))

    async def _registers(self, service: ServiceId) -> None:
        till = self.till
        async with self._client() as client:
            nonce = (await client.inquire(till.inquiry(self.card))).nonce
        await self._send(till.link(self.card, nonce, service))

    async def _send(self, content: dict[str, object]) -> None:
        async with self._client() as client:
            result = await client.upload([self.till.record(content)])
        assert result.decisions[0].verdict.status is Status.ACCEPTED

    def _client(self) -> LedgerClient:
        till = self.till
        return LedgerClient(self.url, terminal_id=till.setup.terminal_id, key=till.key)


def test_the_page_says_what_happens(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command prints what the page has beside it; where a card is held over, a resident does it."""
    office, shop = tmp_path / "office", tmp_path / "shop"
    anchors = office / "ledger" / "anchors"
    anchors.mkdir(parents=True)
    # As an operator adds an authority: by its fingerprint alone. Its certificate lies on the card.
    (anchors / PINS).write_text(anchor().fingerprint(SHA256()).hex(), encoding="utf-8")
    (tmp_path / "rules.toml").write_text(block("toml"), encoding="utf-8")
    (tmp_path / "awards.csv").write_bytes(block("csv").encode("cp932"))
    monkeypatch.chdir(tmp_path)
    if database_url.startswith("postgresql"):
        monkeypatch.setenv("KAZASU_LEDGER_POINTS_URL", database_url)
        monkeypatch.setenv("KAZASU_LEDGER_IDENTITY_URL", database_url)
    today = datetime.now(JST).date()
    code = ""
    residents: list[Resident] = []
    with served(office / "ledger") as url:
        for typed in commands():
            match typed.words:
                case ["ledger", "serve", *_]:
                    continue
                case ["op", "link", "--service", number]:
                    service, _, own = number.partition(":")
                    residents.append(Resident.at(shop, url))
                    residents[0].registers(ServiceId(service=service, number=own))
                    continue
                case ["enrol", *_]:
                    main(["--home", str(shop), "enrol", code, "--ledger", url])
                case words:
                    if words[1] == "totals":
                        residents[0].pays(1_200, points=20)
                    main(["--home", str(office), *words])
            printed = capsys.readouterr().out.removeprefix(BOM)
            assert CODE.sub("CODE", printed) == CODE.sub("CODE", typed.expected).replace("2026-11-23", f"{today}")
            code = printed.strip() if CODE.fullmatch(printed.strip()) else code
