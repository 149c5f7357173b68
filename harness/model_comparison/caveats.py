"""What is compared, and in what the results differ that must not be overlooked: nothing is mixed silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from faceparity.harness import results
from faceparity.harness.results import comparison as rc

ResultEntry = tuple[str, int, results.Evaluation, bool, str]


def letters(n: int) -> str:
    """A, B, … Z, AA, AB, …"""
    out = ""
    n += 1
    while n:
        n, k = divmod(n - 1, 26)
        out = chr(65 + k) + out
    return out


def to_compared(found: Sequence[ResultEntry]) -> list[rc.Compared]:
    """The record of each result compared. found: id, run, record, whether its private part was read, and if not why."""
    names = [(e.dataset.digest, e.model.name) for _, _, e, _, _ in found]
    return [
        _compared(told, told[2].model.name + (f" ({told[0]})" if names.count(names[k]) > 1 else ""))
        for k, told in enumerate(found)
    ]


def _compared(told: ResultEntry, label: str) -> rc.Compared:
    name, run, e, private, reason = told
    d, m, p = e.dataset, e.model, e.provenance
    points = e.groupings[-1].operating_points if e.groupings else []
    pools = list(dict.fromkeys(x.pool.name for x in points if x.pool is not None))
    return rc.Compared(
        id=name, run=run, label=label, dataset=d.name, dataset_title=d.title, dataset_version=d.version, dataset_digest=d.digest,
        identity=d.identity, synthetic=d.synthetic, labels={x.attribute: x.provenance for x in d.labels}, subjects=d.subjects,
        samples=d.samples, model=m.name, model_title=m.title, model_version=m.version, fingerprint=m.fingerprint, unit=m.score.unit,
        sign=m.score.sign, training_overlap=m.training_overlap, faceparity=p.faceparity, commit=p.commit, seed=p.seed,
        attributes=[x.attribute for x in d.labels], targets=[x.target_fmr for x in points if x.target_fmr is not None],
        pool=", ".join(pools) or None, excluded_samples=sum(x.samples for x in e.exclusions),
        excluded_comparisons=sum(x.comparisons for x in e.exclusions), private=private, private_reason=reason,
        sampled=None if e.comparisons.sampled is None else e.comparisons.sampled.share,
        failures=[rc.ComparedFailures(attributes=x.attributes, rates=x.rates) for x in e.extraction.by_group]
        if e.extraction.supplied else [],
        panels=[_panel(g, x) for g in e.groupings for x in g.operating_points],
    )  # fmt: skip


def _panel(g: results.Grouping, p: results.OperatingPoint) -> rc.ComparedPanel:
    return rc.ComparedPanel(
        attributes=g.attributes, origin=p.origin, target_fmr=p.target_fmr, threshold=p.threshold,
        native_threshold=p.native_threshold, achieved_fmr=p.achieved_fmr, status=p.status, reason=p.reason, reference=g.reference,
        fmr=_first(p.fmr), fnmr=_first(p.fnmr), contrasts=p.contrasts,
    )  # fmt: skip


def _first(rates: Sequence[results.Rate]) -> list[results.Rate]:
    """The design by which groups are compared."""
    return [r for r in rates if r.design in ("within", "matched")]


def notes(compared: Sequence[rc.Compared], excluded: Mapping[str, frozenset[tuple[str, str]]]) -> list[rc.ComparisonNote]:
    """Every difference between results that a reader has to know of. excluded: of each result, what was left out by name."""
    out = list(_datasets(compared)) + list(_versions(compared))
    key = lambda x: (x.dataset, x.dataset_digest)  # noqa: E731
    for _, same in groupby(sorted(compared, key=key), key=key):
        block = list(same)
        if len(block) > 1:
            out += [*_same(block), *_settings(block), *_exclusions(block, excluded), *_private(block)]
    return out


def _note(kind: str, among: Sequence[rc.Compared], text: str) -> rc.ComparisonNote:
    return rc.ComparisonNote(kind=kind, ids=[x.id for x in among], text=text)  # type: ignore[arg-type]


def _each(among: Sequence[rc.Compared], value: Mapping[str, str]) -> str:
    """ "A and B: balanced; C: all": who has which value."""
    groups: dict[str, list[str]] = {}
    for x in among:
        groups.setdefault(value[x.id], []).append(x.id)
    return "; ".join(f"{_and(ids)}: {v}" for v, ids in groups.items())


def _and(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else ", ".join(ids[:-1]) + " and " + ids[-1]


def _datasets(compared: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    for name in dict.fromkeys(x.dataset for x in compared):
        own = [x for x in compared if x.dataset == name]
        if len({x.dataset_digest for x in own}) > 1:
            told = _each(own, {x.id: f"digest {x.dataset_digest[:12]}" for x in own})
            yield _note(
                "dataset", own,
                f"These are different copies of {name} ({told}): other files or labels. They stand apart, and nothing is tested "
                "between them.",
            )  # fmt: skip


def _versions(compared: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    made = {
        x.id: f"faceparity {x.faceparity}" + (f", commit {x.commit[:12]}{_dirty(x.commit)}" if x.commit else "") for x in compared
    }
    if len(set(made.values())) > 1:
        told = _each(compared, made)
        yield _note("version", compared, f"The results were made by different versions ({told}): run all with one to be sure.")


def _dirty(commit: str) -> str:
    return " with changes" if commit.endswith("+dirty") else ""


def _same(block: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    """One model twice on one data set, and two models of one name."""
    for name in dict.fromkeys(x.model for x in block):
        own = [x for x in block if x.model == name]
        prints = {x.fingerprint for x in own}
        if len(own) > 1 and len(prints) == 1:
            yield _note(
                "same_result", own,
                f"{_and([x.id for x in own])} are the same model, {name}, on the same data set: what differs between them comes "
                "of the settings, not of the model.",
            )  # fmt: skip
        elif len(own) > 1:
            yield _note(
                "same_name", own,
                f"{_and([x.id for x in own])} are all called {name}, but are not the same: their weights or their pipeline "
                "(detector, alignment, options) differ.",
            )  # fmt: skip


def _settings(block: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    settings = (
        ("attributes", {x.id: " × ".join(x.attributes) or "none" for x in block},
         "They are grouped by different attributes ({}): nothing is tested between those that differ."),
        ("targets", {x.id: ", ".join(f"{t:g}" for t in x.targets) or "none" for x in block},
         "They were asked for different target FMRs ({}): only points that both have are compared."),
        ("pool", {x.id: x.pool or "none" for x in block},
         "Their thresholds were set on different pools ({}): the same target is not the same point, and is not compared."),
        ("sample", {x.id: "all" if x.sampled is None else f"{x.sampled:.2%}" for x in block},
         "They made different shares of the non-mated comparisons ({}), a sample and all or two samples: nothing is tested between "
         "them."),
        ("seed", {x.id: str(x.seed) for x in block}, "Their seeds differ ({}): resampled intervals differ by chance too."),
    )  # fmt: skip
    for kind, value, text in settings:
        if len(set(value.values())) > 1:
            yield _note(kind, block, text.format(_each(block, value)))


def _exclusions(block: Sequence[rc.Compared], excluded: Mapping[str, frozenset[tuple[str, str]]]) -> Iterator[rc.ComparisonNote]:
    """What a person left out by name; the lists themselves are private, whether they are the same is not."""
    if not any(x.excluded_samples or x.excluded_comparisons for x in block):
        return
    told = _each(block, {x.id: f"{x.excluded_samples:,} images and {x.excluded_comparisons:,} comparisons" for x in block})
    lists = {excluded.get(x.id) for x in block}
    same = "the same in all" if len(lists) == 1 and None not in lists else "not the same in all"
    more = "" if same == "the same in all" else ", so what one of them left out is left out of every paired comparison"
    yield _note("exclusions", block, f"Left out by name ({told}), {same}{more}.")


def _private(block: Sequence[rc.Compared]) -> Iterator[rc.ComparisonNote]:
    lost = [x for x in block if not x.private]
    if lost:
        told = "; ".join(f"{x.id}: {x.private_reason}" for x in lost)
        yield _note(
            "private", lost,
            f"Not compared comparison by comparison ({told}): each has its own interval, no test, no rank.",
        )  # fmt: skip
