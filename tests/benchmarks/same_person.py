"""From what score on are two pictures more likely one person than two: `python -m tests.benchmarks.same_person`.

A set without subject labels holds some people twice, and such pairs look like false matches; cards therefore carry
`likely_same_person`. It is read off public sets with subject labels (London, US Congress): a score that no non-mated comparison
reaches, and as many mated ones as possible. FairFace has no subject labels; of its comparisons at or above the score it is
counted how many another model (SFace, at a cosine of 0.5 or more) finds alike too.

Prints one JSON line per model. Templates come from the store where they are there already.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.registry import load_dataset
from faceparity.harness.models.registry import load_model_card
from faceparity.harness.templates.extract import extract
from faceparity.harness.templates.store import Store

MODELS = ("face_recognition", "sface", "mobilefacenet-192", "hse-faceres", "faceplugin-512", "mobileface-v3")
LABELLED = ("london", "us_congress")
UNLABELLED = "fairface"
SECOND, SECOND_SCORE = "sface", 0.5


def similarities(vectors: NDArray[np.float32], kind: str) -> NDArray[np.float64]:
    """float64[n, n]; distances negated."""
    x = vectors.astype(np.float64)
    if kind == "euclidean":
        squares = (x**2).sum(axis=1)
        return -np.sqrt(np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x @ x.T


def compared(name: str, model: str, store: Store) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Similarity of every two samples, whether they are of one subject, and their samples ([n, 2]); two copies of one photograph
    are left out."""
    dataset = load_dataset(name)
    found = extract(dataset, model, store=store)
    a, b = np.triu_indices(found.samples.size, 1)
    pixels, subjects = np.array(found.pixels)[found.samples], dataset.subjects[found.samples]
    copies = {(int(i), int(j)) for i, j in np.sort(dataset.same_photo, axis=1)}
    listed = np.array([pair in copies for pair in zip(found.samples[a].tolist(), found.samples[b].tolist(), strict=True)])
    other = (pixels[a] != pixels[b]) & ~listed
    a, b = a[other], b[other]
    scores = similarities(found.vectors, load_model_card(model).score.kind)[a, b]
    return scores, subjects[a] == subjects[b], np.stack([found.samples[a], found.samples[b]], axis=1)


def figures(model: str, at: float | None, store: Store) -> dict[str, Any]:
    """What the docstring says, at a score in the model's own unit (default: its card's)."""
    card = load_model_card(model)
    sign = card.score.sign
    parts = [compared(name, model, store)[:2] for name in LABELLED]
    scores, mated = (np.concatenate(column) for column in zip(*parts, strict=True))
    value = at if at is not None else card.likely_same_person
    out: dict[str, Any] = {
        "model": model,
        "non_mated": int((~mated).sum()),
        "mated": int(mated.sum()),
        "most_alike_non_mated": [round(float(sign * s), 3) for s in np.sort(scores[~mated])[::-1][:5]],
        "mated_quantiles": {q: round(float(sign * np.quantile(scores[mated], 1 - q)), 3) for q in (0.3, 0.5, 0.7, 0.8, 0.9)},
    }
    if value is None:
        return out
    ours, _, pairs = compared(UNLABELLED, model, store)
    theirs, _, known = compared(UNLABELLED, SECOND, store)
    held = ours >= sign * value
    width = int(max(pairs.max(), known.max())) + 1
    second = dict(zip((known[:, 0] * width + known[:, 1]).tolist(), theirs.tolist(), strict=True)) if held.any() else {}
    agreed = [second[key] >= SECOND_SCORE for key in (pairs[held, 0] * width + pairs[held, 1]).tolist() if key in second]
    out |= {
        "likely_same_person": value,
        "non_mated_there": int((scores[~mated] >= sign * value).sum()),
        "mated_there": round(float((scores[mated] >= sign * value).mean()), 3),
        UNLABELLED: {"comparisons": int(ours.size), "there": int(held.sum())},
        f"{SECOND}_agrees": round(float(np.mean(agreed)), 3) if agreed else None,
    }
    return out


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", action="append", help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--at", type=float, help="a score to try, in the model's own unit; default: the card's")
    asked = parser.parse_args()
    with Store() as store:
        for model in asked.model or MODELS:
            print(json.dumps(figures(model, asked.at, store)), flush=True)


if __name__ == "__main__":
    main()
