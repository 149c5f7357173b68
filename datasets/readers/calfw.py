"""Cross-Age LFW: `aligned images/Name_0001.jpg`, and pairs_CALFW.txt with two lines a pair. Cross-Pose LFW has the same layout."""

from __future__ import annotations

from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import find_path, wrong_folder
from faceparity.datasets.readers.pair_lists import PairList, folds_of, join_path, lines_of, with_protocols
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

from .lfw_labels import person_of, read_labels

FOLDERS = (
    "aligned images",
    "aligned_images",
    "images",
    "calfw/aligned images",
    "cplfw/aligned images",
    "calfw/images",
    "cplfw/images",
)
N_FOLDS = 10
PUBLISHER = "Beijing University of Posts and Telecommunications"


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read all aligned images of CALFW.

    The published list of pairs is followed if it is there. Raises UserError.
    """
    return read_flat(root, "calfw", "pairs_CALFW.txt", name, include_minors)


def read_flat(root: Path, which: str, listed: str, name: str | None, include_minors: bool) -> Dataset:
    """Read a folder of images and its list of pairs.

    Images are named `Name_0001.jpg`; the list is in their folder or beside it. which: the name of the card. listed: the
    name of the list. Raises UserError.
    """
    folder_of(root)
    card = load_card(which)
    folder = find_path(root, *FOLDERS) or ""
    files = list_images(root, (folder,) if folder else ())
    people = {file: person for file in files if (person := person_of(file.rpartition("/")[2]))}
    if not people:
        raise wrong_folder(root, card, *FOLDERS)
    labels = read_labels(root, card, (folder, str(Path(folder).parent)))
    problems = list(labels.problems)
    path = find_path(root, listed, join_path(str(Path(folder).parent), listed), join_path(folder, listed))
    if path is None:
        problems.append(Problem("missing_file", listed, "the published list of pairs is not here: the protocol is not followed"))
    rows = [LabelledImage(file, file, person, labels.get(person)) for file, person in people.items()]
    rules = Rules(within=(folder,) if folder else (), include_minors=include_minors)
    dataset = build(labels.card, root, rows, problems, name=name, rules=rules)
    return dataset if path is None else with_protocols(dataset, [read_ends(root / path, which.upper(), folder)])


def read_ends(path: Path, name: str, folder: str) -> PairList:
    """Read a list with two lines a pair.

    Each line is `file label`. Label 0: two people; any other number: one person.

    CALFW's other number is the fold of the mated pair, CPLFW's is 1; the non-mated pairs' folds are not written: runs of
    equal size, as all who use these lists take them. Raises UserError for a list that is not so.
    """
    ends = []
    for row, line in lines_of(path):
        file, _, label = line.rpartition(" ")
        number = whole_number(label)
        if not file or number is None:
            raise UserError(f"{path}, line {row}, is not an image and a number: put the publisher's list there, as it came")
        ends.append((row, file.strip(), number))
    if len(ends) % 2 or not ends:
        raise UserError(f"{path} has {len(ends)} lines, but two make a pair: it is cut off, or not the publisher's list")
    first, second = ends[::2], ends[1::2]
    for (row, _, one), (_, _, other) in zip(first, second, strict=True):
        if one != other:
            raise UserError(
                f"{path}, lines {row} and {row + 1}: one pair with two labels ({one}, {other}): not the publisher's list"
            )
    mated = [label != 0 for _, _, label in first]
    fold = folds_of(mated, N_FOLDS, path)
    labels = [label for _, _, label in first if label]
    if max(labels) > 1 and labels != [k + 1 for k, is_mated in zip(fold, mated, strict=True) if is_mated]:
        raise UserError(f"{path}: its mated pairs are not in {N_FOLDS} folds of equal size: it is not the publisher's list")
    first_files, second_files = ([join_path(folder, file) for _, file, _ in end] for end in (first, second))
    rows = [row for row, _, _ in first]
    return PairList(name, f"{path.name} ({PUBLISHER})", first_files, second_files, mated, fold, rows, N_FOLDS)
