"""Times as people type them."""

from __future__ import annotations

import argparse
import re
import time
from datetime import UTC, datetime

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment_of(text: str) -> float:
    """Unix seconds of ``2026-11-24``, ``2026-11-24T10:30`` (UTC unless it says otherwise), or of so long ago: ``90m``,
    ``12h``, ``3d``, ``2w``. Raises ``argparse.ArgumentTypeError``, which names the forms."""
    if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text):
        return time.time() - int(ago[1]) * UNITS[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-11-24, 2026-11-24T10:30 (UTC), or so long ago: 12h, 3d"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
