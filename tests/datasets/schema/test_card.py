"""Every card: whole, of one mind with what its reader says, and fit for the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.datasets.audit.group_support import support_of_card
from faceparity.datasets.registry import dataset_names, load_dataset
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset
from tests.datasets.miniature_sets import ALL
from tests.datasets.pair_layouts import attributes_file, make_agedb, make_flat, make_lfw, pairs, people_folders
from tests.datasets.pair_layouts import lfw_lines as lines

PUBLISHED = [n for n in dataset_names() if not load_card(n).packaged and n != "folder"]
BENCHMARKS = [n for n in PUBLISHED if not load_card(n).not_a_benchmark]


@pytest.mark.parametrize("name", PUBLISHED)
def test_nothing_that_a_user_must_know_is_left_open(name: str) -> None:
    card = load_card(name)
    for field in ("title", "home", "obtain", "licence", "consent", "citation"):
        assert getattr(card, field) not in ("", "unknown"), field
    assert len(card.licence.split()) <= 2, "it has a column of its own; the rest is for licence_note"
    assert set(card.allows) == {"research", "advocacy", "commercial", "redistribution"}
    assert card.known_defects
    assert card.protocols
    for how in card.training_overlaps.values():
        assert "as for" not in how, "each card is read alone"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_it_says_what_the_set_can_support_and_whose_the_labels_are(name: str) -> None:
    card = load_card(name)
    assert card.children
    assert card.layout
    assert support_of_card(card) is not None or card.group_sizes_note
    assert set(card.default_by) <= set(card.attributes)
    assert all(about.provenance != "unknown" or about.provenance_note for about in card.attributes.values())


def labelled(name: str, root: Path) -> Dataset:
    """A miniature copy with labels."""
    if name in ALL:
        return load_dataset(f"{name}={ALL[name](root)}")
    if name == "agedb30":
        make_agedb(root)
    elif name == "lfw":
        make_lfw(root)
    elif name == "xqlfw":
        people_folders(root / "lfw_original_imgs_min_qual0.85variant11", 12)
        (root / "xqlfw_pairs.txt").write_text(lines(pairs(12, 3), "10\t3"))
    else:
        make_flat(root, f"pairs_{name.upper()}.txt", folds_as_labels=name == "calfw")
    if name != "agedb30":
        (root / "lfw_attributes.txt").write_text(attributes_file(12))
    return load_dataset(f"{name}={root}")


@pytest.mark.parametrize("name", ["agedb30", "calfw", "cplfw", "lfw", "xqlfw", *sorted(ALL.keys() - {"ijbc", "vggface2"})])
def test_the_card_and_the_reader_agree_on_who_labelled_whom(name: str, tmp_path: Path) -> None:
    card = load_card(name)
    read = labelled(name, tmp_path)
    assert {n: (about.of, about.provenance) for n, about in read.card.attributes.items()} == {
        n: (about.of, about.provenance) for n, about in card.attributes.items()
    }
    assert {n: a.of for n, a in read.attributes.items()} == {n: about.of for n, about in card.attributes.items()}
