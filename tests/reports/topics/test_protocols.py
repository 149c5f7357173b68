"""Published protocols in the reports: every figure of the record, both readings of failures, nothing claimed, nothing unescaped."""

from __future__ import annotations

import csv
import io
from types import ModuleType

import pytest
from rich.console import Console

from faceparity.harness.results import (
    Evaluation,
    Protocol,
    ProtocolGroups,
    ProtocolPoint,
    Verification,
    VerificationFold,
    VerificationGroup,
    canonical,
)
from faceparity.reports.formats import terminal
from faceparity.reports.formats.csv_tables import tables
from faceparity.reports.formats.html import render
from faceparity.reports.formats.markdown import summary
from faceparity.reports.topics import protocols
from faceparity.reports.wording.csv_rows import to_csv
from faceparity.reports.wording.narrative import forbidden


def verification(failed: int = 3) -> Verification:
    folds = [
        VerificationFold(
            fold=k, threshold=0.3 + k / 100, native_threshold=0.3 + k / 100, compared=600 - failed, failed_mated=failed,
            failed_non_mated=0, accuracy=0.99, accuracy_including_failures=0.985,
        )
        for k in range(1, 11)
    ]  # fmt: skip
    return Verification(
        rule="each fold at the threshold chosen on the others", folds=folds, accuracy=0.99383, standard_error=0.00086,
        standard_deviation=0.00273, accuracy_including_failures=0.98883, standard_error_including_failures=0.001,
        standard_deviation_including_failures=0.0032,
        groups=[VerificationGroup(attributes=["gender"], group="Female", subjects=400, compared=2000, accuracy=0.9876)],
    )  # fmt: skip


def protocol(builder: ModuleType, e: Evaluation, **more: object) -> Protocol:
    points = [
        ProtocolPoint(
            origin=p.origin, target_fmr=p.target_fmr, threshold=p.threshold, native_threshold=p.native_threshold, accuracy=0.9701,
            fmr=builder.rate("all listed pairs", 900, 3000, 17, "all"), fnmr=builder.rate("all listed pairs", 900, 3000, 90, "all"),
            groupings=[ProtocolGroups(attributes=["gender"], fmr=[builder.rate("Female", 400, 800, 12)],
                                      fnmr=[builder.rate("Female", 400, 900, 44)], mixed=1200, unlabelled=33)],
        )
        for p in e.groupings[-1].operating_points
        if p.threshold is not None
    ]  # fmt: skip
    points.append(
        ProtocolPoint(
            origin="protocol", target_fmr=1e-4, threshold=None, native_threshold=None, reason="too_few_comparisons_for_target",
            needs_comparisons=100_000,
        )
    )  # fmt: skip
    values: dict[str, object] = {
        "name": "view 2", "source": "pairs.txt (a university)", "mated": 3000, "non_mated": 3000, "failed_mated": 30,
        "failed_non_mated": 0, "missing": 0, "subjects": 4281, "repeated": 2, "identical_images": 1, "contrary": 0, "n_folds": 10,
        "verification": verification(), "points": points,
    }  # fmt: skip
    return Protocol(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture
def evaluation(builder: ModuleType, variants: dict[str, Evaluation]) -> Evaluation:
    e = variants["plain"]
    return canonical(e.model_copy(update={"protocols": [protocol(builder, e)]}))


def shown(e: Evaluation, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(terminal.render([e]))
    return out.getvalue()


def test_both_readings_and_all_counts_are_told(evaluation: Evaluation) -> None:
    page = " ".join(render([evaluation]).split())
    for text in (page, " ".join(shown(evaluation).split()), " ".join(summary([evaluation]).split())):
        assert "99.38 % ± 0.09" in text
        assert "98.88 % ± 0.10 with them as non-matches" in text
        assert "standard deviation 0.27 %" in text
        assert "30 comparisons failed" in text
        assert "2 pairs listed twice and 1 pair of one image with itself" in text
        assert "FMR, all" in text
    for cell in ("97.01 %", "98.76 %", "100,000 comparisons needed", "1,200 pairs across groups, 33 with an unlabelled sample"):
        assert cell in page
    assert page.count(">Published protocols<") >= 1


def test_the_terminals_table_fits_eighty_columns(evaluation: Evaluation) -> None:
    lines = shown(evaluation).splitlines()
    at = next(i for i, line in enumerate(lines) if "On the list, and over all pairs" in line)
    assert all(len(line.rstrip()) <= 80 for line in lines[at : at + 8])
    assert "…" not in "".join(lines[at : at + 8])


def test_a_list_that_is_not_whole_or_contradicts_its_labels_is_flagged(
    builder: ModuleType, variants: dict[str, Evaluation]
) -> None:
    e = variants["plain"]
    bad = canonical(e.model_copy(update={"protocols": [protocol(builder, e, missing=12, contrary=3)]}))
    for text in (" ".join(render([bad]).split()), " ".join(shown(bad).split()), summary([bad])):
        assert "Not the whole list: 12 of 6,012 pairs" in text
        assert "3 pairs contradict" in text


def test_a_list_without_folds_or_without_a_figure(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    e = variants["plain"]
    assert protocols.sentences(protocol(builder, e, verification=None, n_folds=1)) == []
    none = verification().model_copy(update={"accuracy": None, "reason": "zero_comparisons"})
    assert "no figure" in protocols.sentences(protocol(builder, e, verification=none))[0]
    whole = protocol(builder, e, failed_mated=0)
    assert protocols.sentences(whole)[0].endswith("no comparison failed.")


def test_people_without_names_are_at_most_so_many(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    labelled, without = variants["plain"], variants["contaminated"]
    assert "pairs of 4,281 people" in protocols.contents(labelled, protocol(builder, labelled))
    assert without.dataset.identity == "none"
    assert "pairs of at most 4,281 people" in protocols.contents(without, protocol(builder, without))


def test_nothing_is_claimed_that_may_not_be(evaluation: Evaluation) -> None:
    p = evaluation.protocols[0]
    for sentence in (*protocols.sentences(p), protocols.contents(evaluation, p), *protocols.flags(p), protocols.WHAT):
        assert not forbidden(sentence)


def test_names_from_outside_are_escaped_and_cleaned(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    e = variants["hostile"]
    evil = protocol(builder, e, name="<script>x</script>\x1b[31m|", source="a|b<i>")
    hostile = canonical(e.model_copy(update={"protocols": [evil]}))
    page = render([hostile])
    assert "<script>x" not in page
    assert "<i>" not in page
    assert "\x1b" not in page + summary([hostile]) + protocols.contents(hostile, evil)
    rows = [line for line in summary([hostile]).splitlines() if line.startswith("| Target")]
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1


def test_tables_hold_every_number(evaluation: Evaluation) -> None:
    written = tables(evaluation)
    read = {name: list(csv.DictReader(io.StringIO(to_csv(*written[name])))) for name in written if name.startswith("protocol")}
    (row,) = read["protocols"]
    assert (float(row["accuracy"]), float(row["standard_error_including_failures"]), row["missing"]) == (0.99383, 0.001, "0")
    assert [float(r["threshold"]) for r in read["protocol_folds"]] == [0.3 + k / 100 for k in range(1, 11)]
    assert read["protocol_groups"][0]["accuracy"] == "0.9876"
    errors = {(r["grouping"], r["measure"], r["group"]): r["errors"] for r in read["protocol_rates"]}
    assert errors["", "fmr", "all listed pairs"] == "17"
    assert errors["gender", "fnmr", "Female"] == "44"
    assert [r["needs_comparisons"] for r in read["protocol_rates"] if not r["measure"]] == ["100000"]
    assert all(len(r) == len(written["protocol_rates"][0]) for r in written["protocol_rates"][1])
    assert all(len(r) == len(written["protocols"][0]) for r in written["protocols"][1])
