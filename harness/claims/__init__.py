"""Claims about face recognition and race, sex or age: stated in TOML before anything is measured, then tested.

A file states source, exact words, hypothesis, groups, operating point, and what would bear it out or contradict it
(`claim_file`).
`claim_verdicts` makes the tests; `verdicts` decides by the same rules for all what they amount to.
"""

from faceparity.harness.claims.claim_file import (
    ClaimedContrast,
    ClaimFile,
    Quote,
    Reading,
    StatedClaim,
    parse_claim,
    read_claim,
    read_claims,
    shipped_claims,
)

__all__ = [
    "ClaimFile",
    "ClaimedContrast",
    "Quote",
    "Reading",
    "StatedClaim",
    "parse_claim",
    "read_claim",
    "read_claims",
    "shipped_claims",
]
