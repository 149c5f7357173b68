"""The one place that gives every status, reason and verdict of a record its words."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: dict[str, str] = {
    "zero_errors": "no errors seen",
    "group_zero_errors": "no errors seen in the group",
    "reference_zero_errors": "no errors seen in the reference group",
    "first_zero_errors": "no errors seen with the first of the two",
    "second_zero_errors": "no errors seen with the second of the two",
    "some_zero_errors": "at least one of the rates has no errors",
    "zero_comparisons": "no comparisons",
    "too_few_subjects": "fewer than 30 people",
    "too_few_subjects_for_interval": "fewer than 50 people, too few for an interval",
    "too_few_errors": "fewer than 10 errors",
    "too_few_errors_in_higher": "under 30 effective errors on the higher side",
    "too_few_errors_in_lower": "under 8 effective errors on the lower side, with no test for so few here",
    "too_few_discordant": "too few comparisons on which the two differ",
    "no_mated_pairs": "no two images of the same person",
    "target_out_of_reach": "these data cannot reach the target",
    "too_few_comparisons_for_target": "too few comparisons for the target",
    "too_few_effective_errors": "the pool's false matches are too few or come from too few people",
    "mated_not_above": "images of one person score no higher than images of two, or hardly",
    "fnmr_over_half": "more than half of the mated comparisons fall below the threshold",
    "all_failed": "every comparison failed",
    "mostly_same_person": "most errors are probably the same person twice",
    "contaminated": "more than 5 % of the pool's false matches are probably the same person twice",
    "readings_differ": "the readings with and without probable repeats differ",
    "no_second_reading": "without probable repeats of one person nothing can be compared",
    "no_cells": "nobody in it has labels of the other attributes too",
    "cells_too_small": "a cell of the other attributes has fewer than 30 people",
    "cells_few_mated": "a cell of the other attributes has fewer than 30 people with two images",
    "reference_undefined": "the reference group has no rate",
    "one_group": "only one group has a rate",
    "no_published_threshold": "the model's authors publish no threshold",
    "no_pool": "no pool to set a threshold on",
    "group_undefined": "the group has no rate",
    "below_ledger": "the threshold lies below all comparisons that were kept one by one",
    "every_comparison_wrong": "every comparison was an error",
    "too_long_to_resample": "resampling its threshold would take too long",
    "gallery_too_small": "too few people for the gallery",
    "other": "a reason that the record does not name",
}
"""Of a rate, an index, an operating point or a scenario."""

OF_MATED: dict[str, str] = {"too_few_subjects": "fewer than 30 people with two images"}
"""Of a rate of mated comparisons, where the words differ."""

OF_CONTRASTS: dict[str, str] = {
    "too_few_comparisons_for_target": "the threshold rests on too few errors",
    "too_few_effective_errors": "the threshold rests on too few effective errors",
    "zero_errors": "no errors seen on either side",
    "too_few_errors": "too few effective errors for a verdict",
    "contaminated": "the readings with and without probable repeats differ",
    "zero_comparisons": "no comparisons in one of the groups",
    "too_few_subjects": "fewer than 30 people in one of the groups",
    "too_few_subjects_for_interval": "fewer than 50 people in one of the groups",
    "no_mated_pairs": "one of the groups has no two images of the same person",
    "no_cells": "nobody in one of the groups has labels of the other attributes too",
    "cells_too_small": "in one of the groups a cell of the other attributes has fewer than 30 people",
    "cells_few_mated": "in one of the groups a cell of the other attributes has fewer than 30 people with two images",
    "every_comparison_wrong": "in one of the groups every comparison was an error",
}
"""Of a comparison of two groups, where the words differ: what holds of either."""

OF_MODELS: dict[str, str] = {
    "zero_errors": "no errors seen with either",
    "too_few_errors": "too few effective errors for a verdict",
}
"""Of a comparison of two models, where the words differ."""

OF_PAIRED: dict[str, str] = {"too_few_errors": "too few errors for a verdict"}
"""Of a difference between two conditions, where the words differ: from 10 to 29 errors are too few, too."""

OF_CLAIMS: dict[str, str] = {
    "synthetic": "the faces are synthetic, which says nothing about people",
    "no_experiment": "the data set is no experiment with that factor",
    "no_such_label": "the data set has no such label",
    "not_grouped": "this run did not group by the label it needs",
    "proxy_label": "the data set has another label than the one the claim is about",
    "no_measure": "its words do not say how it was measured",
    "target_not_asked": "its operating point was not asked for",
    "readings_differ": "with and without probable repeats of one person it reads differently",
    "cells_too_small": "a group of the other attributes has fewer than 30 people",
    "cells_few_mated": "a group of the other attributes has fewer than 30 people with two images",
    "no_mated_pairs": "no two images are labelled as of one person",
    "too_few_comparisons_for_target": "there are too few comparisons for its operating point",
    "too_few_subjects": "a group has fewer than 30 people",
    "zero_comparisons": "nothing was compared",
    "no_pool": "there is nothing to set a threshold on",
}
"""Of a claim or its test, as a clause, where the words differ from those of a contrast."""

EXCLUDED: dict[str, str] = {
    "wrong_label": "wrong label",
    "same_person": "one person under two names",
    "relative": "twins or relatives",
    "duplicate": "duplicate",
    "bad_image": "bad image",
    "other": "another reason",
    "not_given": "no reason given",
}
"""Why somebody left out an image or a comparison by name."""

POINT_STATUSES: dict[str, str] = {"ok": "in use", "refused": "refused", "contaminated": "in use, contaminated"}
RATE_STATUSES: dict[str, str] = {"ok": "rate", "bound": "upper bound", "suppressed": "not shown"}
INDEX_STATUSES: dict[str, str] = {"ok": "value", "undefined": "undefined"}
VERDICTS: dict[str, str] = {"higher": "higher", "lower": "lower", "inconclusive": "inconclusive", "none": "no ratio"}
CLAIM_VERDICTS: dict[str, str] = {
    "borne_out": "borne out",
    "contradicted": "contradicted",
    "mixed": "mixed",
    "inconclusive": "inconclusive",
    "not_testable": "not testable",
}
CLAIM_RESULTS: dict[str, str] = {
    "as_claimed": "as claimed",
    "opposite": "opposite",
    "inconclusive": "inconclusive",
    "not_testable": "not testable",
}

BY_FIELD: dict[str, Mapping[str, str]] = {
    "reason": REASONS,
    "no_mates": REASONS,
    "verdict": VERDICTS,
    "verdict_before": VERDICTS,
    "verdict_after": VERDICTS,
}
BY_RECORD: dict[tuple[str, str], Mapping[str, str]] = {
    ("OperatingPoint", "status"): POINT_STATUSES,
    ("ComparedPanel", "status"): POINT_STATUSES,
    ("Rate", "status"): RATE_STATUSES,
    ("Index", "status"): INDEX_STATUSES,
    ("Contrast", "reason"): REASONS | OF_CONTRASTS,
    ("ScenarioRatio", "reason"): REASONS | OF_CONTRASTS,
    ("ScenarioContrast", "reason"): REASONS | OF_CONTRASTS,
    ("ModelChange", "reason"): REASONS | OF_MODELS,
    ("LeagueTest", "reason"): REASONS | OF_MODELS,
    ("PairedDifference", "reason"): REASONS | OF_PAIRED,
    ("ClaimReading", "verdict"): CLAIM_VERDICTS,
    ("ClaimReading", "reason"): REASONS | OF_CONTRASTS | OF_CLAIMS,
    ("ClaimTest", "result"): CLAIM_RESULTS,
    ("ClaimTest", "reason"): REASONS | OF_CONTRASTS | OF_CLAIMS,
    ("ExcludedCount", "reason"): EXCLUDED,
}


def words_of(record: str, field: str) -> Mapping[str, str] | None:
    """Return the words of every value that a field of a record may have.

    None for a field that has none here: it is neither a status nor a reason nor a verdict.
    """
    return BY_RECORD.get((record, field)) or BY_FIELD.get(field)
