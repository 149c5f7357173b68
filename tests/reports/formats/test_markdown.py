"""The small tables: every number from the record, no name can break out of its cell."""

from __future__ import annotations

from faceparity.harness.results import Evaluation
from faceparity.harness.results.parts.notices import SYNTHETIC
from faceparity.reports.formats.markdown import summary
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest


def test_rates_are_the_records(variants: dict[str, Evaluation]) -> None:
    seen = 0
    for e in variants.values():
        text = summary([e])
        for point in finest(e).operating_points:
            for rate in point.fmr:
                if point.threshold is not None and rate.status == "ok":
                    assert f.rate(rate) in text
                    seen += 1
    assert seen > 10


def test_every_row_has_as_many_cells_as_the_header(variants: dict[str, Evaluation]) -> None:
    for name, e in variants.items():
        rows = [line for line in summary([e]).splitlines() if line.startswith("|")]
        widths = {line.replace("\\|", "").count("|") for line in rows}
        assert len(widths) <= 1, name


def test_suppressed_groups_are_counted_not_shown(variants: dict[str, Evaluation]) -> None:
    shown = 0
    for e in variants.values():
        points = [p for p in finest(e).operating_points if p.threshold is not None]
        hidden = [
            g.group
            for g in finest(e).groups
            if points and all(r.status == "suppressed" for p in points for r in p.fmr if r.group == g.group)
        ]
        text = summary([e])
        for group in hidden:
            assert f"| {group} |" not in text
        if hidden:
            assert f.plural(len(hidden), "group") in text
            shown += 1
    assert shown


def test_synthetic_faces_are_told_above_the_table(variants: dict[str, Evaluation]) -> None:
    text = summary([variants["synthetic"]])
    assert text.index(SYNTHETIC) < text.index("| group")
    assert SYNTHETIC not in summary([variants["plain"]])


def test_a_withdrawn_set_and_one_without_labels_say_so(variants: dict[str, Evaluation]) -> None:
    evaluation = next(iter(variants.values()))
    told = evaluation.dataset.model_copy(update={"withdrawn": "Its makers took it down.", "labels": []})
    text = summary([evaluation.model_copy(update={"dataset": told})])
    assert "**This data set was withdrawn.** Its makers took it down." in text
    assert "No labels of groups." in text
    assert "Labels: ." not in text
    assert "withdrawn" not in summary([evaluation])
