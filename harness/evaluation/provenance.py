"""The parts of the record on provenance: the data set, the model, the software and its options."""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path, PurePath

from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness import results
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.execution.versions import LIBRARIES
from faceparity.harness.models.base.card import ModelCard, training_overlap


def dataset_info(dataset: Dataset, attributes: Sequence[Attribute], left: int = 0) -> results.DatasetInfo:
    """Return what was measured on, with problems as counts only.

    left: how many subjects of small groups are not in the data set any more.
    """
    card = dataset.card
    return results.DatasetInfo(
        name=dataset.name,
        title=card.title,
        version=card.version,
        home=card.home,
        digest=dataset.digest,
        licence=card.licence,
        consent=card.consent,
        withdrawn=card.withdrawn,
        synthetic=card.synthetic,
        identity=dataset.identity,
        labels_public=card.labels_public,
        labels=[_label_info(dataset, attribute) for attribute in attributes],
        subjects=dataset.n_subjects,
        subjects_left_out=left,
        samples=dataset.n_samples,
        problems=dict(sorted(Counter(problem.kind for problem in dataset.problems).items())),
        known_defects=list(card.known_defects),
        citation=card.citation,
    )


def _label_info(dataset: Dataset, attribute: Attribute) -> results.LabelInfo:
    card = dataset.card.attributes.get(attribute.name)
    return results.LabelInfo(
        attribute=attribute.name,
        column=card.column if card else attribute.name,
        of=attribute.of,
        provenance=card.provenance if card else "unknown",
        note=card.provenance_note if card else "",
        values=list(attribute.values),
        unlabelled=int((attribute.codes < 0).sum()),
    )


def model_info(card: ModelCard, fingerprint: str, dataset: Dataset) -> results.ModelInfo:
    """Return what was measured: the model and its card."""
    published = card.published_threshold
    overlap = training_overlap(card, dataset.name, dataset.card.training_overlaps)
    return results.ModelInfo(
        name=card.name,
        title=card.title,
        version=card.version,
        fingerprint=fingerprint,
        licence=card.licence,
        training_data=card.training_data,
        training_overlap=bool(overlap),
        training_overlap_note=overlap,
        conditions=card.conditions(),
        weights=[
            {"role": weights.role, "file": PurePath(weights.file).name, "sha256": weights.sha256, "licence": weights.licence}
            for weights in card.weights
        ],
        detector=card.detector,
        alignment=card.alignment,
        input=card.input,
        dimensions=card.dimensions,
        score=results.ScoreInfo(kind=card.score.kind, unit=card.score.unit, sign=card.score.sign),
        published_threshold=published.native if published else None,
        published_threshold_source=" ".join(filter(None, (published.source, published.note))) if published else "",
        likely_same_person=card.likely_same_person,
        known_weaknesses=list(card.known_weaknesses),
    )


def provenance(resolved: Resolved) -> results.Provenance:
    """Return what is needed to repeat the run."""
    options = resolved.options
    return results.Provenance(
        faceparity=metadata.version("faceparity"),
        commit=_commit(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=resolved.command,
        options=results.RecordedOptions.model_validate(options.published().model_dump()),
        position=resolved.position,
        seed=options.seed,
        threads=resolved.workers,
        device=resolved.device,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        libraries={name: metadata.version(name) for name in LIBRARIES if _installed(name)},
    )


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _commit() -> str | None:
    """Return the commit of the checkout this code runs from.

    None if it runs from an installed copy.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists() or not (root / "pyproject.toml").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+dirty" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None
