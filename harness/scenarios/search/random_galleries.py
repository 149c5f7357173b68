"""Expected results of a gallery drawn at random, computed without drawing one.

N of M people are drawn into a gallery (or N_h of the M_h of every stratum h). If a of the people whom a probe is compared with score
at or above a threshold, none of them is in the gallery with probability C(M - a, N)/C(M, N), the product over strata if there
are several; so the mean over all possible galleries is known exactly, and has no error of simulation. Arrays by probe and
stratum are [n, H]: `others`, people that the probe is compared with; `above`, those of them at or above its threshold; `drawn`, how
many are drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
Chance = Callable[[I64, I64, I64], F64]
"""Of each probe, float64[n], given others, above and drawn, [n, H] each."""
ROUNDING = 1e-12
"""Chances below it are sums that ought to be 0."""


def none_of(others: NDArray[np.integer], above: NDArray[np.integer], drawn: NDArray[np.integer]) -> F64:
    """Return the chance that none of `above` people is drawn.

    C(M - a, N)/C(M, N), a = above, N = drawn of M = others. All of one shape; drawn ≤ others.
    """
    rest = others - above - drawn
    lg = special.gammaln
    log = lg(others - above + 1) + lg(others - drawn + 1) - lg(np.maximum(rest, 0) + 1) - lg(others + 1)
    return np.where(rest < 0, 0.0, np.where((above == 0) | (drawn == 0), 1.0, np.exp(np.minimum(log, 0.0))))


def at_most(others: I64, above: I64, drawn: I64, most: int) -> F64:
    """Return the chances of at most 0, 1, … drawn.

    float64[n, most + 1], of `above` people, over all strata.
    """
    so_far = np.zeros((others.shape[0], most + 1))
    so_far[:, 0] = 1
    for h in range(others.shape[1]):
        pmf = _chances(others[:, [h]], above[:, [h]], drawn[:, [h]], np.arange(most + 1))
        so_far = np.stack([(so_far[:, : k + 1] * pmf[:, k::-1]).sum(axis=1) for k in range(most + 1)], axis=1)
    return np.minimum(np.cumsum(so_far, axis=1), 1.0)


def _chances(others: I64, above: I64, drawn: I64, count: I64) -> F64:
    """Return the chances that exactly `count` of `above` are drawn.

    float64[n, counts]: C(a, k) C(M - a, N - k)/C(M, N). others, above, drawn: [n, 1].
    """
    lg = special.gammaln
    rest, more, left = others - above, above - count, drawn - count
    possible = (more >= 0) & (left >= 0) & (rest - left >= 0)
    more, left, spare = np.maximum(more, 0), np.maximum(left, 0), np.maximum(rest - left, 0)
    log = lg(above + 1) - lg(count + 1) - lg(more + 1) + lg(rest + 1) - lg(left + 1) - lg(spare + 1)
    log -= lg(others + 1) - lg(drawn + 1) - lg(others - drawn + 1)
    return np.where(possible, np.exp(np.minimum(log, 0.0)), 0.0)


def at_least(rank: int) -> Chance:
    """Return the chance that `rank` or more are drawn.

    Of the people above. It is a function of others, above and drawn, as `Chance`; what is within ROUNDING of 0 is 0.
    """

    def chance(others: I64, above: I64, drawn: I64) -> F64:
        fewer = none_of(others, above, drawn).prod(axis=1) if rank == 1 else at_most(others, above, drawn, rank - 1)[:, -1]
        return np.where(fewer > 1 - ROUNDING, 0.0, 1 - fewer)

    return chance


def without_one(chance: Chance, others: I64, above: I64, drawn: I64) -> tuple[F64, F64]:
    """Return the chances with one person fewer in each stratum.

    float64[n, H] twice: one fewer who is below the threshold, and one fewer who is above it. The gallery stays as large, except
    for a stratum that is drawn completely.
    """
    below, hit = np.empty(others.shape), np.empty(others.shape)
    for h in range(others.shape[1]):
        fewer, left, size = others.copy(), above.copy(), drawn.copy()
        fewer[:, h] = np.maximum(fewer[:, h] - 1, 0)
        size[:, h] = np.minimum(size[:, h], fewer[:, h])
        left[:, h] = np.minimum(left[:, h], fewer[:, h])
        below[:, h] = chance(fewer, left, size)
        left[:, h] = np.minimum(np.maximum(above[:, h] - 1, 0), fewer[:, h])
        hit[:, h] = chance(fewer, left, size)
    return below, hit


def first_of_list(stratum: NDArray[np.integer], others: I64, drawn: I64, gone: int | None = None, shifted: bool = False) -> F64:
    """Return each candidate's chance to be the gallery's first.

    float64[n, L]: that it is in the gallery and no candidate before it in the list is.
    stratum: int[n, L], of each candidate, -1 past the list's end. gone: the chances with one person of that stratum fewer, who
    comes after the candidate; before it, if `shifted`.
    """
    before, after = np.ones(stratum.shape), np.ones(stratum.shape)
    for h in range(others.shape[1]):
        in_stratum = stratum == h
        until = np.cumsum(in_stratum, axis=1)
        less = int(gone == h)
        left, size = np.maximum(others[:, [h]] - less, 0), drawn[:, [h]]
        size = np.minimum(size, left)
        behind = np.clip(until - (less if shifted else 0), 0, left)
        ahead = np.clip(until - in_stratum - (less if shifted else 0), 0, left)
        after *= none_of(left, behind, np.broadcast_to(size, behind.shape))
        before *= none_of(left, ahead, np.broadcast_to(size, ahead.shape))
    return np.where(stratum < 0, 0.0, np.maximum(before - after, 0.0))


def depth(people: int, share: float, left: float = 1e-6) -> int:
    """Return the length that a candidate list needs.

    Candidates that a list must hold so that with a chance of at most `left` none of them is in the gallery, which has this share
    of all people.
    """
    if share >= 1:
        return min(people, 1)
    return min(people, int(np.ceil(np.log(left) / np.log1p(-share))))


def quotas(shares: NDArray[np.float64], total: int) -> I64:
    """Divide `total` by shares that sum to 1, int64[n].

    By largest remainders; of equal ones the first.
    """
    exact = shares * total
    numbers = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - numbers), kind="stable")
    numbers[order[: total - int(numbers.sum())]] += 1
    return numbers
