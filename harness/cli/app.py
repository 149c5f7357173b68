"""The commands and their options. What they do is in the modules beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .flags import given, options_of_a_run, options_of_scores, options_of_the_machine, with_options

app = typer.Typer(
    name="faceparity",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from importlib.metadata import version

        print(f"faceparity {version('faceparity')}")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Measure how often open face-recognition models falsely match people of each demographic group, on your own machine."""


Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for the results. Default: faceparity-run-DATE in this folder."),
]
Names = Annotated[list[str], typer.Argument(metavar="NAME...")]
MaybeName = Annotated[str | None, typer.Argument(metavar="[NAME]")]


@app.command()
@with_options(options_of_a_run(), after="model")
def run(
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "-d",
            "--dataset",
            metavar="NAME[=DIR]",
            help="Data set; may be repeated. folder=DIR is any folder of images with a CSV. Default: control, synthetic faces.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL",
            help="Model; may be repeated. NAME, NAME:detector=hog and the like, or a card of yours that ends in .toml. "
            "Default: face_recognition.",
        ),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Write report.pdf too: the same on numbered pages, with the methods.")
    ] = False,
    out: Out = None,
    **asked: Any,
) -> None:
    """Run models on data sets and report each group's error rates."""
    from faceparity.harness.cli.commands.run import run_command

    run_command(given(asked), dataset or [], model or ["face_recognition"], ["pdf"] if pdf else [], out)


@app.command(short_help="Report on any system's scores, from a CSV or Parquet file.")
@with_options(options_of_scores(), after="distance")
def score(
    scores: Annotated[Path, typer.Argument(metavar="SCORES.{csv,parquet}")],
    failures: Annotated[
        Path | None,
        typer.Option(
            "--failures",
            metavar="FILE",
            help="CSV of failures to extract, of images that the scores do not name: subject, attempted, failed and the attributes.",
        ),
    ] = None,
    repeated: Annotated[
        str | None,
        typer.Option(
            "--repeated",
            metavar="mean|first|max",
            help="Which score counts where two samples have several that differ; max is the most alike. Default: refuse.",
            show_default=False,
        ),
    ] = None,
    distance: Annotated[bool, typer.Option("--distance", help="Scores are distances: lower is more alike.")] = False,
    out: Out = None,
    **asked: Any,
) -> None:
    """Report on any system's scores: columns subject_a, subject_b, mated, score, ATTRIBUTE_a and ATTRIBUTE_b."""
    from faceparity.harness.cli.commands.score import score_command

    score_command(given(asked), scores, failures, out, distance=distance, repeated=repeated)


@app.command(short_help="Write the reports of a run again, from its results.json; as PDF, LaTeX or figures too.")
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN")],
    pdf: Annotated[bool, typer.Option("--pdf", help="report.pdf too: the same on numbered pages, with the methods.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Every table as LaTeX too: tables/*.tex.")] = False,
    figures: Annotated[bool, typer.Option("--figures", help="Every figure as SVG and PNG too, with captions: figures/.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All of these.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Another folder, which then holds all that may be handed on, and nothing private."
        ),
    ] = None,
) -> None:
    """Write the reports of a run again, from its results.json alone: the page, the summary and the tables, byte for byte.

    RUN is the folder of a run, or that of one data set or model in it.
    """
    from faceparity.harness.cli.commands.report import report_command

    asked = {"pdf": pdf, "latex": latex, "figures": figures}
    report_command(run, [name for name, wanted in asked.items() if wanted or everything], out)


@app.command(short_help="Set models and data sets of several runs side by side.")
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs. One will do if it holds several results.")
    ],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the resampling.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for the comparison. Default: faceparity-compare-DATE in this folder."),
    ] = None,
) -> None:
    """Set models and data sets side by side: tests on the same comparisons, ranks only with their uncertainty.

    Models of one data set are compared comparison by comparison where the runs' private parts can still be read, else with
    intervals of their own. Data sets stand side by side, without a test.
    """
    from faceparity.harness.cli.commands.compare import compare_command

    compare_command(runs, out, seed)


@app.command(short_help="Run many models on many data sets, as a file declares; go on where it was.")
@with_options(options_of_the_machine(), after="again")
def suite(
    name: Annotated[
        str, typer.Argument(metavar="FILE.toml|NAME", help="A file of yours, or registry: all that runs from packages.")
    ],
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, how long and how large; run nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Make results again that were made by another version or with other options.")
    ] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="The report as report.pdf too.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for the results. Default: faceparity-suite-NAME in this folder."),
    ] = None,
    **asked: Any,
) -> None:
    """Run many models on many data sets, as a file declares: checked and planned first, then only what is missing.

    The same command goes on where it was broken off. An evaluation that fails is counted and the others are made. Exit status:
    0 all is there, 1 some could not be made, 2 the file has mistakes, or results of different kinds would be mixed.
    """
    from faceparity.harness.cli.commands.suite import suite_command

    raise typer.Exit(suite_command(given(asked), name, plan, again, pdf, out))


@app.command()
def datasets(name: MaybeName = None) -> None:
    """List the data sets, or show one card."""
    from faceparity.harness.cli.catalogue.listing import show_datasets

    show_datasets(name)


@app.command()
def claims(name: MaybeName = None) -> None:
    """List what people claim, as every run tests it, or show one claim. A file of yours (.toml) can be shown too."""
    from faceparity.harness.cli.catalogue.claims import show_claims

    show_claims(name)


@app.command()
def models(
    name: MaybeName = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check every file of weights on this machine by its sha256.")] = False,
) -> None:
    """List the models, or show one card. A card of yours (.toml) can be shown too."""
    from faceparity.harness.cli.catalogue.listing import show_models

    raise typer.Exit(show_models(name, verify))


@app.command(short_help="List the scenarios that come with faceparity, or print one to start from.")
def scenarios(name: MaybeName = None) -> None:
    """List the scenarios that come with faceparity, or print one as TOML, to be changed and given to run --scenario."""
    from faceparity.harness.cli.catalogue.scenarios import show_scenarios

    show_scenarios(name)


@app.command()
def fetch(
    names: Names,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the terms that are shown otherwise, and accept them.")
    ] = False,
) -> None:
    """Get models' weights, or data sets that may be had without asking. The only command that uses the network.

    Data sets: london, lfw, us_congress and fairface, into $FACEPARITY_DATA; of any other, how to obtain it. A fetch of these that
    broke off goes on where it was. Exit status: 0 all is here, 1 a data set has to be asked for, 2 something could not be had.
    """
    from faceparity.harness.cli.commands.fetch import fetch_command

    raise typer.Exit(fetch_command(names, accept_licence))


@app.command(short_help="Say what is wrong with a copy of a data set, file by file.")
def check(
    dataset: Annotated[str, typer.Argument(metavar="NAME[=DIR]")],
    json: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write counts and groups as JSON; - is standard output."),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="With --json: the files' names too. Such a JSON is not for publication.")
    ] = False,
    keep_unread_ages: Annotated[
        bool, typer.Option("--keep-unread-ages", help="Keep people whose age is written but cannot be read, as run does.")
    ] = False,
) -> None:
    """Say whether this copy of a data set is whole, and what is wrong with it, file by file.

    Missing and extra files, unknown and conflicting labels, images that can't be decoded, images that are the same or look
    alike, and what its groups can support. Exit status: 0 nothing is wrong, 1 something is, 2 it could not be checked.
    """
    from faceparity.harness.cli.commands.check import check_command

    raise typer.Exit(check_command(dataset, json, names, keep_unread_ages))


@app.command(short_help="List the comparisons of a run that a person should look at.")
def suspects(
    run: Annotated[Path, typer.Argument(metavar="RUN")],
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="So many of each kind.")] = 20,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Write a page with the pictures; private, and outside the run's folder."),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option("-d", "--dataset", metavar="NAME=DIR", help="Where the pictures lie, if not where run -d NAME finds them."),
    ] = None,
) -> None:
    """List the most alike comparisons of different people and the least alike of one person, by file name.

    Among them are wrong labels and people who are in the data twice. Images follow whose largest face is not the most central one:
    there it depends on --faces whose face is measured. They are read from the run's private part, which only this
    machine can open. Nothing is left out of a result unless a person names it: see run --exclude.
    """
    from faceparity.harness.cli.commands.suspects import suspects_command

    suspects_command(run, most, sheet, dataset or [])


@app.command(short_help="Destroy stored templates and private parts: keys first, then files.")
def purge(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="A run's folder: only its private part. Default: everything on this machine."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every key and every template, as without any option.")] = False,
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, help="What was made more than so many days ago, by this machine's clock."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Destroy everything without being asked, as a script has to.")] = False,
) -> None:
    """Destroy stored templates and private parts of runs: keys first, then files; say what was done.

    Everything on this machine is destroyed only after a question at the terminal, or with --yes. Without a purge it ends after 30
    days, or after FACEPARITY_RETENTION_DAYS. Exit status: 0 it is done, 1 the answer was no.
    """
    from faceparity.harness.cli.commands.purge import purge_command

    raise typer.Exit(purge_command(folder, everything, older_than, yes))


@app.command(short_help="Print the JSON Schema of results.json, or of comparison.json.")
def schema(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="results (default) or comparison.")] = "results",
) -> None:
    """Print the JSON Schema of results.json, or with `comparison` of comparison.json."""
    from faceparity.harness.cli.commands.schema import print_schema

    print_schema(name)
