"""`report.pdf`: what the page says, on numbered pages, with the methods and the topics that it answers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceparity.datasets.common.atomic_write import write_atomically
from faceparity.harness.results import Evaluation
from faceparity.harness.uncertainty import equal_rates
from faceparity.harness.verification.rates import verdict_rules
from faceparity.harness.verification.threshold import threshold_bootstrap, threshold_pool
from faceparity.reports.wording import numbers as f

from .document import document
from .engine import typeset


def write_pdf(evaluations: Sequence[Evaluation], path: Path) -> None:
    """Write the report to `path`.

    In full or not at all.
    """
    write_atomically(path, render_pdf(evaluations))


def render_pdf(evaluations: Sequence[Evaluation]) -> bytes:
    """Return the PDF, tagged for screen readers.

    PDF/UA-1, unless names have signs that no font of this machine can draw.
    """
    data = {**document(evaluations), "constants": constants()}
    try:
        return _packed(typeset("report.typ", data, format="pdf", pdf_standards=["ua-1"])[0])
    except RuntimeError as error:
        if "could not be displayed" not in str(error):
            raise
        return _packed(typeset("report.typ", data, format="pdf")[0])


def _packed(pdf: bytes) -> bytes:
    """Compress a document's objects.

    Uncompressed it is four times as large, by the tags of thousands of table cells.
    """
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return out.getvalue()


def constants() -> dict[str, Any]:
    """Return the numbers that the methods appendix names.

    They are those of the code that uses them.
    """
    return {
        "pool_from": threshold_pool.SMALLEST_POOL_GROUP,
        "expected_errors": threshold_pool.LEAST_EXPECTED_ERRORS,
        "replicates": f.count(threshold_bootstrap.REPLICATES),
        "bound_below": verdict_rules.BOUND_BELOW,
        "shown_from": verdict_rules.SHOWN_FROM,
        "interval_from": verdict_rules.INTERVAL_FROM,
        "effective_higher": verdict_rules.EFFECTIVE_IN_HIGHER,
        "effective_lower": verdict_rules.EFFECTIVE_IN_LOWER,
        "alpha": f"{verdict_rules.ALPHA:g}",
        "contaminated_from": f.percent(verdict_rules.CONTAMINATED_FROM, 1),
        "refused_from": f.percent(verdict_rules.REFUSED_FROM, 2),
        "null_replicates": f.count(equal_rates.REPLICATES),
    }
