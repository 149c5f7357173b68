"""Count a run's figures again by the plainest means, and compare: `python -m tests.benchmarks.independent_check RUN`.

Nothing of the tally, the evaluation or the statistics is used: labels come from the publishers' files through the csv module,
scores are one float64 matrix, groups are masks. Only the templates are the run's own (from the store; nothing is extracted).
Known are `london`, `us_congress` and `fairface`, found through FACEPARITY_DATA, grouped by gender and ethnicity.
One JSON line per figure; the last line sums up, and the exit status is 1 if any figure differs.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from faceparity.datasets.registry import load_dataset
from faceparity.harness.templates.extract import extract
from faceparity.harness.templates.store import Store

Mask = NDArray[np.bool_]
F64 = NDArray[np.float64]
CLOSE = 1e-6
"""A score this near to a threshold may fall on either side of it in float32."""
WORDS = {
    "white": "White", "black": "Black", "west_asian": "West Asian", "east_asian": "East Asian", "east_asian/white": "Multiracial",
    "white-american": "White", "african-american": "Black", "hispanic-american": "Hispanic", "asian-american": "Asian",
    "native-american": "Native American", "multi-racial-american": "Multiracial", "pacific-islander": "Pacific Islander",
    "middle-eastern-american": "Middle Eastern", "White": "White", "Black": "Black", "Latino_Hispanic": "Hispanic",
    "East Asian": "East Asian", "Southeast Asian": "Southeast Asian", "Indian": "Indian", "Middle Eastern": "Middle Eastern",
    "Male": "male", "Female": "female", "male": "male", "female": "female", "": None,
}  # fmt: skip


@dataclass
class People:
    """What the publisher's files say. One entry per image; `photos`: pairs of files that show one photograph."""

    subject: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, str | None]] = field(default_factory=dict)
    photos: set[frozenset[str]] = field(default_factory=set)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def london(root: Path) -> People:
    """Two pictures of each person."""
    people = People()
    for row in _rows(root / "london_faces_info.csv"):
        for file in (f"neutral_front/{row['face_id']}_03.jpg", f"smiling_front/{row['face_id']}_08.jpg"):
            people.subject[file] = row["face_id"]
            people.labels[file] = {"gender": WORDS[row["face_gender"]], "ethnicity": WORDS[row["face_eth"]]}
    return people


def us_congress(root: Path) -> People:
    """One or two portraits of each member; some are one photograph."""
    people = People()
    for row in _rows(root / "labels.csv"):
        people.subject[row["file"]] = row["bioguide"]
        people.labels[row["file"]] = {"gender": WORDS[row["gender"]], "ethnicity": WORDS[row["ethnicity"]]}
    people.photos = {frozenset((row["file_a"], row["file_b"])) for row in _rows(root / "same_photo_pairs.csv")}
    return people


def fairface(root: Path) -> People:
    """Each image stands for a person; adults only."""
    people = People()
    for row in _rows(root / "fairface_label_val.csv"):
        if row["age"] not in ("0-2", "3-9", "10-19"):
            people.subject[row["file"]] = row["file"]
            people.labels[row["file"]] = {"gender": WORDS[row["gender"]], "ethnicity": WORDS[row["race"]]}
    return people


READ = {
    "london": (london, "face_research_lab_london"),
    "us_congress": (us_congress, "us_congress"),
    "fairface": (fairface, "fairface"),
}


@dataclass
class Block:
    """Some comparisons: score[k, l] of a sample of person rows[k] and one of person columns[l], where ok. cross: two groups."""

    score: F64
    ok: Mask
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    cross: bool

    @property
    def n(self) -> int:
        """How many comparisons."""
        return int(self.ok.sum())

    def wrong(self, t: float, mated: bool = False) -> Mask:
        """The errors at a threshold."""
        return self.ok & ((self.score < t) if mated else (self.score >= t))

    def rate(self, t: float) -> float:
        """FMR."""
        return float(self.wrong(t).sum() / self.n)

    def per_person(self, t: float, mated: bool = False) -> float:
        """The mean over people of each one's own rate; between two groups, of both groups' means."""
        wrong, n = self.wrong(t, mated), int(max(self.rows.max(), self.columns.max())) + 1
        sides = [
            [np.bincount(people, table.sum(axis=axis), n) for table in (wrong, self.ok)]
            for people, axis in ((self.rows, 1), (self.columns, 0))
        ]
        if not self.cross:
            sides = [[a + b for a, b in zip(*sides, strict=True)]]
        return float(np.mean([np.mean(y[m > 0] / m[m > 0]) for y, m in sides]))

    def below(self, t: float | None) -> Block:
        """As if comparisons at or above t had not been made."""
        return self if t is None else replace(self, ok=self.ok & (self.score < t))

    def borders(self, t: float) -> list[float]:
        """t; then the scores that lie so near that float32 may put them on its other side, and a little above them."""
        near = self.score[self.ok & (np.abs(self.score - t) < CLOSE)]
        return [t, *sorted(near.tolist()), t + CLOSE] if near.size else [t]


@dataclass
class Matrix:
    """Every pair of samples with a template. compare: symmetric; other: of different people. group: by attributes, "" for none."""

    score: F64
    compare: Mask
    other: Mask
    person: NDArray[np.int64]
    group: dict[tuple[str, ...], NDArray[np.str_]]
    same_photo: int

    def pairs(self, by: tuple[str, ...], g: str | None, h: str | None = None, mated: bool = False) -> Block:
        """Comparisons inside group g, or between g and h; g None: all."""
        a = np.arange(len(self.person)) if g is None else np.flatnonzero(self.group[by] == g)
        b = a if h is None else np.flatnonzero(self.group[by] == h)
        at = np.ix_(a, b)
        ok = self.compare[at] & (self.other[at] != mated)
        return Block(self.score[at], np.triu(ok) if h is None else ok, self.person[a], self.person[b], h is not None)


def names(people: People, files: list[str], by: tuple[str, ...]) -> NDArray[np.str_]:
    """Group of each file."""
    out = []
    for file in files:
        values = [people.labels[file][a] for a in by]
        out.append("" if None in values else " × ".join(str(v) for v in values))
    return np.asarray(out)


def scores(vectors: F64, kind: str) -> F64:
    """Similarity of every pair, in float64."""
    if kind == "cosine":
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(unit @ unit.T)
    assert kind == "euclidean"
    out = np.empty((len(vectors), len(vectors)))
    for i, v in enumerate(vectors):
        out[i] = -np.sqrt(((vectors - v) ** 2).sum(axis=1))
    return out


def matrix(people: People, files: list[str], vectors: F64, kind: str, groupings: list[tuple[str, ...]]) -> Matrix:
    """All comparisons of these templates."""
    person = np.unique([people.subject[f] for f in files], return_inverse=True)[1].reshape(-1)
    other = person[:, None] != person[None, :]
    compare = ~np.eye(len(files), dtype=bool)
    place = {f: i for i, f in enumerate(files)}
    left_out = 0
    for pair in people.photos:
        i, j = (place.get(f, -1) for f in pair)
        if i >= 0 and j >= 0:
            compare[i, j] = compare[j, i] = False
            left_out += 1
    return Matrix(scores(vectors, kind), compare, other, person, {by: names(people, files, by) for by in groupings}, left_out)


class Report:
    """Prints one line per figure and counts what differs."""

    def __init__(self, seen: Counter[str], **where: Any) -> None:
        self.where = where
        self.seen = seen

    def compare(self, figure: str, here: Sequence[Any], there: Any, *, slack: float = 0.0, **more: Any) -> None:
        """The first of `here` is the figure, the others what it is with a score on the border on the other side."""
        agrees = [_equal(one, there, slack) for one in here]
        verdict = "same" if agrees[0] else "same with a score on the border counted otherwise" if any(agrees) else "DIFFERENT"
        self.seen[verdict] += 1
        line = {**self.where, **more, "figure": figure, "check": here[0], "run": there, "verdict": verdict}
        print(json.dumps(line, ensure_ascii=False))

    def tell(self, figure: str, value: Any, **more: Any) -> None:
        """A figure that the run does not hold."""
        print(json.dumps({**self.where, **more, "figure": figure, "check": value}, ensure_ascii=False))


def _equal(here: Any, there: Any, slack: float) -> bool:
    if here is None or there is None:
        return here is None and there is None
    return bool(np.all(np.abs(np.asarray(here, float) - np.asarray(there, float)) <= slack))


def balanced(m: Matrix, by: tuple[str, ...]) -> list[Block]:
    """Within-group comparisons of each group of 30 people or more, or of all groups if there is none."""
    people = {g: np.unique(m.person[m.group[by] == g]).size for g in sorted(set(m.group[by]) - {""})}
    large = [g for g, n in people.items() if n >= 30] or list(people)
    return [block for g in large if (block := m.pairs(by, g)).n]


def strata(m: Matrix, pool: str, finest: tuple[str, ...]) -> list[Block]:
    """Which comparisons set the threshold."""
    if pool == "balanced":
        return balanced(m, finest)
    if pool == "all":
        return [m.pairs((), None)]
    attribute, value = pool.split("=")
    return [m.pairs((attribute,), value)]


def threshold_at(pool: list[Block], target: float) -> tuple[float, float] | None:
    """The smallest observed score with FMR ≤ target, and that FMR; None with fewer than 10 expected errors."""
    if sum(block.n for block in pool) * target < 10:
        return None
    observed = np.concatenate([block.score[block.ok] for block in pool])
    weight = np.concatenate([np.full(block.n, 1 / len(pool) / block.n) for block in pool])
    order = np.argsort(-observed)
    rate = np.cumsum(weight[order])
    last = int(np.flatnonzero(rate <= target * (1 + 1e-12))[-1])
    return float(observed[order][last]), float(rate[last])


def interval(block: Block, t: float) -> tuple[float, float] | None:
    """Wilson with dense subject × subject matrices of errors Y and comparisons M; dyadic and jackknife, or two-way."""
    ids, place = np.unique(np.concatenate([block.rows, block.columns]), return_inverse=True)
    row, column = np.split(place.reshape(-1), [block.rows.size])
    y, c = np.zeros((2, ids.size, ids.size))
    for table, mask in ((y, block.wrong(t)), (c, block.ok)):
        i, j = np.nonzero(mask)
        np.add.at(table, (row[i], column[j]), 1)
    total, p = c.sum(), y.sum() / c.sum()
    if block.cross:
        d = y - p * c
        v = ((d.sum(axis=1) ** 2).sum() + (d.sum(axis=0) ** 2).sum() - (d**2).sum()) / total**2
        g = int(min((c.sum(axis=1) > 0).sum(), (c.sum(axis=0) > 0).sum()))
    else:
        y, c = y + y.T, c + c.T
        d = y - p * c
        own = c.sum(axis=1) > 0
        s = (d**2).sum() / 2
        r = d.sum(axis=1)
        without = ((y.sum() - 2 * y.sum(axis=1)) / (c.sum() - 2 * c.sum(axis=1)))[own]
        g = int(own.sum())
        v = max((s + max(0, (r**2).sum() - 2 * s)) / total**2, (g - 1) / g * ((without - without.mean()) ** 2).sum())
    return wilson(p, max(v, p * (1 - p) / total), g)


def wilson(p: float, v: float, g: int) -> tuple[float, float] | None:
    """Interval of a rate of g people."""
    if g < 50 or not 0 < p < 1:
        return None
    t, n = stats.t.ppf(0.975, g - 1), p * (1 - p) / v
    centre, half = (p + t * t / (2 * n)) / (1 + t * t / n), t / (1 + t * t / n) * np.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    return float(max(0, centre - half)), float(min(1, centre + half))


def check_rates(report: Report, m: Matrix, point: dict[str, Any], by: tuple[str, ...], without: float | None = None) -> None:
    """Counts, and intervals, of every rate of one operating point. without: comparisons from this score on are left out."""
    for kind, rates in (("fmr", point["fmr"] + point["fmr_matrix"]), ("fnmr", point["fnmr"])):
        for rate in rates:
            if rate["design"] == "matched":
                continue
            mated = kind == "fnmr"
            other = rate["group_b"] if rate["design"] == "cross" else None
            block = m.pairs(by, rate["group"], other, mated).below(None if mated else without)
            check_rate(
                report,
                kind,
                block,
                rate,
                point["threshold"],
                {"by": by, "design": rate["design"], "group": rate["group"], "group_b": other},
            )


def check_rate(report: Report, kind: str, block: Block, rate: dict[str, Any], t: float, where: dict[str, Any]) -> None:
    """One rate, against its comparisons."""
    report.compare(f"{kind} comparisons", [block.n], rate["comparisons"], **where)
    if rate["status"] == "suppressed":
        report.compare(f"{kind} suppressed", [None], rate["errors"], **where)
        return
    borders = block.borders(t)
    report.compare(f"{kind} errors", [int(block.wrong(b, kind == "fnmr").sum()) for b in borders], rate["errors"], **where)
    if rate["rate"] is not None:
        per_person = [block.per_person(b, kind == "fnmr") for b in borders]
        report.compare(f"{kind} subject weighted", per_person, rate["subject_weighted_rate"], slack=1e-9, **where)
    if kind == "fmr" and rate["status"] == "ok" and rate["interval"]:
        report.compare("fmr interval", [interval(block, b) for b in borders], rate["interval"], slack=1e-9, **where)


def check_matched(report: Report, m: Matrix, point: dict[str, Any], by: tuple[str, ...], finest: tuple[str, ...]) -> None:
    """Means over the cells of the finest grouping: people compared like with like."""
    t = float(point["threshold"])
    for rate in point["fmr"]:
        if rate["design"] != "matched" or rate["rate"] is None:
            continue
        cells = [m.pairs(finest, g) for g in sorted(set(m.group[finest][m.group[by] == rate["group"]]) - {""})]
        sides = [t, *(side for c in cells for side in c.borders(t)[1:])]
        means = [float(np.mean([c.rate(side) for c in cells])) for side in sides]
        report.compare("fmr matched rate", means, rate["rate"], slack=1e-12, by=by, group=rate["group"])


def check_point(report: Report, m: Matrix, grouping: dict[str, Any], point: dict[str, Any], finest: tuple[str, ...]) -> None:
    """One threshold, both readings."""
    by = tuple(grouping["attributes"])
    pool = strata(m, point["pool"]["name"], finest)
    if point["origin"] == "target":
        t, achieved = threshold_at(pool, point["target_fmr"]) or (None, None)
        if point["reason"] != "mostly_same_person":
            report.compare("threshold", [t], point["threshold"], slack=CLOSE)
            report.compare("achieved_fmr", [achieved], point["achieved_fmr"], slack=1e-12)
    else:
        t = point["threshold"]
        report.compare("achieved_fmr", [float(np.mean([b.rate(t) for b in pool]))], point["achieved_fmr"], slack=1e-12)
    if t is not None and point["same_person"]:
        check_same_person(report, m, point, pool, t, by)
    if point["threshold"] is None:
        return
    check_rates(report, m, point, by)
    check_matched(report, m, point, by, finest)
    if grouping["attributes"] == list(finest):
        check_rate(report, "fmr", m.pairs((), None), point["overall"]["fmr_all_pairs"], point["threshold"], {"design": "all"})


def check_same_person(report: Report, m: Matrix, point: dict[str, Any], pool: list[Block], t: float, by: tuple[str, ...]) -> None:
    """Comparisons that look like one person, and the reading without them."""
    same = point["same_person"]
    alike = same["threshold"]
    errors = sum(block.wrong(t).sum() for block in pool)
    likely = sum(block.wrong(max(t, alike)).sum() for block in pool)
    report.compare("same person share of pool errors", [float(likely / errors)], same["share_of_pool_errors"], slack=1e-12)
    for group, count in same["by_group"].items():
        report.compare("likely same person", [int(m.pairs(by, group).wrong(alike).sum())], count, by=by, group=group)
    second = point["without_likely_same_person"]
    if second is None or second["threshold"] is None:
        return
    report = Report(report.seen, **report.where, reading="without likely same person")
    if point["origin"] == "target":
        found = threshold_at([block.below(alike) for block in pool], point["target_fmr"])
        report.compare("threshold", [found and found[0]], second["threshold"], slack=CLOSE)
    check_rates(report, m, second, by, alike)


def check_failures(report: Report, people: People, files: list[str], failed: Mask, result: dict[str, Any]) -> None:
    """FTX by group."""
    overall = result["extraction"]["overall"]
    report.compare("failed, all", [int(failed.sum())], overall["errors"])
    report.compare("attempted, all", [len(files)], overall["comparisons"])
    for part in result["extraction"]["by_group"]:
        by = tuple(part["attributes"])
        group = names(people, files, by)
        for rate in part["rates"]:
            mine = group == rate["group"]
            report.compare("attempted", [int(mine.sum())], rate["comparisons"], by=by, group=rate["group"])
            if rate["status"] != "suppressed":
                report.compare("failed", [int(failed[mine].sum())], rate["errors"], by=by, group=rate["group"])


def issue_figures(report: Report, m: Matrix, finest: tuple[str, ...]) -> None:
    """Thresholds over all pairs and over the balanced pool, each group's FMR there, and how many errors score above 0.65."""
    for name in ("all", "balanced"):
        pool = strata(m, name, finest)
        for target in (1e-2, 1e-3):
            found = threshold_at(pool, target)
            if found is None:
                continue
            where = {"pool": name, "target": target}
            report.tell("threshold", found[0], **where)
            alike = sum(block.wrong(0.65).sum() for block in pool) / sum(block.wrong(found[0]).sum() for block in pool)
            report.tell("share of the pool's errors with a score from 0.65 on", float(alike), **where)
            for group in sorted(set(m.group[finest]) - {""}):
                block = m.pairs(finest, group)
                if np.unique(block.rows).size >= 30:
                    report.tell("fmr", block.rate(found[0]), group=group, **where)


def check(file: Path, store: Store, seen: Counter[str]) -> None:
    """One results.json."""
    result = json.loads(file.read_text("utf-8"))
    name, model = result["dataset"]["name"], result["model"]["name"]
    report = Report(seen, dataset=name, model=model)
    if name not in READ:
        report.tell("skipped", "its publisher's file is not known here")
        return
    read, folder = READ[name]
    people = read(Path(os.environ["FACEPARITY_DATA"]) / folder)
    dataset = load_dataset(name)
    templates = extract(dataset, model, store=store, workers=1)
    report.tell("images extracted for this check", templates.extracted)
    files = list(dataset.files)
    assert set(files) == set(people.subject), "the reader has other images than the publisher's file"
    groupings = [tuple(g["attributes"]) for g in result["groupings"]]
    chosen = [files[i] for i in templates.samples]
    m = matrix(people, chosen, templates.vectors.astype(np.float64), result["model"]["score"]["kind"], groupings)
    check_failures(report, people, files, templates.status != "ok", result)
    report.compare("same photograph left out", [m.same_photo], result["comparisons"]["left_out"]["same_photo"])
    report.compare("non-mated comparisons", [m.pairs((), None).n], result["comparisons"]["non_mated"])
    report.compare("mated comparisons", [m.pairs((), None, mated=True).n], result["comparisons"]["mated"])
    for grouping in result["groupings"]:
        for point in grouping["operating_points"]:
            where = {"origin": point["origin"], "target_fmr": point["target_fmr"]}
            check_point(Report(seen, **report.where, **where), m, grouping, point, groupings[-1])
    issue_figures(report, m, groupings[-1])


def main(run: Path) -> int:
    """Check every result of a run."""
    seen: Counter[str] = Counter()
    with Store() as store:
        for file in sorted(run.rglob("results.json")):
            check(file, store, seen)
    print(json.dumps({"figure": "sum", **seen}))
    return 1 if seen["DIFFERENT"] or not seen["same"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
