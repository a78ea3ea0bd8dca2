"""What an office watches over beside the events: how much of a shop's redeeming comes from a few cards."""

from __future__ import annotations

from datetime import date, timedelta

from ledger.api.state import Ledger
from ledger.database import reading
from ledger.points.concentration import Concentration, concentrations
from ledger.points.programmes import accepting


def concentration(ledger: Ledger, municipality: str, since: date) -> list[Concentration]:
    """Return the shares of the town's shops, and of those elsewhere that take its points, of the days still kept."""
    with reading(ledger.books) as connection:
        towns = set(accepting(connection, municipality))
    shops = [shop.code for town in sorted(towns) for shop in ledger.registry.shops(town)]
    kept = {each for each in ledger.periods.in_use() if len(each) == len("2026-11-25")}
    today = ledger.today() + timedelta(days=1)
    days = {day for day in kept if since.isoformat() <= day <= today.isoformat()}
    return concentrations(ledger.books, ledger.periods, municipality, shops, days)
