"""Which face of several a data set's card says to use."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faceparity.datasets.schema.card import DatasetCard, load_card


@pytest.mark.parametrize(
    "name",
    ["lfw", "calfw", "cplfw", "xqlfw", "agedb30", "cfp", "insightface_bin", "rfw", "bfw", "demogpairs", "vggface2", "maad_face",
     "utkface", "fhibe", "ijbc"],
)  # fmt: skip
def test_crops_about_one_person_say_the_central_one(name: str) -> None:
    assert load_card(name).faces == "centre"


@pytest.mark.parametrize(
    "name", ["folder", "control", "control-tone", "fairface", "london", "us_congress", "ppb", "cfd", "meds2", "morph2"]
)
def test_portraits_and_pictures_as_found_say_the_largest(name: str) -> None:
    assert load_card(name).faces == "largest"


@pytest.mark.parametrize("wrong", ["center", "", None, "biggest"])
def test_there_is_no_third(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        DatasetCard(name="x", title="X", identity="none", faces=wrong)
