"""What people claim about face recognition and race, sex or age: stated in TOML before anything is measured, then tested.

A file states source, exact words, hypothesis, groups, operating point, and what would bear it out or contradict it (`claim`).
Tests are made in `evaluation.claims`; what they come to is decided here (`verdicts`), by the same rules for all.
"""

from faceparity.harness.claims.claim_file import (
    ClaimFile,
    Contrasted,
    Quote,
    Reading,
    Stated,
    parse_claim,
    read_claim,
    read_claims,
    shipped_claims,
)

__all__ = [
    "ClaimFile",
    "Contrasted",
    "Quote",
    "Reading",
    "Stated",
    "parse_claim",
    "read_claim",
    "read_claims",
    "shipped_claims",
]
