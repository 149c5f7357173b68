"""Makes the gallery of example reports anew, from real runs: `python reports/examples/rebuild.py`.

Needs what the runs need: the models fetched, and the data sets in $FACEPARITY_DATA. `--redraw` draws the pages again from the
results that are here; `--check` only says whether they would change (exit status 1). Aggregates alone are kept: no face, no name.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from faceparity.harness.results import Evaluation
from faceparity.harness.results.parts.notices import SAYS_NOTHING
from faceparity.harness.runs.rerender import redraw
from faceparity.harness.runs.result_files import RESULTS, load_results
from faceparity.reports.formats.markdown import escaped
from faceparity.reports.wording.finding import finding

HERE = Path(__file__).resolve().parent
KEPT = (RESULTS, "report.html", "summary.md", "chart.svg", "chart.png")
CHART = "chart"
"""The file name of the chart beside the finding."""


class Example(NamedTuple):
    """One run: its folder here, what was run, and why it is shown."""

    name: str
    dataset: str
    model: str
    why: str
    more: str = ""
    """Further options."""

    @property
    def command(self) -> str:
        """Return the command as a user would type it."""
        return f"faceparity run -d {self.dataset} -m {self.model}{' ' * bool(self.more)}{self.more}"


EXAMPLES = (
    Example(
        "fairface",
        "fairface",
        "face_recognition",
        "Many groups. Labels are perceived by annotators and nobody is identified, so there are no false non-matches. With what a "
        "search among half of them gives.",
        "--scenario search-half",
    ),
    Example(
        "us_congress",
        "us_congress",
        "sface",
        "Portraits with official records, by gender. With a watchlist of half the members, and all of them searched at once.",
        "--by gender --scenario watchlist-half --scenario lineup-half",
    ),
    Example(
        "london",
        "london",
        "sface",
        "A small set of studio portraits with self-reported labels: what 102 people can show, and what not.",
    ),
    Example("control", "control", "face_recognition", "The set that comes along: synthetic heads, nobody's faces."),
)


def run(example: Example, folder: Path) -> Path:
    """Run an example; return the folder of its results.

    Raises CalledProcessError if it fails.
    """
    out = folder / example.name
    subprocess.run(
        [sys.executable, "-m", "faceparity.harness.cli", *example.command.split()[1:], "--out", str(out)],
        check=True,
    )
    return next(out.glob(f"*/*/{RESULTS}")).parent


def draw(results: Path, folder: Path) -> None:
    """Draw an example's kept files into an empty folder.

    results: the folder of its results.
    """
    redraw(results, folder, ["figures"])
    for ending in ("svg", "png"):
        shutil.copyfile(folder / "figures" / f"{CHART}.{ending}", folder / f"{CHART}.{ending}")
    for path in folder.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def index(evaluations: Sequence[tuple[Example, Evaluation]]) -> str:
    """Return README.md: findings, charts and files."""
    parts = [INTRODUCTION]
    for example, evaluation in evaluations:
        found = finding(evaluation)
        parts.append(
            "\n\n".join(
                [
                    f"## {escaped(evaluation.model.title)} on {escaped(evaluation.dataset.title)}",
                    example.why,
                    *([f"**{SAYS_NOTHING}**"] if evaluation.dataset.synthetic else []),
                    *(escaped(sentence) for sentence in found.main),
                    *(f"> {escaped(caution)}" for caution in found.cautions),
                    f"![{alt(example)}]({example.name}/{CHART}.png)",
                    f"[report.html]({example.name}/report.html) · [summary.md]({example.name}/summary.md) · "
                    f"[results.json]({example.name}/{RESULTS}) · the chart as [SVG]({example.name}/{CHART}.svg)",
                    f"`{example.command}`",
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """# Example reports

Written by [`rebuild.py`](rebuild.py), never by hand. Each folder holds what a run publishes of one model on one data set: the
result for machines, the page (download it and open it in a browser), and its key chart. Aggregates only: no faces, no names, no
files. All else comes from the result: `faceparity report reports/examples/fairface --all --out DIR` gives the tables as CSV and
LaTeX, a PDF, and every figure with its caption.

These are rates of open models on these pictures, as these sets label them. They do not carry over to other images, other models
or systems in use.

    python reports/examples/rebuild.py             # runs everything again: models fetched, data sets in $FACEPARITY_DATA
    python reports/examples/rebuild.py --redraw    # only the pages, from the results that are here
    python reports/examples/rebuild.py --check     # whether the pages are as today's code draws them"""


def alt(example: Example) -> str:
    """Return the chart in words, from its SVG."""
    text = (HERE / example.name / f"{CHART}.svg").read_text("utf-8")
    words = text.partition("<desc")[2].partition(">")[2].partition("</desc>")[0]
    return escaped(words)


def build(again: bool) -> None:
    """Build all examples and the index.

    again: run them again, not only draw their pages. Nothing is replaced before all are there: results name the commit.
    """
    with tempfile.TemporaryDirectory() as folder:
        for example in EXAMPLES:
            draw(run(example, Path(folder)) if again else HERE / example.name, Path(folder) / "drawn" / example.name)
        for example in EXAMPLES:
            shutil.rmtree(HERE / example.name, ignore_errors=True)
            shutil.copytree(Path(folder) / "drawn" / example.name, HERE / example.name)
    found = [(example, load_results(HERE / example.name)[0].evaluation) for example in EXAMPLES]
    (HERE / "README.md").write_text(index(found), "utf-8")


def stale() -> list[str]:
    """Return which files would change if drawn today."""
    changed = []
    for example in EXAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            draw(HERE / example.name, Path(folder) / "drawn")
            changed += [
                f"{example.name}/{name}"
                for name in KEPT
                if (HERE / example.name / name).read_bytes() != (Path(folder) / "drawn" / name).read_bytes()
            ]
    return changed


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--redraw", action="store_true", help="draw the pages again from the results that are here")
    parser.add_argument("--check", action="store_true", help="only say which pages would change")
    arguments = parser.parse_args()
    if arguments.check:
        changed = stale()
        print(json.dumps({"changed": changed}))
        return 1 if changed else 0
    build(again=not arguments.redraw)
    return 0


if __name__ == "__main__":
    sys.exit(main())
