"""`faceparity claims`: claims that people make, and how each is tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import printable
from faceparity.harness.claims import Reading, StatedClaim, read_claim, shipped_claims
from faceparity.harness.claims.claim_file import KNOWN

WIDTH = 100
THRESHOLDS = {
    "own": "each group's own threshold, at FMR {targets} among its own comparisons (not operational)",
    "reference": "one threshold for all, set at FMR {targets} on the reference group",
    "one": "one threshold for all, the run's operating points at FMR {targets}",
    "none": "without a threshold",
}
MEASURES = {
    "fmr": "false match rate",
    "fnmr": "false non-match rate",
    "non_mated_score": "mean score of two different people",
    "mated_score": "mean score of two images of one person",
}


def show_claims(name: str | None) -> None:
    """Print one line per claim, or one claim in words.

    name: of a claim, or a user's own file, which ends in .toml. Raises UserError for a name that is none.
    """
    for line in _listing() if name is None else _in_words(_named(name)):
        print(line)


def _named(name: str) -> StatedClaim:
    """Return the claim of this name or file."""
    if name.endswith(".toml"):
        return read_claim(Path(name))
    found = next((shipped for shipped in shipped_claims() if shipped.claim.name == name), None)
    if found is None:
        names = ", ".join(shipped.claim.name for shipped in shipped_claims())
        raise UserError(f"no claim is called {name}; there are {names}; a file of yours ends in .toml")
    return found


def _listing() -> Iterator[str]:
    """Yield a line for each claim."""
    width = max(len(shipped.claim.name) for shipped in shipped_claims())
    for shipped in shipped_claims():
        yield f"{shipped.claim.name:<{width}}  {shipped.claim.title}"


def _in_words(stated: StatedClaim) -> Iterator[str]:
    """Yield the lines that show a claim."""
    claim = stated.claim
    yield printable(f"{claim.name}: {claim.title}")
    for quote in claim.quotes:
        yield from _paragraph(f"“{quote.text}” {quote.who}. {quote.where} ({KNOWN[quote.known]}).")
    paragraphs = [("Measures", claim.measures), ("Hypothesis", claim.hypothesis), ("Borne out by", claim.bears_out)]
    paragraphs += [("Contradicted by", claim.contradicts), ("Limits", claim.limits)]
    paragraphs += [("Read as measured", _reading(claim.as_measured)), ("Read operationally", _reading(claim.operational))]
    for contrast in claim.contrasts:
        what = "Groups, another label that gives no verdict" if contrast.proxy else "Groups"
        paragraphs.append((what, f"{contrast.attribute}: {', '.join(contrast.groups)} against {', '.join(contrast.references)}"))
    for head, text in paragraphs:
        if text:
            yield from _paragraph(f"{head}: {text}")
    yield ""
    yield f"sha256 {stated.sha256}"


def _reading(reading: Reading | None) -> str:
    """Describe one reading of a claim."""
    if reading is None:
        return "its words do not say how it was measured"
    targets = ", ".join(f"{target:g}" for target in reading.targets)
    return f"{reading.expects} {MEASURES[reading.measure]}, {THRESHOLDS[reading.threshold].format(targets=targets)}. {reading.note}".strip()


def _paragraph(text: str) -> Iterator[str]:
    """Yield an empty line and a folded text."""
    yield ""
    yield fill(printable(text), WIDTH, subsequent_indent="  ")
