"""What is said of the errors that set a threshold, wherever a first screen is."""

from __future__ import annotations

import pytest

from faceparity.harness.results import Evaluation, OperatingPoint, PoolErrors, SamePerson
from faceparity.reports.formats.html import flags
from faceparity.reports.formats.markdown import summary
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.narrative import forbidden
from faceparity.reports.wording.pool_words import has_repeats, pool_flags, repeats_flag, rests_on
from tests.reports.formats.test_terminal import shown


def with_errors(evaluation: Evaluation, errors: PoolErrors, **update: object) -> Evaluation:
    """The evaluation, with what its first target's threshold rests on."""
    groupings = []
    for grouping in evaluation.groupings:
        first = grouping.operating_points[0].model_copy(update={"pool_errors": errors, **update})
        groupings.append(grouping.model_copy(update={"operating_points": [first, *grouping.operating_points[1:]]}))
    return evaluation.model_copy(update={"groupings": groupings})


def point_of(evaluation: Evaluation) -> OperatingPoint:
    return finest(evaluation).operating_points[0]


@pytest.mark.parametrize(
    ("effective", "said"),
    [
        (2.07, "rests on 2.1 effective errors; the pool's true rate may be up to twenty times the target"),
        (4.999, "up to twenty times"),
        (5.0, "rests on 5.0 effective errors; the pool's true rate may be about half to three times the target"),
        (9.99, "about half to three times"),
        (10.0, ""),
        (300.0, ""),
    ],
)
def test_how_far_the_true_rate_may_be(variants: dict[str, Evaluation], effective: float, said: str) -> None:
    e = with_errors(variants["plain"], PoolErrors(expected=55.0, effective=effective))
    sentences = rests_on(e, point_of(e))
    assert len(sentences) == bool(said)
    assert said in "".join(sentences)
    assert all(sentence.endswith("No verdict rests on it.") for sentence in sentences)
    text = " ".join(shown(e).split())
    assert (said in text) if said else "rests on" not in text


def test_too_few_expected_errors_count_too(variants: dict[str, Evaluation]) -> None:
    e = with_errors(variants["plain"], PoolErrors(expected=3.0, effective=11.0))
    (text,) = rests_on(e, point_of(e))
    assert text.startswith(
        "This threshold rests on 3.0 expected errors; the pool's true rate may be up to twenty times the target"
    )


def test_the_interval_of_the_pool_s_rate_stands_beside_it(variants: dict[str, Evaluation]) -> None:
    """As a table of LFW knew it: [0.014 %, 0.69 %]."""
    plain = point_of(variants["plain"])
    assert plain.overall is not None
    assert plain.overall.fmr is not None
    overall = plain.overall.model_copy(update={"fmr": plain.overall.fmr.model_copy(update={"interval": (0.00014, 0.0069)})})
    e = with_errors(variants["plain"], PoolErrors(expected=55.0, effective=2.07), overall=overall)
    assert "(95 % interval of the rate seen: 0.014 % to 0.69 %)" in " ".join(shown(e).split())


CARRIED = PoolErrors(expected=55.0, effective=2.07, share_of_one_pair=0.8, group="Black × female", share_of_group=0.9)


def test_who_carries_the_pool_is_on_every_first_screen(variants: dict[str, Evaluation]) -> None:
    e = with_errors(variants["plain"], CARRIED)
    pair, group = "One pair of people carries about 80 %", "One group, Black × female, carries about 90 %"
    screens = {
        "terminal": shown(e),
        "brief terminal": shown_brief(e),
        "finding": " ".join(finding(e).cautions),
        "markdown": summary([e]),
    }
    for where, text in screens.items():
        plain = " ".join(text.replace(f.NBSP, " ").replace("\\", "").split())
        assert pair in plain, where
        assert group in plain, where
        assert "`faceparity suspects` shows which" in plain, where
    assert "one pair of people carries many errors" in flags(e)
    assert not forbidden(" ".join(rests_on(e, point_of(e))))


def shown_brief(evaluation: Evaluation) -> str:
    """Of several evaluations each has one table alone."""
    import io

    from rich.console import Console

    from faceparity.reports.formats.terminal import render

    console = Console(file=io.StringIO(), width=120, highlight=False)
    console.print(render([evaluation, evaluation]))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_refused_target_says_who_carries_the_pool(variants: dict[str, Evaluation]) -> None:
    """But nothing of a threshold that it has not."""
    refused = {"threshold": None, "native_threshold": None, "achieved_fmr": None, "status": "refused"}
    e = with_errors(variants["plain"], CARRIED, **refused, reason="too_few_effective_errors", fmr=[], fnmr=[], contrasts=[])
    text = " ".join(shown(e).split())
    assert "Refused: the pool's false matches are too few or come from too few people." in text
    assert "One pair of people carries about 80 %" in text
    assert "This threshold rests" not in text
    assert pool_flags([point_of(e)]) == ["one pair of people carries many errors", "one group carries many errors"]


def test_all_of_it_is_nearly_all(variants: dict[str, Evaluation]) -> None:
    errors = PoolErrors(expected=55.0, effective=12.0, share_of_one_pair=1.0)
    e = with_errors(variants["plain"], errors)
    (text,) = rests_on(e, point_of(e))
    assert text.startswith("One pair of people carries nearly all of the pool's false matches")


def same(share: float, *, labelled: bool, comparisons: int = 20) -> SamePerson:
    return SamePerson(
        labelled=labelled, threshold=0.65, native_threshold=0.65, comparisons=comparisons, share_of_pool_errors=share,
        by_group={"a": comparisons}, contaminated=share > (0.5 if labelled else 0.05), refused=False,
    )  # fmt: skip


def test_of_labelled_people_it_is_not_said_that_a_verdict_needs_both_readings() -> None:
    assert "needs both readings" in repeats_flag(same(0.2, labelled=False), "20 %")
    below, above = (repeats_flag(same(share, labelled=True), "x") for share in (0.2, 0.6))
    for text in (below, above):
        assert "one person under two ids, wrong labels, or relatives" in text
        assert "both readings" not in text
    assert "no verdict stands" in above
    assert "no verdict" not in below


def test_repeats_of_labelled_people_are_told_where_there_are_any(variants: dict[str, Evaluation]) -> None:
    plain = point_of(variants["plain"])
    assert not has_repeats(plain.model_copy(update={"same_person": same(0.0, labelled=True, comparisons=0)}))
    for found in (same(0.01, labelled=True), same(0.6, labelled=True)):
        point = plain.model_copy(update={"same_person": found, "without_likely_same_person": plain})
        assert has_repeats(point)
        e = with_errors(variants["plain"], CARRIED, same_person=found, without_likely_same_person=plain)
        assert "ALIKE AS ONE PERSON" in shown(e) or found.contaminated
        assert "The data set does not say who is pictured" not in " ".join(finding(e).cautions)
