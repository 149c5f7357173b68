"""`faceparity claims`: what people claim, as it is tested."""

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
    """One line for each claim, or one claim in words; a user's own file ends in .toml. Raises UserError for a name that is none."""
    for line in _listing() if name is None else _in_words(_named(name)):
        print(line)


def _named(name: str) -> StatedClaim:
    if name.endswith(".toml"):
        return read_claim(Path(name))
    found = next((s for s in shipped_claims() if s.claim.name == name), None)
    if found is None:
        names = ", ".join(s.claim.name for s in shipped_claims())
        raise UserError(f"no claim is called {name}; there are {names}; a file of yours ends in .toml")
    return found


def _listing() -> Iterator[str]:
    width = max(len(s.claim.name) for s in shipped_claims())
    for s in shipped_claims():
        yield f"{s.claim.name:<{width}}  {s.claim.title}"


def _in_words(stated: StatedClaim) -> Iterator[str]:
    c = stated.claim
    yield printable(f"{c.name}: {c.title}")
    for q in c.quotes:
        yield from _paragraph(f"“{q.text}” {q.who}. {q.where} ({KNOWN[q.known]}).")
    told = [("Measures", c.measures), ("Hypothesis", c.hypothesis), ("Borne out by", c.bears_out)]
    told += [("Contradicted by", c.contradicts), ("Limits", c.limits)]
    told += [("Read as measured", _reading(c.as_measured)), ("Read operationally", _reading(c.operational))]
    for x in c.contrasts:
        what = "Groups, another label that gives no verdict" if x.proxy else "Groups"
        told.append((what, f"{x.attribute}: {', '.join(x.groups)} against {', '.join(x.references)}"))
    for head, text in told:
        if text:
            yield from _paragraph(f"{head}: {text}")
    yield ""
    yield f"sha256 {stated.sha256}"


def _reading(r: Reading | None) -> str:
    if r is None:
        return "its words do not say how it was measured"
    targets = ", ".join(f"{t:g}" for t in r.targets)
    return f"{r.expects} {MEASURES[r.measure]}, {THRESHOLDS[r.threshold].format(targets=targets)}. {r.note}".strip()


def _paragraph(text: str) -> Iterator[str]:
    yield ""
    yield fill(printable(text), WIDTH, subsequent_indent="  ")
