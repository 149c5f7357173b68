"""`faceparity check`: whether a copy of a data set is whole, and what is wrong with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceparity.datasets.audit.copy_check import Check
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset, PairProtocol, SetProtocol

SCHEMA = "faceparity.check/1"


def check_command(spec: str, json_to: str | None, names: bool, keep_unread_ages: bool = False) -> int:
    """Print what a copy holds and what is wrong.

    Every file by name. Returns the exit status: 0 if nothing is wrong, else 1. json_to: a file, or `-` for standard output, which then
    holds nothing else. names: file names in it too. keep_unread_ages: as in a run; each is then listed as a label that is not known.
    Raises UserError.
    """
    from faceparity.datasets.audit.copy_check import check
    from faceparity.datasets.common.sanitise import printable
    from faceparity.datasets.registry import load_dataset
    from faceparity.harness.cli.support import console

    if names and json_to is None:
        raise UserError("--names puts file names into the JSON: say where with --json FILE")
    with console.working("reading the labels and every file's digest"):
        dataset = load_dataset(spec, keep_unread_ages=keep_unread_ages)
    with console.Screen() as screen:
        step, done = screen.stage(f"{printable(dataset.name)} · images", dataset.n_samples), 0

        def tick() -> None:
            nonlocal done
            done += 1
            step(done)

        found = check(dataset, tick)
    stream = sys.stderr if json_to == "-" else sys.stdout
    for line in lines(dataset, found):
        print(printable(line), file=stream)
    if json_to is not None:
        _write(json_to, as_json(dataset, found, names), names)
    return 1 if found.wrong else 0


def lines(dataset: Dataset, found: Check) -> Iterator[str]:
    """Yield the lines that a person reads."""
    from faceparity.datasets.common.sanitise import printable
    from faceparity.harness.cli.support.console import WORDS

    people = "no subject labels" if found.identity == "none" else _plural(found.subjects, "person", "people")
    yield f"{found.name}: {_plural(found.samples, 'image')}, {people}"
    yield f"digest {found.digest} ({_known(dataset, found)})"
    for row in found.counts:
        value = row.value if row.value is not None else "(no label)"
        people = "" if found.identity == "none" else f"{_plural(row.subjects, 'person', 'people')}, "
        yield f"  {row.attribute}: {value}: {people}{_plural(row.samples, 'image')}"
    for listed in dataset.protocols:
        folds = f", {listed.n_folds} folds" if listed.n_folds > 1 else ""
        missing = f", {listed.missing:,} more with an image that is not here or was left out" if listed.missing else ""
        mated = int(listed.mated.sum())
        yield f"  pairs, {listed.name}: {mated:,} mated, {listed.mated.size - mated:,} non-mated{folds}{missing}"
    for sets in dataset.set_protocols:
        missing = f", {sets.missing:,} more with a template of which no image is here" if sets.missing else ""
        mated = int(sets.mated.sum())
        yield f"  pairs of templates, {sets.name}: {mated:,} mated, {sets.mated.size - mated:,} non-mated{missing}"
    for searches in dataset.search_protocols:
        sizes = ", ".join(f"{len(gallery.subjects):,} in {gallery.name}" for gallery in searches.galleries)
        yield f"  searches, {searches.name}: {len(searches.probes.subjects):,} probes; galleries: {sizes}"
    yield from _unlabelled(dataset)
    yield from found.support.lines
    for problem in dataset.problems:
        yield f"{WORDS.get(problem.kind, problem.kind)}: {printable(f'{problem.where} {problem.detail}'.strip())}"
    for file, reason in found.unreadable:
        yield f"can't be read: {printable(file)}: {reason}"
    yield from _alike(dataset, found)
    yield _plural(found.wrong, "problem") if found.wrong else "nothing wrong"


def _plural(number: int, one: str, many: str = "") -> str:
    """Return a number and its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _unlabelled(dataset: Dataset) -> Iterator[str]:
    """Yield a line for each label that this copy lacks.

    It says where, by the card, the label would come from.
    """
    from faceparity.datasets.schema.card import load_card

    try:
        published = load_card(dataset.card.name)
    except FileNotFoundError:  # of another package
        published = dataset.card
    for name in published.default_by:
        if name not in dataset.attributes:
            about = published.attributes.get(name)
            where = f" (where it would come from: {about.provenance_note or about.column})" if about else ""
            yield f"no label of {name} in this copy: nothing can be said of groups by it{where}"


def _known(dataset: Dataset, found: Check) -> str:
    """Say whether the card knows this copy."""
    if found.known_copy:
        return f"known: {found.known_copy}"
    return "a copy that the card does not know" if dataset.card.digests else "the card knows no digest of this set"


def _alike(dataset: Dataset, found: Check) -> Iterator[str]:
    """Yield pairs that look alike, different people's first."""
    from faceparity.datasets.common.sanitise import printable

    whose = {False: "two people's" if found.identity == "labelled" else "two", True: "one person's"}
    for same in (False, True):
        count = found.alike.same_subject if same else found.alike.different_subjects
        pairs = [pair for pair in found.alike.pairs if pair.same_subject == same]
        for pair in pairs:
            how = f"{pair.distance} of 255 bits differ" + (", mirrored" if pair.mirrored else "")
            yield f"{whose[same]} images look alike: {printable(dataset.files[pair.a])} and {printable(dataset.files[pair.b])} ({how})"
        if count > len(pairs):
            yield f"{whose[same]} images look alike: {count - len(pairs):,} more pairs"


def as_json(dataset: Dataset, found: Check, names: bool) -> dict[str, Any]:
    """Return the machine-readable form.

    Counts; file names only if asked for.
    """
    listed: list[PairProtocol | SetProtocol] = [*dataset.protocols, *dataset.set_protocols]
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "dataset": found.name,
        "clean": not found.wrong,
        "problems_in_all": found.wrong,
        "identity": found.identity,
        "subjects": found.subjects,
        "samples": found.samples,
        "digest": found.digest,
        "known_copy": found.known_copy,
        "problems": found.problems,
        "unreadable": len(found.unreadable),
        "identical_files": {
            "same_subject": found.same_bytes.same_subject, "different_subjects": found.same_bytes.different_subjects
        },
        "near_duplicates": {
            "same_subject": found.alike.same_subject, "different_subjects": found.alike.different_subjects,
            "images_compared": found.alike.compared,
        },
        "listed_as_one_photograph": found.same_photo,
        "labels": [
            {
                "attribute": counted.attribute, "value": counted.value, "subjects": counted.subjects,
                "samples": counted.samples,
            }
            for counted in found.counts
        ],
        "protocols": [
            {
                "name": protocol.name, "pairs": int(protocol.mated.size), "mated": int(protocol.mated.sum()),
                "missing": protocol.missing,
            }
            for protocol in listed
        ],
        "support": {
            "by": list(found.support.by),
            "groups": [
                {
                    "group": group.group, "subjects": group.subjects, "lowest_fmr_as_lower": group.lower,
                    "lowest_fmr_as_higher": group.higher,
                    "lowest_fmr_as_lower_at_best": group.lower_best, "lowest_fmr_as_higher_at_best": group.higher_best,
                }
                for group in found.support.groups
            ],
        },
    }  # fmt: skip
    if names:
        files = dataset.files
        document["names"] = {
            "problems": [
                {"kind": problem.kind, "where": problem.where, "detail": problem.detail} for problem in dataset.problems
            ],
            "unreadable": [{"file": file, "reason": reason} for file, reason in found.unreadable],
            "near_duplicates": [
                {
                    "file_a": files[pair.a], "file_b": files[pair.b], "same_subject": pair.same_subject,
                    "bits": pair.distance, "mirrored": pair.mirrored,
                }
                for pair in found.alike.pairs
            ],
        }  # fmt: skip
    return document


def _write(where: str, data: dict[str, Any], private: bool) -> None:
    """Write the JSON to a file or standard output.

    private: it names files, which are for nobody else's eyes; then it is its owner's alone (0600).
    """
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    if where == "-":
        sys.stdout.write(text)
        return
    path = Path(where)
    try:
        if private:
            path.unlink(missing_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"--json {where}: {error.strerror}; name a file that can be written") from None
