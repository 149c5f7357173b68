"""Casual Conversations v1 and v2: the publisher's JSON of videos, and frames that the user (v1) or the publisher (v2) took."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.loading.builder import LabelledImage, Rules, build
from faceparity.datasets.loading.image_files import list_images
from faceparity.datasets.loading.publisher_layout import need, read_json
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset, Problem

V1, V2 = "CasualConversations.json", "CasualConversationsV2.json"
_ROMAN = {str(i): roman for i, roman in enumerate(("I", "II", "III", "IV", "V", "VI"), 1)}


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read frames of Casual Conversations v1.

    Each is of the video whose name its own name or folder begins with. Raises UserError.
    """
    card = load_card("casual_conversations")
    path = root / need(root, card, V1, f"CC_annotations/{V1}", f"annotations/{V1}")
    content = read_json(path)
    if not isinstance(content, dict):
        raise _wrong_content(path, "an object from subject to files, dark_files and label")
    videos: dict[str, LabelledImage] = {}
    problems: list[Problem] = []
    for subject, about in content.items():
        label = about.get("label") if isinstance(about, dict) else None
        if not isinstance(label, dict) or not isinstance(about.get("files"), list):
            problems.append(Problem("bad_row", f"{path.name}: {subject}", "no label or no files"))
            continue
        dark = set(map(str, about.get("dark_files") or ()))
        skin = _text(label.get("skin-type"))
        labels = {
            "gender": _text(label.get("gender")),
            "age_group": _text(label.get("age")),
            "skin_tone": _ROMAN.get(skin, skin),
        }
        for video in map(str, about["files"]):
            light = {"lighting": "dark" if video in dark else "bright"}
            videos[_stem(video)] = LabelledImage(video, f"{path.name}: {subject}", subject, {**labels, **light})
    rows = _frames(root, videos, problems)
    rules = Rules(any_value=True, include_minors=include_minors)
    return build(card, root, rows, problems, name=name, rules=rules)


def read_v2(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read frames of Casual Conversations v2.

    They are named, for instance, `ccv2-frames-part-1/0000/0000_portuguese_nonscripted_1_raw_frame00000381.jpg`. Raises
    UserError.
    """
    card = load_card("casual_conversations_v2")
    path = root / need(root, card, V2, f"annotations/{V2}")
    content = read_json(path)
    if not isinstance(content, list):
        raise _wrong_content(path, "a list of videos with video_name and subject_id")
    videos: dict[str, LabelledImage] = {}
    problems: list[Problem] = []
    for number, video in enumerate(content, 1):
        where = f"{path.name}: entry {number}"
        if not isinstance(video, dict) or not video.get("video_name") or video.get("subject_id") in (None, ""):
            problems.append(Problem("bad_row", where, "no video_name or no subject_id"))
            continue
        labels = {
            "gender": _text(video.get("gender")),
            "age_group": _text(video.get("age")),
            "skin_tone": _scale(video.get("monk_skin_tone"), "scale"),
            "fitzpatrick": _scale(video.get("fitzpatrick_skin_tone"), "type").upper(),
        }
        stem = _stem(_text(video["video_name"]))
        videos[stem] = LabelledImage(stem, where, _text(video["subject_id"]).zfill(4), labels)
    rows = _frames(root, videos, problems)
    rules = Rules(any_value=True, include_minors=include_minors)
    return build(card, root, rows, problems, name=name, rules=rules)


def _text(value: Any) -> str:
    """Return a cell as text, with single blanks.

    None is empty; "N/A" and the like stay, for the concepts to recognise.
    """
    return "" if value is None else " ".join(str(value).split())


def _scale(value: Any, key: str) -> str:
    """Return the step of a scale of skin tones.

    `scale 5` gives 5, `type iii` gives iii. value: a text, or an object that has it under `key`.
    """
    return _text(value.get(key) if isinstance(value, dict) else value).rpartition(" ")[2]


def _stem(video: str) -> str:
    return PurePosixPath(video.replace("\\", "/")).stem


def _frames(root: Path, videos: Mapping[str, LabelledImage], problems: list[Problem]) -> list[LabelledImage]:
    """Return a row for each image of a video.

    All videos without a frame are one problem. Raises UserError if there is no frame.
    """
    rows, seen = [], set()
    for file in list_images(root):
        stem = next((name for name in _video_names(file) if name in videos), None)
        if stem is not None:
            seen.add(stem)
            rows.append(replace(videos[stem], file=file, where=file))
    missing = [stem for stem in videos if stem not in seen]
    if not rows:
        raise UserError(
            f"{root} holds no frame of its {len(videos):,} videos: a frame's name or folder begins with its video's name"
        )
    if missing:
        more = "" if len(missing) == 1 else f" and of {len(missing) - 1:,} more videos"
        problems.append(Problem("missing_file", printable(missing[0]), f"no frame of it{more}"))
    return rows


def _video_names(file: str) -> Iterable[str]:
    """Yield the names that a frame's video may have.

    They come longest first: the frame's name and what it begins with, then its folders from the inside.
    """
    path = PurePosixPath(file)
    stem = path.stem
    while stem:
        yield stem
        stem = re.sub(r"[_.\- ]?[^_.\- ]*$", "", stem)
    yield from reversed(path.parent.parts)


def _wrong_content(path: Path, expected: str) -> UserError:
    return UserError(f"{path} is not {expected}: put the publisher's file there")
