"""A command that reads paths of images and writes templates: for closed products, and for what runs in another language.

The command is started once for each worker, in the folder of its card. For each image one line comes on its standard input, the
image's absolute path in UTF-8; it answers with exactly one line of JSON in UTF-8 on its standard output before it gets the next:

    {"template": [0.12, -0.3, …]}      and, if it knows: "faces": 2, "face_size": 180.5, "confidence": 0.99
    {"failure": "no face"}             no template: counted as a failure to extract

Either may hold "file": the path as it came. It is then checked, so that an answer can't be taken for that of another image.
Everything else (banners, progress, logging) must go to standard error, whose end is shown if the command dies. When its standard
input ends, it should end.

What goes wrong with one image costs that image, and the command is ended and started again: it ended, took longer than SECONDS,
or answered something else, or a line longer than LINE + NUMBER × dimensions bytes. Whatever it started itself ends with it.

Answers have no number, so one line too many would shift all later ones by an image. That ends the run, and it is seen like this.
The path of an image is written without its line break first. A command takes it once it is done with the image before; what it has
written by then beyond its answer is one line too many. Only then comes the line break. A command that takes a path while it is
still busy reads ahead (one behind ssh or docker does), and this proves nothing for it. Neither does it where the system does not
say what was taken (Windows). Unless such a command gives "file", it is ended after each batch, and may have nothing more to say.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.paths import real_path
from faceparity.datasets.common.sanitise import printable
from faceparity.harness.models.base.answer_check import COVARIATES, REASON_LENGTH, AnswerError, OutOfStepError, check
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Extraction, Image
from faceparity.harness.models.custom.subprocess_pipes import POSIX, Command
from faceparity.harness.models.vision.pixels import pixels_digest

SECONDS = 120.0
"""An image that takes longer than this is given up, and the command with it."""

LINE, NUMBER = 1 << 16, 32
"""Bytes of an answer: in all its words, and in each number of its template."""

_AT_FIRST = 0.0005
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


class CommandFailedError(AnswerError):
    """The command ended, took too long, or answered something else than was agreed.

    Its text has the command's last words, too.
    """

    def __init__(self, name: str, what: str, words: str = "", *, ended: bool = False) -> None:
        super().__init__(f"the command of {name} {what}" + (f": {printable(words)}" if words else ""))
        self._reason = f"the command {what}"
        self.ended = ended

    @property
    def reason(self) -> str:
        """Return the reason without the command's own words.

        They may hold a path.
        """
        return self._reason


class CommandModel:
    """A model behind a command, which is started at the first image, and again if it ended."""

    def __init__(self, card: ModelCard, command: Sequence[str], folder: Path) -> None:
        self.card = card
        self._folder = real_path(folder)
        self._command = [_program(command[0], self._folder), *command[1:]]
        self._command_words = list(command)
        self._running: Command | None = None
        self._sent_ahead = ""
        self._answers = 0
        self._reads_ahead = not POSIX
        self._was_observed = False
        self._all_answers_named, self._cut_short = True, False
        self._deadline = 0.0
        self._longest = LINE + NUMBER * card.dimensions

    def fingerprint(self) -> str:
        """Return a sha256 of the card, command and files.

        In hex. The command's files are those in the card's folder that its words name. A product that changes in another way (an update, a
        model elsewhere) must be given another `version` in its card.
        """
        files = {
            word: hashlib.sha256((self._folder / word).read_bytes()).hexdigest()
            for word in self._command_words
            if (self._folder / word).is_file()
        }
        parts = {"card": self.card.model_dump(mode="json"), "command": self._command_words, "files": files}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def extract(self, images: Sequence[Image]) -> list[Extraction]:
        """Return one result per image, in order.

        Each image is written to a lossless file for the command to read. Raises CommandFailedError.
        """
        from PIL import Image as Pictures

        results = []
        with tempfile.TemporaryDirectory(prefix="faceparity-") as folder:
            file = Path(folder) / "image.png"
            for image in images:
                Pictures.fromarray(image).save(file)
                (result,) = self.extract_files([file], [str(file)])
                if isinstance(result, AnswerError):
                    raise result
                results.append(
                    Extraction(
                        result.status, result.template, result.faces, pixels_digest(image), result.covariates, result.reason
                    )
                )
        return results

    def extract_files(self, paths: Sequence[Path], names: Sequence[str]) -> list[Extraction | AnswerError]:
        """Return one result per file, in order.

        Where the command failed it is the reason, an AnswerError. Raises OutOfStepError, and UserError if the command can't be started.
        """
        self._all_answers_named, self._cut_short = True, False
        results: list[Extraction | AnswerError] = []
        for path, following in zip(paths, [*paths[1:], None], strict=True):
            try:
                results.append(self._extract_file(path, following))
            except AnswerError as error:
                results.append(error)
        if self._all_answers_named or (self._was_observed and not self._reads_ahead):
            return results
        if self._ended_in_step() or len(paths) == 1:
            return results
        # A command that ended within the batch may have had more lines to write, so all is asked again, image by image.
        return [result for path in paths for result in self.extract_files([path], [str(path)])]

    def _extract_file(self, path: Path, after: Path | None) -> Extraction:
        """Return the result for one file.

        after: the file that is asked for next.
        """
        line = _request_line(path)
        if line is None:
            return Extraction("unreadable", reason="its name holds a line break, which can't be handed to a command")
        try:
            answer = self._answer(line, after)
        except CommandFailedError as error:
            # A process that answered earlier images may have ended because of one of those: a new one gets this image once more.
            if not error.ended or not self._answers:
                raise
            answer = self._answer(line, after)
        return check(self.card, _extraction(answer))

    def _answer(self, line: str, after: Path | None) -> dict[str, Any]:
        """Ask about a file and return the command's answer.

        Raises OutOfStepError if it names another file, or more than one line has come.
        """
        command = self._running_command(line)
        self._send(command, line, after)
        answer = self._parse_answer(self._read_line(command))
        self._answers += 1
        if (answered_file := answer.get("file")) is None:
            self._all_answers_named = False
        elif answered_file != line:
            raise self._out_of_step("answered for another file than it was asked for")
        if command.output.waiting():
            raise self._out_of_step("wrote more than one line for an image")
        return answer

    def _send(self, command: Command, line: str, after: Path | None) -> None:
        """Ask for one image.

        See the module's text for the order in which things are written.
        """
        self._deadline = time.monotonic() + SECONDS
        if not self._sent_ahead and not command.write(os.fsencode(line), self._deadline):
            raise self._no_answer()
        self._sent_ahead = ""
        if not command.wait_taken(self._deadline):
            raise self._no_answer()
        if command.output.waiting():
            what = "more than one line for an image" if self._answers else "a line before it was asked for an image"
            raise self._out_of_step(f"wrote {what}")
        if not command.write(b"\n", self._deadline):
            raise self._no_answer()
        following = _request_line(after) if after is not None else None
        if following is not None and POSIX:
            command.wait_taken(self._deadline)
            if command.write(os.fsencode(following), self._deadline):
                self._sent_ahead = following
                self._watch(command)

    def _watch(self, command: Command) -> None:
        """Watch whether the command takes the next path before answering."""
        pause = _AT_FIRST
        while (
            not (self._reads_ahead or command.output.wait_any(pause)) and command.is_alive() and time.monotonic() < self._deadline
        ):
            # In this order: a command without an answer now had none either when it took the path.
            self._reads_ahead = command.has_taken_all() and not command.output.waiting() and command.is_alive()
            self._was_observed = True
            pause = min(2 * pause, 0.05)
        self._was_observed |= not command.has_taken_all()

    def _read_line(self, command: Command) -> bytes:
        """Return the line that the command answers with.

        Raises CommandFailedError where there is none, or it is too long.
        """
        line = command.output.line(self._deadline, command.is_alive)
        if line is None:
            raise self._failed(f"took longer than {SECONDS:g} s")
        if len(line) > self._longest:
            raise self._failed(f"answered a line longer than {self._longest:,} bytes")
        if not line.endswith(b"\n"):
            raise self._no_answer("broke off in its answer") if line else self._no_answer()
        return line

    def _parse_answer(self, line: bytes) -> dict[str, Any]:
        """Parse the answer in a line.

        A byte order mark before the first answer is no fault. Raises CommandFailedError for anything but an object with a template or a
        failure.
        """
        try:
            answer = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise self._failed("answered a line that is not UTF-8") from error
        except (ValueError, RecursionError) as error:
            raise self._failed("answered a line that is not one JSON object; anything else belongs on standard error") from error
        if not isinstance(answer, dict):
            raise self._failed("answered JSON that is not an object")
        if answer.get("template") is None and answer.get("failure") is None:
            raise self._failed("answered neither a template nor a failure")
        return answer

    def _running_command(self, line: str) -> Command:
        """Return the running command, started where there is none.

        A command that ended, or that was sent another path than this line, is replaced.
        """
        if self._running is not None and (not self._running.is_alive() or self._sent_ahead not in ("", line)):
            if self._running.output.waiting() and not self._running.is_alive():
                raise self._out_of_step("wrote more than one line for an image")
            self._kill()
        if self._running is None:
            self._sent_ahead, self._answers = "", 0
            environment = {**os.environ, **_ONE_THREAD}
            try:
                self._running = Command(self._command, self._folder, environment, self._longest)
            except OSError as error:
                raise UserError(f"{self.card.name}: its command can't be started ({error.strerror})") from error
        return self._running

    def _no_answer(self, what: str = "ended without an answer") -> CommandFailedError:
        """Return the error for a question without an answer.

        That is also a question that could not be written. The command's output may end a moment before the command does.
        """
        if time.monotonic() > self._deadline:
            return self._failed(f"took longer than {SECONDS:g} s")
        return self._failed(what, ended=True)

    def _failed(self, what: str, *, ended: bool = False) -> CommandFailedError:
        """End the command and return the error.

        It is ended so that its next answer can't be taken for that of another image.
        """
        return CommandFailedError(self.card.name, what, self._kill(), ended=ended)

    def _out_of_step(self, what: str) -> OutOfStepError:
        """End the command; return the error that ends the run."""
        self._kill()
        return OutOfStepError(
            f"the command of {self.card.name} {what}, so its answers can't be told apart: let it write one line of JSON for each "
            "image, and all else to standard error; then give its card another version, so that no earlier answer is used"
        )

    def _kill(self) -> str:
        """End the command by force; return its last words.

        That is the last line of its standard error.
        """
        command, self._running, self._sent_ahead = self._running, None, ""
        self._cut_short |= self._answers > 0
        return command.kill() if command is not None else ""

    def _ended_in_step(self) -> bool:
        """End the command and return whether it kept in step.

        That is, whether it answered all of this batch and ended as agreed. Raises OutOfStepError if it had more to say.
        """
        command, self._running, self._sent_ahead = self._running, None, ""
        if command is None:
            return not self._cut_short
        was_alive = command.is_alive()
        if any(map(_is_object, command.finish().splitlines())):
            raise self._out_of_step("wrote more than one line for an image")
        return was_alive and command.process.returncode == 0 and not self._cut_short

    def close(self) -> None:
        """End the command."""
        command, self._running = self._running, None
        if command is not None:
            command.finish()

    def __del__(self) -> None:
        if not sys.is_finalizing() and getattr(self, "_running", None) is not None:
            self.close()


def _request_line(path: Path) -> str | None:
    """Return the line that asks for a file.

    None if its name would end the line.
    """
    line = str(real_path(path))
    return None if "\n" in line or "\r" in line else line


def _extraction(answer: dict[str, Any]) -> Extraction:
    """Convert an answer to an extraction; its numbers aren't checked."""
    template, failure = answer.get("template"), answer.get("failure")
    if failure is not None:
        if template is not None:
            raise AnswerError("the command answered both a template and a failure")
        words = " ".join(failure.split())[:REASON_LENGTH] if isinstance(failure, str) else ""
        return Extraction("no_face", reason=words or "no template")
    if not isinstance(template, list):
        raise AnswerError("the command answered a template that is no list of numbers")
    faces = answer.get("faces")
    covariates = {name: answer[name] for name in COVARIATES if answer.get(name) is not None}
    return Extraction("ok", template, 1 if faces is None else faces, "", covariates)  # type: ignore[arg-type]


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode("utf-8-sig")), dict)
    except (ValueError, RecursionError):
        return False


def _program(word: str, folder: Path) -> str:
    """Return the path of a command's program.

    `python` is the Python that runs faceparity. Raises UserError if there is no such program.
    """
    if word in ("python", "python3"):
        return sys.executable
    in_folder = folder / word
    if in_folder.is_file() and os.access(in_folder, os.X_OK):
        return str(in_folder)
    found = shutil.which(word)
    if found is None:
        raise UserError(f"there is no program {word!r}, neither beside the card nor on the PATH: correct command in the card")
    return found
