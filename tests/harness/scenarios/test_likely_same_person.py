"""Searches and watchlists where comparisons look like one person: on sets with subject labels, and without."""

from __future__ import annotations

import pytest

from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from faceparity.harness.scenarios.load import parse
from tests.harness import people, toy

GROUPS = {("female", "A"): 80, ("female", "B"): 80, ("male", "A"): 80, ("male", "B"): 80}
SEARCH = '[[scenario]]\nname = "s"\nkind = "search"\nthreshold = { fixed = 0.45 }\n[scenario.gallery]\nshare = 0.5\n'
WATCHLIST = '[[scenario]]\nname = "w"\nkind = "watchlist"\nthreshold = {{ {at} }}\n'
WATCHLIST += "[scenario.watchlist]\npeople = 60\n[scenario.crowd]\npeople = 1000\n"


def world(pairs: int, identity: str = "labelled") -> people.World:
    twins = {(2 * k, 2 * k + 1): 0.0 for k in range(pairs)}
    return people.make_world(GROUPS, alike=twins, images=dict.fromkeys(range(320), 2), noise=0.2, identity=identity)


def run(text: str, made: people.World, same_person: float | None = 0.85) -> results.Scenario:
    options = Resolved(Options(by=("gender",), targets=(1e-2,)), scenarios=tuple(parse(text, "test.toml")))
    card = toy.make_card(published=None, same_person=same_person)
    (found,) = evaluate(made.dataset, card, made.templates, options).evaluation.scenarios
    return found


def test_a_search_of_labelled_people_counts_them_and_keeps_its_verdicts() -> None:
    made = world(4)
    found, plain = run(SEARCH, made), run(SEARCH, made, None)
    assert isinstance(found, results.SearchScenario)
    assert isinstance(plain, results.SearchScenario)
    assert 0 < found.same_person_share < 0.5
    assert found.fpir_without_likely_same_person[0].rate < found.fpir[0].rate
    assert found.contrasts == plain.contrasts
    assert plain.same_person_share is None


def test_where_most_false_alarms_look_like_one_person_no_verdict_on_them_stands() -> None:
    found = run(SEARCH.replace("0.45", "0.7"), world(40))
    assert isinstance(found, results.SearchScenario)
    assert found.same_person_share > 0.5
    of_alarms = [contrast for contrast in found.contrasts if contrast.measure == "fpir"]
    assert of_alarms
    assert {contrast.verdict for contrast in of_alarms} <= {"inconclusive", "none"}
    assert {contrast.reason for contrast in of_alarms if contrast.verdict == "inconclusive"} == {"mostly_same_person"}


@pytest.mark.slow
@pytest.mark.parametrize(("pairs", "withheld"), [(4, False), (40, True)])
def test_a_watchlist_of_labelled_people(pairs: int, withheld: bool) -> None:
    text = WATCHLIST.format(at="fixed = 0.7" if withheld else "fixed = 0.45")
    made = world(pairs)
    found, plain = run(text, made), run(text, made, None)
    assert isinstance(found, results.WatchlistScenario)
    assert isinstance(plain, results.WatchlistScenario)
    assert found.same_person_labelled
    assert found.likely_same_person > 0
    assert found.without_likely_same_person.overall.fpir.errors <= found.reading.overall.fpir.errors
    ratios = [group.ratio for group in found.reading.groups if group.ratio is not None]
    if withheld:
        assert {ratio.verdict for ratio in ratios} <= {"inconclusive", "none"}
    else:
        assert found.reading == plain.reading


def test_a_target_is_refused_only_where_nobody_says_who_is_who() -> None:
    text = WATCHLIST.format(at="target_fpir = 0.1")
    labelled, nobody = (run(text, world(40, identity)) for identity in ("labelled", "none"))
    assert isinstance(labelled, results.WatchlistScenario)
    assert isinstance(nobody, results.WatchlistScenario)
    assert labelled.threshold.threshold is not None
    assert nobody.reason == "mostly_same_person"
