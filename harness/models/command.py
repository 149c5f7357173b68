"""A command that reads paths of images and writes templates: for closed products, and for what runs in another language.

The command is started once for each worker, in the folder of its card. For each image one line comes on its standard input, the
image's absolute path; it answers with one line of JSON on its standard output before it gets the next:

    {"template": [0.12, -0.3, …]}      and, if it knows: "faces": 2, "face_size": 180.5, "confidence": 0.99
    {"failure": "no face"}             no template: counted as a failure to extract

When its standard input ends, it should end. What it writes to standard error is shown if it dies.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from faceparity.datasets.errors import UserError

from .card import ModelCard
from .model import Extraction, Image
from .pipeline import pixels_digest

COVARIATES = ("face_size", "luminance", "contrast", "sharpness", "confidence")
SECONDS = 120.0
"""An image that takes longer than this is given up, and the command with it."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


class CommandFailedError(RuntimeError):
    """The command ended, took too long, or answered something else than was agreed."""


class CommandModel:
    """A model behind a command. Started at the first image; started again if it died."""

    def __init__(self, card: ModelCard, command: Sequence[str], folder: Path) -> None:
        self.card = card
        self._folder = folder.resolve()
        self._command = [_program(command[0], self._folder), *command[1:]]
        self._words = list(command)
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[bytes] | None = None

    def fingerprint(self) -> str:
        """sha256 hex of the card, the command's words and the files in the card's folder that they name.

        A product that changes otherwise (an update, a model elsewhere) must be given another `version` in its card.
        """
        files = {
            word: hashlib.sha256((self._folder / word).read_bytes()).hexdigest()
            for word in self._words
            if (self._folder / word).is_file()
        }
        parts = {"card": self.card.model_dump(mode="json"), "command": self._words, "files": files}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """One result per image: each is written to a lossless file for the command to read."""
        from PIL import Image as Pictures

        results = []
        with tempfile.TemporaryDirectory(prefix="faceparity-") as folder:
            file = Path(folder) / "image.png"
            for image in images:
                Pictures.fromarray(image).save(file)
                (one,) = self.extract_files([file], [str(file)])
                results.append(Extraction(one.status, one.template, one.faces, pixels_digest(image), one.covariates, one.reason))
        return results

    def extract_files(self, paths: Sequence[Path], names: Sequence[str]) -> list[Extraction]:
        """One result per file, in order. Raises CommandFailedError."""
        return [self._one(path) for path in paths]

    def _one(self, path: Path) -> Extraction:
        if "\n" in str(path):
            return Extraction("unreadable", reason="its name holds a line break, which can't be handed to a command")
        answer = self._ask(str(path.resolve()))
        if "failure" in answer:
            return Extraction("no_face", reason=" ".join(str(answer["failure"]).split())[:100] or "no template")
        try:
            template = np.array(answer["template"], np.float32)
            faces = int(answer.get("faces", 1))
            covariates = {name: float(answer[name]) for name in COVARIATES if name in answer}
        except (KeyError, TypeError, ValueError) as error:
            raise self._failed(f"answered neither a template nor a failure ({type(error).__name__})") from error
        if template.shape != (self.card.dimensions,):
            raise self._failed(f"gave {template.size} numbers, but its card says {self.card.dimensions} dimensions")
        return Extraction("ok", template, faces, "", covariates)

    def _ask(self, path: str) -> dict[str, Any]:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(SECONDS, process.kill)
        late.start()
        try:
            process.stdin.write(path + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, UnicodeDecodeError) as error:
            raise self._failed(f"broke off ({type(error).__name__})") from error
        finally:
            late.cancel()
        if not line:
            raise self._failed("ended without an answer")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise self._failed("answered a line that is not JSON") from error
        if not isinstance(answer, dict):
            raise self._failed("answered JSON that is not an object")
        return answer

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the command
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    text=True,
                    encoding="utf-8",
                    cwd=self._folder,
                    env={**os.environ, **_ONE_THREAD},
                )
            except OSError as error:
                raise UserError(f"{self.card.name}: its command can't be started ({error.strerror})") from error
        return self._process

    def _failed(self, what: str) -> CommandFailedError:
        """Ends the command, so that its next answer can't be taken for that of another image."""
        said = ""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._errors is not None:
            self._errors.seek(0)
            lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            said = f": {lines[-1][:200]}" if lines else ""
        return CommandFailedError(f"the command of {self.card.name} {what}{said}")

    def close(self) -> None:
        """End the command."""
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.close()


def _program(word: str, folder: Path) -> str:
    """The program of a command: `python` is the one that runs faceparity. Raises UserError if there is none."""
    if word in ("python", "python3"):
        return sys.executable
    beside = folder / word
    if beside.is_file() and os.access(beside, os.X_OK):
        return str(beside)
    found = shutil.which(word)
    if found is None:
        raise UserError(f"there is no program {word!r}, neither beside the card nor on the PATH: correct command in the card")
    return found
