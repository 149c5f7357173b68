"""Whether this machine's clock can be believed.

Keys are destroyed by the calendar, and what is destroyed does not come back. With the keys lies a note of the day on which they
were last used and of the boot it was in. The clock is doubted where

- it lies before that day, or before the day of a key: it was set back, or was wrong then;
- since then, in one boot of the machine (Linux), it moved by more days than the machine ran or slept: somebody set it;
- it lies `MOST_DAYS_UNUSED` or more after that day.

A machine whose clock was set forward by less than that while it was off cannot be told from one that lay unused: there the clock is
believed. So is the very first use. A virtual machine that was frozen and goes on later looks like a clock that was set.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

NOTE = "last-use.json"
MOST_DAYS_UNUSED = 3650
DRIFT_DAYS = 2.0
"""Days are counted whole, so that an honest clock differs by up to one from the time that the machine ran."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_DAY_SECONDS = 86_400


class ClockWarning(UserWarning):
    """Report that this machine's clock contradicts what is known of it.

    What looks past its retention is then neither read nor destroyed.
    """


class Boot(NamedTuple):
    """One start of the machine.

    days: how long it has been up, sleep counted.
    """

    name: str
    days: float


class LastUse(NamedTuple):
    """The last day that was believed.

    boot: empty if not known. up: days that the machine was up by then.
    """

    day: date
    boot: str = ""
    up: float = 0.0


class Doubt(NamedTuple):
    """Why the clock is not believed.

    why: a clause about the clock. since: the last day that was believed. latest: the later of that day and the clock's.
    """

    why: str
    since: date
    latest: date


def boot() -> Boot | None:
    """Return the machine's present boot.

    None where the system does not tell, or tells what can't be. Tests replace it.
    """
    try:
        found = Boot(_BOOT.read_text("ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME) / _DAY_SECONDS)
    except (OSError, AttributeError, ValueError):
        return None
    return found if 0 <= found.days < MOST_DAYS_UNUSED else None


def judge(today: date, last: LastUse | None, now: Boot | None) -> Doubt | None:
    """Say why a clock that shows `today` is doubted.

    None if nothing speaks against it.
    """
    if last is None:
        return None
    elapsed = (today - last.day).days
    latest = max(today, last.day)
    if elapsed < -1:  # machines that share a home may change day minutes apart
        return Doubt(f"it says {today}, but faceparity was used here on {last.day}", last.day, latest)
    if now is not None and now.name == last.boot and now.days >= last.up:
        moved = elapsed - (now.days - last.up)
        if abs(moved) > DRIFT_DAYS:
            way = "forward" if moved > 0 else "back"
            why = f"it says {today}, and since {last.day} it was set {way} by about {abs(moved):,.0f} days"
            return Doubt(why, last.day, latest)
    if elapsed >= MOST_DAYS_UNUSED:
        return Doubt(f"it says {today}, and faceparity was last used here on {last.day}", last.day, latest)
    return None


def last_use(folder: Path, key_days: Sequence[date]) -> LastUse | None:
    """Return what is known of the last use.

    The note in the folder of keys, or the day of the newest key where that is later; None if there is neither.
    """
    known = _read(folder / NOTE)
    newest = max(key_days, default=None)
    if newest is not None and (known is None or newest > known.day):
        return LastUse(newest)
    return known


def to_note(today: date, now: Boot | None) -> bytes:
    """Return the note of a use, as it is written."""
    return json.dumps({"day": today.isoformat(), "boot": now.name if now else "", "up_days": now.days if now else 0.0}).encode()


def _read(note: Path) -> LastUse | None:
    """Read the note; None if it is missing or spoiled."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if note.is_file():
            fields = json.loads(note.read_bytes())
            return LastUse(date.fromisoformat(fields["day"]), str(fields["boot"]), float(fields["up_days"]))
    return None
