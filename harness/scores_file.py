"""`faceparity score`: any system's scores, from a CSV or Parquet file, through the same statistics as a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.dataset import Attribute
from faceparity.datasets.errors import UserError
from faceparity.datasets.tables import delimiter_of

from . import record
from .comparisons.cells import Cells, Grouping, make_cells
from .comparisons.evidence import Evidence
from .comparisons.listed import evidence_of_list
from .comparisons.tally import Grid
from .evaluation import describe
from .evaluation.evaluate import Options, check_references, comparisons_info, groupings_of, to_grouping
from .evaluation.measure import Fixed, Questions, measure
from .evaluation.pool import make_pool
from .evaluation.samples import failure_rates
from .evaluation.tallying import BINS, Tallied

NEEDED = ("subject_a", "subject_b", "mated", "score")
TRUE, FALSE = frozenset({"1", "1.0", "true", "yes", "t", "y"}), frozenset({"0", "0.0", "false", "no", "f", "n"})
Strings = NDArray[np.str_]


@dataclass(frozen=True)
class ScoreTable:
    """A score file in memory. a, b: index of the sample of each row; score: nan where the comparison failed.

    subjects, attributes: per sample. left_out: kind → rows that were not used.
    """

    subjects: NDArray[np.int32]
    attributes: tuple[Attribute, ...]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    score: NDArray[np.float32]
    left_out: dict[str, int]
    digest: str


def read_columns(path: Path) -> dict[str, Any]:
    """Columns of a CSV (parted by comma, semicolon, tab or bar) or Parquet file as pyarrow arrays, by lower-case name.

    Raises UserError if it can't be read, has no rows, or two columns of one name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise UserError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; name a CSV or Parquet file")
    try:
        table = pq.read_table(path) if _is_parquet(path) else _read_csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: can't be read as a table ({str(error).splitlines()[0]})") from error
    if not table.num_rows:
        raise UserError(f"{path}: holds no rows")
    names = [name.strip().lower() for name in table.column_names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise UserError(f"{path}: two columns called {twice[0]!r}; rename one of them")
    return {name: table.column(i).combine_chunks() for i, name in enumerate(names) if name}


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def _read_csv(path: Path) -> Any:
    """A CSV as a table of texts."""
    import pyarrow as pa
    import pyarrow.csv as pc

    with path.open("rb") as file:
        first = file.readline(1 << 16).decode("utf-8", "replace")
    cut = pc.ParseOptions(delimiter=delimiter_of(first), ignore_empty_lines=True)
    names = pc.open_csv(path, parse_options=cut).schema.names
    texts = pc.ConvertOptions(column_types={n: pa.string() for n in names}, strings_can_be_null=False)
    return pc.read_csv(path, parse_options=cut, convert_options=texts)


def _row(path: Path, index: int) -> str:
    """How a row is named to a person: by its line in a text file (empty lines apart), by its number in a Parquet file."""
    return f"{path}, row {index + (1 if _is_parquet(path) else 2)}"


def _texts(column: Any) -> tuple[NDArray[np.int64], Strings]:
    """Code of each row, and the words; null is the empty text."""
    import pyarrow.compute as pc

    encoded = pc.fill_null(pc.cast(column, "string"), "").dictionary_encode()
    if hasattr(encoded, "combine_chunks"):
        encoded = encoded.combine_chunks()
    words = np.char.strip(np.asarray(encoded.dictionary.to_pylist(), dtype=str))
    unique, merged = np.unique(words, return_inverse=True)
    return merged.reshape(-1)[np.asarray(encoded.indices, np.int64)], unique


def read_scores(path: Path) -> ScoreTable:
    """The comparisons of a score file. Raises UserError with the row for what is no score, no truth value, or contradicts itself."""
    columns = read_columns(path)
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise UserError(f"{path}: no column {', '.join(missing)}; it has {', '.join(columns)}: rename its columns to these")
    score = _scores(path, columns["score"])
    mated = _truths(path, columns["mated"])
    names = sorted(name[:-2] for name in columns if name.endswith("_a") and name not in ("subject_a", "sample_a"))
    lonely = [n for n in names if f"{n}_b" not in columns]
    if lonely:
        raise UserError(f"{path}: column {lonely[0]}_a without {lonely[0]}_b; an attribute needs both")
    n = score.size
    subject, people = _both(columns, "subject")
    if (people[subject] == "").any():
        row = int(np.flatnonzero(people[subject] == "")[0]) % n
        raise UserError(f"{_row(path, row)}: no subject; every comparison needs subject_a and subject_b")
    labels = {name: _both(columns, name) for name in names}
    has_samples = "sample_a" in columns and "sample_b" in columns
    if has_samples:
        first, sample = _distinct([subject, _both(columns, "sample")[0]])
        _check_labels(path, labels, first, sample)
    else:
        first, sample = _distinct([subject, *(codes for codes, _ in labels.values())])
    a, b = sample[:n], sample[n:]
    subjects = subject[first].astype(np.int32)
    wrong = np.flatnonzero(mated != (subjects[a] == subjects[b]))
    if wrong.size:
        raise UserError(f"{_row(path, int(wrong[0]))}: mated contradicts subject_a and subject_b ({wrong.size:,} such rows)")
    attributes = tuple(_attribute(name, codes[first], words, subjects) for name, (codes, words) in labels.items())
    keep, left_out = _usable(a, b, has_samples)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ScoreTable(subjects, attributes, a[keep], b[keep], score[keep], left_out, digest)


def _check_labels(
    path: Path, labels: Mapping[str, tuple[NDArray[np.int64], Strings]], first: NDArray[np.int64], sample: NDArray[np.int32]
) -> None:
    """Raises UserError, with the row, if one sample has two labels."""
    n = sample.size // 2
    for name, (codes, words) in labels.items():
        wrong = np.flatnonzero(codes != codes[first][sample])
        if wrong.size:
            row, earlier = int(wrong[0]), int(first[sample[wrong[0]]])
            here, there = (str(words[codes[i]]) or "empty" for i in (row, earlier))
            raise UserError(
                f"{_row(path, row % n)}: {name} of this sample is {here!r}, but {there!r} in row "
                f"{_row(path, earlier % n).rpartition(' ')[2]}; a sample has one label"
            )


def _distinct(parts: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """First row and number of each distinct combination of codes; combinations are numbered in order."""
    number = np.zeros(parts[0].size, np.int64)
    for codes in parts:
        joined = number * (int(codes.max()) + 1) + codes
        number = np.unique(joined, return_inverse=True)[1].reshape(-1)
    _, first = np.unique(number, return_index=True)
    return first, number.astype(np.int32)


def _both(columns: dict[str, Any], name: str) -> tuple[NDArray[np.int64], Strings]:
    """Codes of column NAME_a, then of NAME_b, over one list of words."""
    import pyarrow as pa

    import pyarrow.compute as pc  # isort: skip

    joined = pa.chunked_array([pc.cast(columns[f"{name}_{side}"], "string") for side in "ab"])
    return _texts(joined)


def _attribute(name: str, codes: NDArray[np.int64], words: Strings, subjects: NDArray[np.int32]) -> Attribute:
    """A label per sample; the empty text is none. It belongs to the sample if some subject has two values."""
    values = [str(w) for w in words if w]
    place = np.asarray([values.index(str(w)) if w else -1 for w in words], np.int32)
    mapped = place[codes]
    used = np.unique(mapped[mapped >= 0])
    renumber = np.full(len(values) + 1, -1, np.int32)
    renumber[used] = np.arange(used.size)
    mapped = renumber[mapped]
    known = mapped >= 0
    per_subject = np.unique(np.stack([subjects[known], mapped[known]], axis=1), axis=0)[:, 0]
    several = np.unique(per_subject).size < per_subject.size
    return Attribute(name, tuple(values[u] for u in used), mapped.astype(np.int32), "sample" if several else "subject")


def _scores(path: Path, column: Any) -> NDArray[np.float32]:
    """float32[rows], nan for an empty score. Refuses NaN, infinity and what is no number, with the row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        empty = np.asarray(pc.fill_null(pc.equal(trimmed, ""), True))
        numbers = (
            np.asarray([_number(t) for t in trimmed.filter(pa.array(~empty)).to_pylist()], np.float64)
            if _odd(trimmed, empty)
            else None
        )
        values = np.full(len(column), np.nan)
        values[~empty] = np.asarray(pc.cast(trimmed.filter(pa.array(~empty)), "float64")) if numbers is None else numbers
    else:
        empty = np.asarray(pc.is_null(column))
        values = np.asarray(pc.fill_null(pc.cast(column, "float64"), 0.0), np.float64).copy()
    with np.errstate(over="ignore"):
        out = values.astype(np.float32)
    bad = np.flatnonzero(~empty & ~np.isfinite(out))
    if bad.size:
        raise UserError(
            f"{_row(path, int(bad[0]))}: the score {str(column[int(bad[0])])!r} is not a finite number ({bad.size:,} such rows); "
            "write 0.5, not 0,5; leave the cell of a failed comparison empty"
        )
    out[empty] = np.nan
    return out


def _odd(trimmed: Any, empty: NDArray[np.bool_]) -> bool:
    """Whether some text is no number, so that it must be looked at one by one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.cast(trimmed.filter(pa.array(~empty)), "float64")
    except pa.ArrowInvalid:
        return True
    return False


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _truths(path: Path, column: Any) -> NDArray[np.bool_]:
    """bool[rows] from true/false, yes/no, 1/0."""
    codes, words = _texts(column)
    known = np.asarray([1 if w.lower() in TRUE else 0 if w.lower() in FALSE else -1 for w in words])
    values = known[codes]
    bad = np.flatnonzero(values < 0)
    if bad.size:
        raise UserError(f"{_row(path, int(bad[0]))}: mated is {words[codes[bad[0]]]!r}; write true or false")
    return values.astype(bool)


def _usable(a: NDArray[np.int32], b: NDArray[np.int32], has_samples: bool) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Rows to use: with samples named, no sample with itself and no pair twice; otherwise all."""
    keep = np.ones(a.size, bool)
    if not has_samples:
        return keep, {}
    self_pair = a == b
    key = np.minimum(a, b).astype(np.int64) * (int(max(a.max(), b.max())) + 1) + np.maximum(a, b)
    _, first = np.unique(key, return_index=True)
    keep[:] = False
    keep[first] = True
    repeated = int((~keep).sum())
    keep &= ~self_pair
    return keep, {"with_itself": int(self_pair.sum()), "repeated": repeated}


def evaluate_scores(path: Path, options: Options, *, failures: Path | None = None, distance: bool = False) -> record.Evaluation:
    """The record of a score file. Raises UserError."""
    table = read_scores(path)
    sign = -1 if distance else 1
    by = list(dict.fromkeys(options.by)) or [a.name for a in table.attributes]
    known = {a.name: a for a in table.attributes}
    for name in by:
        if name not in known:
            raise UserError(f"{path}: no attribute {name!r}; it has: {', '.join(known) or 'none'}")
    if not by:
        raise UserError(f"{path}: no attribute to group by: add columns such as gender_a and gender_b")
    attributes = [known[name] for name in by]
    cells = make_cells(attributes, table.subjects.size)
    groupings = groupings_of(cells, table.subjects, merge=True)
    check_references(options.references, groupings)
    failed = np.isnan(table.score)
    extraction = _failures(failures, by, groupings_of, bool(failed.any()))
    evidence = _evidence(table, cells, failed, sign, options)
    pool = make_pool(options.pool, cells, table.subjects, evidence.tally.non_mated.sum(axis=2), groupings[-1], groupings)
    fixed = (
        ()
        if options.threshold is None
        else (Fixed("fixed", float(str(np.float32(sign * options.threshold))), "given with --threshold"),)
    )
    questions = Questions(options.targets, fixed, options.references, sign, None, options.seed)
    measured = measure(evidence, groupings, groupings[-1], pool, questions)
    info = comparisons_info(Tallied(evidence, 1))
    evaluation = record.Evaluation(
        provenance=describe.provenance(options.command, options.seed, options.workers),
        dataset=_dataset(path, table, attributes, groupings),
        model=_model(path, distance, table.digest),
        comparisons=info.model_copy(update={"left_out": table.left_out}),
        extraction=extraction,
        groupings=[
            to_grouping(g, points, evidence, cells, table.subjects, options.references, [])
            for g, points in zip(groupings, measured, strict=True)
        ],
        warnings=[f"{n:,} rows left out: {kind.replace('_', ' ')}" for kind, n in table.left_out.items() if n],
    )
    return record.canonical(evaluation)


def _evidence(table: ScoreTable, cells: Cells, failed: NDArray[np.bool_], sign: int, options: Options) -> Evidence:
    made = table.score[~failed] * np.float32(sign)
    if not made.size:
        raise UserError("every score is empty: no comparison was made")
    low, high = float(made.min()), float(made.max())
    thresholds = () if options.threshold is None else (sign * options.threshold,)
    grid = Grid.uniform(low, high if high > low else low + 1.0, BINS, thresholds)
    return evidence_of_list(
        table.subjects,
        cells,
        table.a,
        table.b,
        table.score * np.float32(sign),
        failed,
        grid,
        failures_supplied=bool(failed.any()),
    )


def _failures(path: Path | None, by: Sequence[str], group: Any, empty_scores: bool) -> record.Extraction:
    """FTX from the failures file: columns subject, attempted, failed and the attributes, one row a subject or sample."""
    none = record.Extraction(
        supplied=empty_scores, overall=None, by_group=[], no_face=0, unreadable=0, several_faces=0, faces_policy="not known"
    )
    if path is None:
        return none
    columns = read_columns(path)
    missing = [c for c in ("subject", "attempted", "failed", *by) if c not in columns]
    if missing:
        raise UserError(f"{path}: no column {', '.join(missing)}; it has {', '.join(columns)}")
    subject, _ = _texts(columns["subject"])
    tried, failed = (_whole(path, columns[c], c) for c in ("attempted", "failed"))
    over = np.flatnonzero(failed > tried)
    if over.size:
        raise UserError(f"{_row(path, int(over[0]))}: more failed than attempted")
    row = np.repeat(np.arange(tried.size), tried)
    ordinal = np.arange(row.size) - np.repeat(np.cumsum(tried) - tried, tried)
    is_failed = ordinal < failed[row]
    people = subject.astype(np.int32)[row]
    attributes = []
    for name in by:
        codes, words = _texts(columns[name])
        attributes.append(_attribute(name, codes[row], words, people))
    cells = make_cells(attributes, row.size)
    overall, by_group = failure_rates(group(cells, people, merge=True), cells, people, is_failed)
    return none.model_copy(update={"supplied": True, "overall": overall, "by_group": by_group})


def _whole(path: Path, column: Any, name: str) -> NDArray[np.int64]:
    """int64[rows] ≥ 0."""
    codes, words = _texts(column)
    bad = [w for w in words if not str(w).isdecimal()]
    if bad:
        row = int(np.flatnonzero(words[codes] == bad[0])[0])
        raise UserError(f"{_row(path, row)}: {name} is {str(bad[0])!r}; write a whole number")
    return np.asarray([int(w) for w in words], np.int64)[codes]


def _dataset(path: Path, table: ScoreTable, attributes: Sequence[Attribute], groupings: Sequence[Grouping]) -> record.DatasetInfo:
    labels = [
        record.LabelInfo(
            attribute=a.name, column=f"{a.name}_a, {a.name}_b", of=a.of, provenance="unknown",
            values=describe.published_values(a, groupings), unlabelled=int((a.codes < 0).sum()),
        )
        for a in attributes
    ]  # fmt: skip
    return record.DatasetInfo(
        name=path.stem, title="Scores supplied in a file", version="", home="", digest=table.digest, licence="unknown",
        consent="unknown", withdrawn="", synthetic=False, identity="labelled", labels_public=False, labels=labels,
        subjects=int(np.unique(table.subjects).size), samples=int(table.subjects.size), problems={}, known_defects=[], citation="",
    )  # fmt: skip


def _model(path: Path, distance: bool, digest: str) -> record.ModelInfo:
    unit = "supplied distance" if distance else "supplied score"
    score = record.ScoreInfo(kind="supplied", unit=unit, sign=-1 if distance else 1)
    return record.ModelInfo(
        name=path.stem, title="A system known by its scores alone", version="", fingerprint=digest, licence="unknown",
        training_data="unknown", training_overlap=False, weights=[], detector="unknown", alignment="unknown", input="unknown",
        dimensions=None, score=score, published_threshold=None, published_threshold_source="", likely_same_person=None,
        known_weaknesses=[],
    )  # fmt: skip
