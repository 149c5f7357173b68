"""Commands of a user's own: an answer is never taken for that of another image, and nothing they write or start does harm."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faceparity.harness.models import open_model
from faceparity.harness.models.base.answer_check import AnswerError, OutOfStepError
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.models.custom import subprocess_model
from faceparity.harness.models.custom.subprocess_model import CommandModel

CARD = 'command = ["python", "product.py"]\nlicence = "unknown"\ndimensions = 3\nscore = "cosine"\n'
START = """
import json, os, subprocess, sys, time
def number(line):
    return int(line.rsplit("/", 1)[1].split(".")[0])
def right(line, **more):
    return json.dumps({"template": [number(line), 1, 2], **more})
def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()
"""
Make = Callable[..., CommandModel]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A command whose program is `START` and then what is given."""

    def model(body: str) -> CommandModel:
        (tmp_path / "product.py").write_text(START + body, "utf-8")
        (tmp_path / "product.toml").write_text(CARD, "utf-8")
        opened = open_model(str(tmp_path / "product.toml"))
        assert isinstance(opened, CommandModel)
        return opened

    return model


def answers(model: CommandModel, numbers: range = range(6)) -> list[object]:
    """The first number of the template of each file 0.png, 1.png …, or why there is none."""
    paths = [Path(f"/nowhere/{number}.png") for number in numbers]
    found = model.extract_files(paths, [str(path) for path in paths])
    return [what(one) for one in found]


def what(one: Extraction | AnswerError) -> object:
    if isinstance(one, AnswerError):
        return one.reason
    return one.reason if one.template is None else float(one.template[0])


LOOP = "for line in sys.stdin:\n    line = line.rstrip()\n"


@pytest.mark.parametrize(
    "body",
    [
        "    say(right(line) + '\\n')",
        "    say(right(line) + '\\r\\n')",
        "    say('\\ufeff' * (number(line) == 0) + right(line) + '\\n')",
        "    say(right(line, file=line) + '\\n')",
        "    say(right(line, faces=2.0, face_size=None, failure=None) + '\\n')",
        "    for letter in right(line):\n        say(letter)\n        time.sleep(0.001)\n    say('\\n')",
        "    print('a banner', 'x' * 10000, file=sys.stderr, flush=True); say(right(line) + '\\n')",
        "    say(right(line) + '\\n'); sys.exit()",
        "    say(right(line) + '\\n'); sys.exit() if number(line) % 2 else None",
        "    say(right(line) + '\\n') if number(line) else say('  ' + right(line) + ' \\n')",
    ],
)
def test_right_answers_are_those_of_their_images(make: Make, body: str) -> None:
    model = make(LOOP + body)
    assert answers(model) == [0, 1, 2, 3, 4, 5]
    assert answers(model, range(6, 9)) == [6, 7, 8]
    model.close()


EXTRA = "say(right(line) + '\\n')"


@pytest.mark.parametrize(
    "body",
    [
        f"say('loading the model\\n')\n{LOOP}    {EXTRA}",
        f"say('\\n')\n{LOOP}    {EXTRA}",
        f"say('no end of line')\n{LOOP}    {EXTRA}",
        f"{LOOP}    {EXTRA}; {EXTRA} if number(line) == 2 else None",
        f"{LOOP}    say((right(line) + '\\n') * 2)",
        f"{LOOP}    {EXTRA}; say('\\n')",
        f"{LOOP}    {EXTRA}; say('done')",
        # The second face of an image, whose template takes a while: the next question is under way by then.
        f"{LOOP}    {EXTRA}; (time.sleep(0.2), {EXTRA}) if number(line) == 2 else None",
        f"{LOOP}    {EXTRA}; time.sleep(0.05); {EXTRA}",
        f"{LOOP}    say(right(line, file='/nowhere/99.png') + '\\n')",
        f"{LOOP}    {EXTRA}; (say(right(line)), sys.exit()) if number(line) == 3 else None",
    ],
)
def test_a_line_too_many_ends_the_run(make: Make, body: str) -> None:
    model = make(body)
    with pytest.raises(OutOfStepError, match=r"the command of product (wrote|answered for)"):
        answers(model)
    assert model._running is None


AHEAD = """
import queue, threading
asked = queue.Queue()
def reader():
    rest = b""
    while data := os.read(0, 4096):
        *lines, rest = (rest + data).split(b"\\n")
        for line in lines:
            asked.put(line.decode())
    asked.put(None)
threading.Thread(target=reader, daemon=True).start()
while (line := asked.get()) is not None:
    time.sleep(0.03)
"""


def test_a_command_that_reads_ahead_must_have_nothing_more_to_say(make: Make) -> None:
    """What it has taken tells nothing of it, so it is ended after each batch; an answer that is late shows there."""
    model = make(AHEAD + f"    {EXTRA}")
    assert answers(model) == [0, 1, 2, 3, 4, 5]
    assert model._reads_ahead
    assert model._running is None, "ended, to see that nothing is left"
    assert answers(model, range(6, 9)) == [6, 7, 8]
    late = make(AHEAD + f"    {EXTRA}; (time.sleep(0.1), {EXTRA}) if number(line) == 2 else None")
    with pytest.raises(OutOfStepError, match="more than one line"):
        answers(late)


def test_a_command_that_reads_ahead_and_names_its_files_goes_on(make: Make) -> None:
    model = make(AHEAD + "    say(right(line, file=line) + '\\n')")
    assert answers(model) == [0, 1, 2, 3, 4, 5]
    running = model._running
    assert running is not None
    assert answers(model, range(6, 9)) == [6, 7, 8]
    assert model._running is running
    model.close()
    shifted = make(AHEAD + "    say(right(line, file=line) + '\\n'); (time.sleep(0.1), say(right(line, file=line) + '\\n'))")
    with pytest.raises(OutOfStepError):
        answers(shifted)


def test_answers_before_a_read_ahead_command_died_are_asked_for_again(make: Make) -> None:
    """It wrote a line too many, and then died before that could be seen: what it answered in between is not believed."""
    body = f"    {EXTRA}; (time.sleep(0.1), {EXTRA}) if number(line) == 1 else None; os._exit(1) if number(line) == 4 else None"
    model = make(AHEAD + body)
    with pytest.raises(OutOfStepError):
        answers(model)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("'not JSON\\n'", "the command answered a line that is not one JSON object"),
        ("right(line) + right(line) + '\\n'", "the command answered a line that is not one JSON object"),
        ("'[1, 2, 3]\\n'", "the command answered JSON that is not an object"),
        ("'[' * 5000 + '\\n'", "the command answered a line that is not one JSON object"),
        ("'{\"level\": \"info\"}\\n'", "the command answered neither a template nor a failure"),
        ("'\\n'", "the command answered a line that is not one JSON object"),
        ("'x' * 100000", "the command answered a line longer than 65,632 bytes"),
        ("'x' * 100000 + '\\n'", "the command answered a line longer than 65,632 bytes"),
        ("'{\"template\": [1, 2, 3], \"failure\": \"no face\"}\\n'", "the command answered both a template and a failure"),
        ("'{\"template\": \"1, 2, 3\"}\\n'", "the command answered a template that is no list of numbers"),
        ("'{\"template\": [1, 2]}\\n'", "the model gave 2 numbers, but its card says 3 dimensions"),
        ("'{\"template\": [1, 2, null]}\\n'", "its template holds something that is not a number"),
        ("'{\"template\": [1, 2, true]}\\n'", "its template holds something that is not a number"),
        ("'{\"template\": [1, 2, [3]]}\\n'", "its template holds something that is not a number"),
        ("'{\"template\": [1, 2, NaN]}\\n'", "its template holds NaN or infinity"),
        ("'{\"template\": [1, 2, 1e39]}\\n'", "its template holds numbers beyond 32-bit floating point"),
        ("'{\"template\": [1, 2, 1' + '0' * 400 + ']}\\n'", "its template holds numbers beyond 32-bit floating point"),
        ("'{\"template\": [0, 0, 0]}\\n'", "its template is all zeros"),
        ("right(line, faces=-1) + '\\n'", "the model counted -1 faces"),
        ("right(line, confidence='high') + '\\n'", "the model gave confidence = 'high', which is no number that it can have"),
        ("'{\"failure\": \"no\\\\n face\"}\\n'", "no face"),
        ("'{\"failure\": true}\\n'", "no template"),
    ],
)  # fmt: skip
def test_a_bad_answer_costs_its_image_alone(make: Make, answer: str, reason: str) -> None:
    model = make(LOOP + f"    say({answer} if number(line) == 2 else right(line) + '\\n')")
    found = answers(model)
    assert str(found[2]).startswith(reason)
    assert found[:2] + found[3:] == [0, 1, 3, 4, 5]
    model.close()


def test_bytes_that_are_not_utf8_cost_their_image(make: Make) -> None:
    odd = "os.write(1, b'{\"failure\": \"\\xff\"}\\n') if number(line) == 2 else say(right(line) + '\\n')"
    model = make(LOOP + f"    {odd}")
    assert answers(model) == [0, 1, "the command answered a line that is not UTF-8", 3, 4, 5]
    model.close()


def test_a_command_that_dies_of_an_image_costs_it_alone_and_shows_its_last_words(make: Make) -> None:
    model = make(LOOP + f"    sys.exit('licence\\x1b[2J expired') if number(line) == 2 else {EXTRA}")
    paths = [Path(f"/nowhere/{number}.png") for number in range(4)]
    found = model.extract_files(paths, ["", "", "", ""])
    assert [what(one) for one in found] == [0, 1, "the command ended without an answer", 3]
    assert "licence" in str(found[2])
    assert "\x1b" not in str(found[2])
    model.close()


def gone(pid: int) -> bool:
    """Whether a process has ended, after a moment for the system to end it."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


CHILD = "child = subprocess.Popen(['sleep', '600']); open('child', 'w').write(str(child.pid))"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("end", ["os._exit(3)", "time.sleep(600)"])
def test_a_silent_child_that_holds_the_pipes_ends_with_the_command(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Whether the command dies or hangs: time is up for what it started, too."""
    monkeypatch.setattr(subprocess_model, "SECONDS", 60.0 if "exit" in end else 3.0)
    model = make(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + LOOP
        + f"    if number(line) == 2:\n        {CHILD}\n        {end}\n    {EXTRA}"
    )
    found = answers(model)
    assert found[2] == ("the command ended without an answer" if "exit" in end else "the command took longer than 3 s")
    assert found[:2] + found[3:] == [0, 1, 3, 4, 5]
    assert gone(int((tmp_path / "child").read_text()))
    model.close()


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_is_bounded_in_memory(make: Make, stream: int) -> None:
    """A tenth of what filled the memory once. On standard output it is one line; the end of standard error is kept."""
    flood = f"[os.write({stream}, b'x' * 1000000) for _ in range(30)], os.write({stream}, b'\\nlast words\\n'), os._exit(4)"
    model = make(LOOP + f"    ({flood}) if number(line) == 2 else {EXTRA}")
    assert answers(model, range(2)) == [0, 1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found,) = model.extract_files([Path("/nowhere/2.png")], [""])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024)
    assert grown < 5_000_000
    assert isinstance(found, AnswerError)
    assert ("last words" in str(found)) == (stream == 2)
    assert answers(model, range(3, 5)) == [3, 4]
    model.close()


def test_time_is_up_for_each_image_anew(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_model, "SECONDS", 2.0)
    model = make(LOOP + f"    time.sleep(600) if number(line) == 1 else None\n    {EXTRA}")
    assert answers(model, range(4)) == [0, "the command took longer than 2 s", 2, 3]
    model.close()


def test_a_command_that_never_reads_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_model, "SECONDS", 1.0)
    model = make("time.sleep(600)")
    assert answers(model, range(2)) == ["the command took longer than 1 s"] * 2
    model.close()


def test_a_command_that_was_well_meets_the_image_again_in_a_fresh_process(make: Make) -> None:
    """It suffers from what came before: every image gets its template, none is blamed."""
    model = make("count = 0\n" + LOOP + f"    count += 1\n    os._exit(1) if count > 2 else None\n    {EXTRA}")
    assert answers(model) == [0, 1, 2, 3, 4, 5]
    model.close()


@pytest.mark.parametrize("name", ["a\nb", "a\rb"])
def test_a_name_that_would_be_two_lines_is_not_asked_for(make: Make, tmp_path: Path, name: str) -> None:
    model = make(LOOP + f"    {EXTRA}")
    found = model.extract_files([tmp_path / "1.png", tmp_path / name, tmp_path / "3.png"], ["", "", ""])
    assert [what(one) for one in found] == [1, "its name holds a line break, which can't be handed to a command", 3]
    model.close()


def test_names_are_handed_over_as_the_system_has_them(make: Make, tmp_path: Path) -> None:
    model = make(
        "while line := sys.stdin.buffer.readline():\n"
        "    say(json.dumps({'template': [len(line), 1, 1], 'file': os.fsdecode(line.rstrip())}) + '\\n')"
    )
    paths = [tmp_path / os.fsdecode(b"\xff.png"), tmp_path / "ä ☃.png"]
    found = model.extract_files(paths, ["", ""])
    assert [what(one) for one in found] == [len(os.fsencode(path)) + 1 for path in paths]
    model.close()


def test_last_words_at_the_end_are_no_fault(make: Make) -> None:
    """A summary after the end of its standard input is no answer to anything."""
    model = make(AHEAD + f"    {EXTRA}\nsay('6 images done\\n')")
    assert answers(model) == [0, 1, 2, 3, 4, 5]
