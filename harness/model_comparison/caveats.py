"""Which results are compared, and what differs between them: nothing is mixed silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from faceparity.harness import results
from faceparity.harness.results import comparison as rc

ResultEntry = tuple[str, int, results.Evaluation, bool, str]


def letters(number: int) -> str:
    """Return a result's letters, from A to Z, then AA.

    number: counted from 0.
    """
    name = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(65 + digit) + name
    return name


def to_compared(entries: Sequence[ResultEntry]) -> list[rc.Compared]:
    """Return the record of each result compared.

    entries: of each result its id, its run, its record, whether its private part was read, and if not why. The label is the
    model's name, with the id where two results of one data set have one name.
    """
    names = [(evaluation.dataset.digest, evaluation.model.name) for _, _, evaluation, _, _ in entries]
    return [
        _compared(entry, entry[2].model.name + (f" ({entry[0]})" if names.count(names[k]) > 1 else ""))
        for k, entry in enumerate(entries)
    ]


def _compared(entry: ResultEntry, label: str) -> rc.Compared:
    name, run, evaluation, private, reason = entry
    dataset, model, origin = evaluation.dataset, evaluation.model, evaluation.provenance
    points = evaluation.groupings[-1].operating_points if evaluation.groupings else []
    pools = list(dict.fromkeys(point.pool.name for point in points if point.pool is not None))
    sampled, extraction = evaluation.comparisons.sampled, evaluation.extraction
    return rc.Compared(
        id=name, run=run, label=label, dataset=dataset.name, dataset_title=dataset.title, dataset_version=dataset.version,
        dataset_digest=dataset.digest, identity=dataset.identity, synthetic=dataset.synthetic,
        labels={label.attribute: label.provenance for label in dataset.labels}, subjects=dataset.subjects, samples=dataset.samples,
        model=model.name, model_title=model.title, model_version=model.version, fingerprint=model.fingerprint,
        unit=model.score.unit, sign=model.score.sign, training_overlap=model.training_overlap, faceparity=origin.faceparity,
        commit=origin.commit, seed=origin.seed, attributes=[label.attribute for label in dataset.labels],
        targets=[point.target_fmr for point in points if point.target_fmr is not None], pool=", ".join(pools) or None,
        excluded_samples=sum(exclusion.samples for exclusion in evaluation.exclusions),
        excluded_comparisons=sum(exclusion.comparisons for exclusion in evaluation.exclusions), private=private,
        private_reason=reason, sampled=None if sampled is None else sampled.share,
        faces=extraction.faces,
        failures=[rc.ComparedFailures(attributes=part.attributes, rates=part.rates) for part in extraction.by_group]
        if extraction.supplied else [],
        panels=[_panel(grouping, point) for grouping in evaluation.groupings for point in grouping.operating_points],
    )  # fmt: skip


def _panel(grouping: results.Grouping, point: results.OperatingPoint) -> rc.ComparedPanel:
    return rc.ComparedPanel(
        attributes=grouping.attributes, origin=point.origin, target_fmr=point.target_fmr, threshold=point.threshold,
        native_threshold=point.native_threshold, achieved_fmr=point.achieved_fmr, status=point.status, reason=point.reason,
        reference=grouping.reference, fmr=_first(point.fmr), fnmr=_first(point.fnmr), contrasts=point.contrasts,
    )  # fmt: skip


def _first(rates: Sequence[results.Rate]) -> list[results.Rate]:
    """Return the rates whose design compares groups."""
    return [rate for rate in rates if rate.design in ("within", "matched")]


def notes(compared: Sequence[rc.Compared], excluded: Mapping[str, frozenset[tuple[str, str]]]) -> list[rc.ComparisonNote]:
    """Return a note for every difference between results.

    excluded: by a result's id, what a person left out by name.
    """
    every_note = list(_datasets(compared)) + list(_versions(compared))
    key = lambda result: (result.dataset, result.dataset_digest)  # noqa: E731
    for _, same in groupby(sorted(compared, key=key), key=key):
        block = list(same)
        if len(block) > 1:
            every_note += [*_same(block), *_settings(block), *_exclusions(block, excluded), *_private(block)]
    return every_note


def _note(kind: str, among: Sequence[rc.Compared], text: str) -> rc.ComparisonNote:
    return rc.ComparisonNote(kind=kind, ids=[result.id for result in among], text=text)  # type: ignore[arg-type]


def _each(among: Sequence[rc.Compared], value: Mapping[str, str]) -> str:
    """Say who has which value.

    For example "A and B: balanced; C: all".
    """
    groups: dict[str, list[str]] = {}
    for result in among:
        groups.setdefault(value[result.id], []).append(result.id)
    return "; ".join(f"{_and(ids)}: {text}" for text, ids in groups.items())


def _and(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else ", ".join(ids[:-1]) + " and " + ids[-1]


def _datasets(compared: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    for name in dict.fromkeys(result.dataset for result in compared):
        copies = [result for result in compared if result.dataset == name]
        if len({result.dataset_digest for result in copies}) > 1:
            digests = _each(copies, {result.id: f"digest {result.dataset_digest[:12]}" for result in copies})
            yield _note(
                "dataset", copies,
                f"These are different copies of {name} ({digests}): other files or labels. They stand apart, and nothing is tested "
                "between them.",
            )  # fmt: skip


def _versions(compared: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    version_of = {
        result.id: f"faceparity {result.faceparity}"
        + (f", commit {result.commit[:12]}{_dirty(result.commit)}" if result.commit else "")
        for result in compared
    }
    if len(set(version_of.values())) > 1:
        versions = _each(compared, version_of)
        yield _note(
            "version", compared, f"The results were made by different versions ({versions}): run all with one to be sure."
        )


def _dirty(commit: str) -> str:
    return " with changes" if commit.endswith("+dirty") else ""


def _same(block: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    """Note one model twice, and two models of one name."""
    for name in dict.fromkeys(result.model for result in block):
        named = [result for result in block if result.model == name]
        fingerprints = {result.fingerprint for result in named}
        if len(named) > 1 and len(fingerprints) == 1:
            yield _note(
                "same_result", named,
                f"{_and([result.id for result in named])} are the same model, {name}, on the same data set: what differs between them "
                "comes of the settings, not of the model.",
            )  # fmt: skip
        elif len(named) > 1:
            yield _note(
                "same_name", named,
                f"{_and([result.id for result in named])} are all called {name}, but are not the same: their weights or their pipeline "
                "(detector, alignment, options) differ.",
            )  # fmt: skip


def _settings(block: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    settings = (
        ("attributes", {result.id: " × ".join(result.attributes) or "none" for result in block},
         "They are grouped by different attributes ({}): nothing is tested between those that differ."),
        ("targets", {result.id: ", ".join(f"{target:g}" for target in result.targets) or "none" for result in block},
         "They were asked for different target FMRs ({}): only points that both have are compared."),
        ("pool", {result.id: result.pool or "none" for result in block},
         "Their thresholds were set on different pools ({}): the same target is not the same point, and is not compared."),
        ("sample", {result.id: "all" if result.sampled is None else f"{result.sampled:.2%}" for result in block},
         "They made different shares of the non-mated comparisons ({}), a sample and all or two samples: nothing is tested between "
         "them."),
        ("seed", {result.id: str(result.seed) for result in block}, "Their seeds differ ({}): resampled intervals differ by chance too."),
    )  # fmt: skip
    for kind, value, text in settings:
        if len(set(value.values())) > 1:
            yield _note(kind, block, text.format(_each(block, value)))
    choosing = [result for result in block if result.faces is not None]
    if len({result.faces for result in choosing}) > 1:
        policies = _each(choosing, {result.id: str(result.faces) for result in choosing})
        yield _note(
            "faces", choosing,
            f"They used different faces where an image has several ({policies}): part of what differs comes of that. Run all with the "
            "same --faces to be sure.",
        )  # fmt: skip


def _exclusions(block: Sequence[rc.Compared], excluded: Mapping[str, frozenset[tuple[str, str]]]) -> Iterator[rc.ComparisonNote]:
    """Note what a person left out by name.

    The lists are private; whether they are the same is not.
    """
    if not any(result.excluded_samples or result.excluded_comparisons for result in block):
        return
    counts = _each(
        block,
        {result.id: f"{result.excluded_samples:,} images and {result.excluded_comparisons:,} comparisons" for result in block},
    )
    lists = {excluded.get(result.id) for result in block}
    same = "the same in all" if len(lists) == 1 and None not in lists else "not the same in all"
    more = "" if same == "the same in all" else ", so what one of them left out is left out of every paired comparison"
    yield _note("exclusions", block, f"Left out by name ({counts}), {same}{more}.")


def _private(block: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    unpaired = [result for result in block if not result.private]
    if unpaired:
        reasons = "; ".join(f"{result.id}: {result.private_reason}" for result in unpaired)
        yield _note(
            "private", unpaired,
            f"Not compared comparison by comparison ({reasons}): each has its own interval, no test, no rank.",
        )  # fmt: skip
