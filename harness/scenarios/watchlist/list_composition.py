"""The composition of a list by group, and of the crowd that walks past it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.harness.scenarios.base.schema import MakeUp, Watchlist
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, I64

SPARED = 2
"""People of each group in the crowd who stay off the list at least: one walks past while another is left out."""


@dataclass(frozen=True)
class ListComposition:
    """The people of each group on a list and in the crowd.

    listed: int64[G], people of each group on the list. shares: float64[G], the declared make-up of the list. crowd: float64[G],
    shares of those on no list who walk past. room: int64[G], how many could be listed. exact: the make-up was declared group by
    group, so it is kept or refused.
    """

    listed: I64
    shares: F64
    crowd: F64
    room: I64
    exact: bool

    @property
    def largest(self) -> int:
        """Return the size of the longest list the data supports.

        Of this make-up. A make-up that is not exact may run out of people in groups with room for fewer than 28.
        """
        known = self.shares > 0
        large_enough = known & ((self.room >= 30 - SPARED) | self.exact)
        chosen = large_enough if large_enough.any() else known
        return int(np.floor((self.room[chosen] / self.shares[chosen]).min() + 1e-9)) if chosen.any() else 0

    def of(self, people: int) -> I64:
        """Return the numbers listed for a list of `people`, int64[G].

        In the same make-up; people ≤ `largest`.
        """
        return allocate(people, self.shares, self.room)


def make_lists(scenario: Watchlist, names: Sequence[str], people: I64) -> ListComposition:
    """Compose the list and the crowd that a scenario declares.

    people: int64[G], who there is. Raises UserError if there are too few.
    """
    crowd = shares_of(scenario.crowd.make_up, names, people, "crowd.make_up")
    shares = shares_of(scenario.watchlist.make_up, names, people, "watchlist.make_up")
    total = int(people.sum())
    wanted = scenario.watchlist.people or max(1, round((scenario.watchlist.share or 0) * total))
    key = f"watchlist.{'people' if scenario.watchlist.people else 'share'} = {scenario.watchlist.people or scenario.watchlist.share}"
    room = np.maximum(0, np.where(crowd > 0, people - SPARED, people))
    exact = scenario.watchlist.make_up != "data"
    base = ListComposition(np.zeros_like(people), shares, crowd, room, exact)
    quota = np.floor(wanted * shares + 1e-9).astype(np.int64)
    if exact and (quota > room).any():
        lacking = int(np.flatnonzero(quota > room)[0])
        raise UserError(
            f"{key}: {quota[lacking]:,} of {names[lacking]} are wanted on the list, and the data has {people[lacking]:,}, of whom "
            f"{room[lacking]:,} can be listed; with this make-up at most {base.largest:,} people can be: "
            f"write a smaller one, or another make_up"
        )
    if wanted > int(room[shares > 0].sum()):
        raise UserError(
            f"{key}: the data has {total:,} people with a group, of whom {int(room[shares > 0].sum()):,} can be listed while others of "
            "their groups walk past: write a smaller one, or take more data"
        )
    return ListComposition(allocate(wanted, shares, room), shares, crowd, room, exact)


def shares_of(make_up: MakeUp, names: Sequence[str], people: I64, key: str) -> F64:
    """Return the shares of each group, float64[G].

    Raises UserError for a group that does not exist, or has nobody.
    """
    if make_up == "data":
        return np.asarray(people / max(1, people.sum()), np.float64)
    if make_up == "equal":
        present = people > 0
        return np.asarray(present / max(1, present.sum()), np.float64)
    shares = np.zeros(len(names))
    for name, share in make_up.items():
        if name not in names:
            raise UserError(f"{key}: no group is called {name!r}; there are {', '.join(names)}")
        index = list(names).index(name)
        if share > 0 and not people[index]:
            raise UserError(f"{key}: nobody in the data is {name}: leave it out")
        shares[index] = share
    return np.asarray(shares / shares.sum(), np.float64)


def allocate(people: int, shares: F64, room: I64) -> I64:
    """Share people among groups within their room, int64[G].

    By largest remainders (ties: the first), nowhere more than there is room. Σ room of the groups with a share must be ≥ people.
    """
    numbers = np.zeros(shares.size, np.int64)
    open_ = (shares > 0) & (room > 0)
    while (left := people - int(numbers.sum())) > 0 and open_.any():
        quota = np.where(open_, shares, 0) / shares[open_].sum() * left
        more = np.floor(quota + 1e-9).astype(np.int64)
        rest = np.argsort(-(quota - more), kind="stable")
        for g in rest[: left - int(more.sum())]:
            more[g] += int(open_[g])
        numbers = np.minimum(numbers + more, np.where(shares > 0, room, 0))
        open_ = (shares > 0) & (numbers < room)
    return numbers
