"""The k best candidates of each probe, against sorting every score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparity.harness.comparisons.similarity import Kind, exact_scores, prepare
from faceparity.harness.comparisons.top_k import top_k

KINDS: tuple[Kind, ...] = ("cosine", "dot", "euclidean")
F32 = NDArray[np.float32]


def every_score(probes: F32, gallery: F32, kind: Kind) -> F32:
    """float32[n, g]: the exact ones, one by one."""
    both = np.concatenate([prepare(probes, kind), prepare(gallery, kind)])
    i, j = (x.ravel().astype(np.int32) for x in np.indices((len(probes), len(gallery))))
    return exact_scores(both, i, j + np.int32(len(probes)), kind).reshape(len(probes), len(gallery))


def best(scores: F32, k: int) -> tuple[NDArray[np.int64], F32]:
    """Places and scores by a stable sort: of equals the lower place first; -1 and -inf where nothing was compared."""
    padded = np.pad(scores, ((0, 0), (0, k)), constant_values=-np.inf)
    place = np.argsort(-padded, axis=1, kind="stable")[:, :k]
    score = np.take_along_axis(padded, place, axis=1)
    return np.where(np.isneginf(score), -1, place), score


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("tile", "workers"), [(7, 1), (7, 3), (64, 2), (1024, 1)])
def test_equals_sorting_every_score_for_any_tile_and_any_number_of_workers(kind: Kind, tile: int, workers: int) -> None:
    rng = np.random.default_rng(3)
    probes, gallery = rng.standard_normal((50, 24), np.float32), rng.standard_normal((311, 24), np.float32)
    gallery[200:260] = gallery[:60]  # ties
    scores = every_score(probes, gallery, kind)
    thresholds = [float(scores[0, 3]), float(np.median(scores)), float(scores.max())]
    own, strata = rng.choice(scores.ravel(), 50), rng.integers(0, 3, 311).astype(np.int32)
    own[4] = np.nan
    left_out = rng.integers(0, 50, 400), rng.integers(0, 311, 400)
    scores[left_out] = -np.inf
    found = top_k(
        probes, gallery, 9, kind, leave_out=left_out, thresholds=thresholds, own=own, strata=strata, workers=workers, tile=tile
    )  # fmt: skip
    place, score = best(scores, 9)
    assert np.array_equal(found.place, place)
    assert np.array_equal(found.score, score)
    assert np.array_equal(found.compared, (~np.isneginf(scores)).sum(axis=1))
    for s in range(3):
        mine = scores[:, strata == s]
        assert np.array_equal(found.above[:, s], np.stack([(mine >= np.float32(t)).sum(axis=1) for t in thresholds], axis=1))
        assert np.array_equal(found.above_own[:, s], (mine >= own[:, None]).sum(axis=1))


@settings(max_examples=60)
@given(
    data=st.data(), kind=st.sampled_from(["dot", "euclidean"]), k=st.integers(0, 12), tile=st.integers(1, 9),
    workers=st.integers(1, 3),
)  # fmt: skip
def test_whole_numbers_full_of_ties_give_what_numpy_gives(
    data: st.DataObject, kind: Kind, k: int, tile: int, workers: int
) -> None:
    vectors = st.lists(st.integers(-3, 3), min_size=3, max_size=3)
    probes = np.asarray(data.draw(st.lists(vectors, min_size=1, max_size=8)), np.float32)
    gallery = np.asarray(data.draw(st.lists(vectors, min_size=1, max_size=25)), np.float32)
    if kind == "dot":
        scores = probes @ gallery.T
    else:
        scores = -np.sqrt(((probes[:, None] - gallery[None]) ** 2).sum(axis=2, dtype=np.float64)).astype(np.float32)
    threshold = float(data.draw(st.sampled_from(scores.ravel().tolist())))
    found = top_k(probes, gallery, k, kind, thresholds=[threshold], workers=workers, tile=tile)
    place, score = best(scores, k)
    assert np.array_equal(found.place, place)
    assert np.array_equal(found.score, score)
    assert np.array_equal(found.above[:, 0, 0], (scores >= np.float32(threshold)).sum(axis=1))


def test_a_gallery_in_a_file_is_read_a_part_at_a_time(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    probes, gallery = rng.standard_normal((20, 16), np.float32), rng.standard_normal((3000, 16), np.float32)

    class Watched:
        """Counts the rows asked for at once."""

        shape = gallery.shape
        largest = 0

        def __getitem__(self, rows: object) -> F32:
            found = gallery[rows]  # type: ignore[index]
            Watched.largest = max(Watched.largest, len(found))
            return found

    found, whole = top_k(probes, Watched(), 5, "cosine", tile=128), top_k(probes, gallery, 5, "cosine")
    assert all(np.array_equal(a, b) for a, b in zip(found, whole, strict=True))
    assert Watched.largest <= 128


def test_more_candidates_than_the_gallery_has_and_a_probe_compared_with_nobody() -> None:
    probes, gallery = np.eye(2, 4, dtype=np.float32), np.eye(3, 4, dtype=np.float32)
    everything = np.array([0, 0, 0]), np.array([0, 1, 2])
    found = top_k(probes, gallery, 5, "cosine", leave_out=everything, thresholds=[-1.0], own=np.array([0, 1], np.float32))
    assert found.place.tolist() == [[-1] * 5, [1, 0, 2, -1, -1]]
    assert found.above.tolist() == [[[0]], [[3]]]
    assert found.above_own.tolist() == [[0], [1]]
    assert found.compared.tolist() == [0, 3]


def test_a_template_without_direction_and_a_negative_length_are_refused() -> None:
    good, bad = np.eye(2, dtype=np.float32), np.zeros((2, 2), np.float32)
    with pytest.raises(ValueError, match="all zeros"):
        top_k(good, bad, 1, "cosine")
    with pytest.raises(ValueError, match="lists of -1"):
        top_k(good, good, -1, "cosine")
