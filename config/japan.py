"""Japan's time: days, limits and certificates count by it, whatever zone a machine is in."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final

JST: Final = timezone(timedelta(hours=9), "JST")
"""Japan's time, which has known no daylight saving since 1951."""
