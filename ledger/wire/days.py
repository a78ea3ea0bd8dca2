"""The business day: Japan's time minus the hour at which the shop's day starts, the same on every machine."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from config.japan import JST

LATEST_START: Final = 12
"""The latest full hour at which a shop's day may start."""


def business_day(at: datetime, day_starts_at: int = 0) -> date:
    """Return the business day of a moment at a shop whose day starts at a full hour (0 to 12) of Japan's time."""
    return (at.astimezone(JST) - timedelta(hours=day_starts_at)).date()


def earliest_running(at: datetime) -> date:
    """Return the earliest business day that is still running at any shop."""
    return business_day(at, LATEST_START)
