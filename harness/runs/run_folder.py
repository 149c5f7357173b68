"""The folder of a run and its log: checked, emptied of an earlier run, locked for one writer."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.harness.runs import output_folder
from faceparity.harness.runs.result_files import RESULTS

LOG = "run.log"


def check_folder(out: Path) -> None:
    """Check that a run's results can go into a folder.

    Raises UserError.
    """
    output_folder.check_folder(out, lambda: (out / LOG).is_file())


def prepare_folder(out: Path) -> Path:
    """Make the run's folder, emptied of earlier results.

    Raises UserError for a folder that holds other files, or can't be written to.
    """
    check_folder(out)
    try:
        for old in (*out.glob(f"*/*/{RESULTS}"), *out.glob(RESULTS)):
            for folder in ("tables", "figures", "private"):
                shutil.rmtree(old.parent / folder, ignore_errors=True)
            old.unlink()
        for name in ("report.html", "report.pdf"):  # they tell of the results that have just gone
            (out / name).unlink(missing_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        (out / LOG).touch()
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror}; {output_folder.WRITABLE}") from error
    return out


@contextmanager
def exclusive_folder(out: Path) -> Iterator[Path]:
    """Prepare the run's folder and keep other runs out.

    Raises UserError where another run writes into it.
    """
    check_folder(out)
    with output_folder.locked_folder(out / LOG, "another run is writing there"):
        yield prepare_folder(out)


def open_log(file: Path, mode: str = "w") -> logging.Logger:
    """Open the run's log.

    It gets counts and stages; no file names, no paths, no people.
    """
    log = logging.getLogger("faceparity.run")
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    handler = logging.FileHandler(file, mode, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return log
