"""A page of suspects' pictures, to look at on this machine only."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.paths import real_path
from faceparity.harness.results import Evaluation

if TYPE_CHECKING:
    from faceparity.harness.cli.commands.suspect_list import Suspect

SIDE = 180
"""Longest side of a picture in the page, in pixels."""

_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:0 1rem}header{background:#a00;color:#fff;padding:1rem;margin:0 -1rem;position:sticky;top:0}"
    "figure{display:inline-block;margin:.5rem;padding:.5rem;border:1px solid #999;max-width:24rem}"
    "img{max-width:11rem}code{overflow-wrap:anywhere}"
)
_WARNING = (
    "PRIVATE. People's pictures, and who resembles whom: biometric data. Look at it on this machine, give it to nobody, put it on no "
    "network, and delete it when you have looked. faceparity purge knows nothing of it."
)


def check_place(sheet: Path, run: Path) -> None:
    """Check that the sheet lies outside the run's folder.

    That folder is made to be published. Raises UserError.
    """
    if real_path(sheet).is_relative_to(real_path(run)):
        raise UserError(f"--sheet {sheet}: lies in the run's folder, which is for publication; name a place outside it")
    if not real_path(sheet).parent.is_dir():
        raise UserError(f"--sheet {sheet}: {sheet.parent} is no folder; name a file in one that exists")


def write_sheet(sheet: Path, found: Sequence[tuple[Evaluation, Sequence[Suspect]]], specs: Sequence[str]) -> None:
    """Write the page, readable by its owner only.

    specs: `NAME=DIR` for data sets that are not where `-d NAME` finds them. Raises UserError where a data set's pictures are not to be
    found, or the page can't be written.
    """
    given = dict(spec.partition("=")[::2] for spec in specs)
    roots = {name: _root(name, given) for name in dict.fromkeys(evaluation.dataset.name for evaluation, _ in found)}
    text = "".join(_page(found, roots))
    try:
        sheet.unlink(missing_ok=True)
        with os.fdopen(os.open(sheet, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"--sheet {sheet}: {error.strerror}; name a file that can be written") from None


def _root(name: str, given: Mapping[str, str]) -> Path:
    """Return the folder of a data set's pictures.

    Raises UserError.
    """
    from faceparity.datasets.registry import find_copy

    root = Path(given[name]).expanduser() if given.get(name) else find_copy(name)
    if root is None or not root.is_dir():
        raise UserError(f"where are the pictures of {name}? Write -d {name}=DIR")
    return root


def _page(found: Sequence[tuple[Evaluation, Sequence[Suspect]]], roots: Mapping[str, Path]) -> Iterator[str]:
    """Yield the page's HTML."""
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex,nofollow,noarchive">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
    yield f"<title>PRIVATE: suspects</title><style>{_STYLE}</style><header><strong>{_WARNING}</strong></header>"
    for evaluation, suspects in found:
        dataset = evaluation.dataset
        yield f"<h1>{escape(dataset.title)}, {escape(evaluation.model.title)}</h1><p>Licence of the pictures: {escape(dataset.licence)}. "
        yield f"{escape(_passing_on(dataset.name))} Consent: {escape(dataset.consent)}</p>"
        for mated, title in (
            (False, "Different people, as labelled, most alike first"),
            (True, "One person, as labelled, least alike first"),
        ):
            yield f"<h2>{title}</h2>"
            for suspect in suspects:
                if suspect.mated == mated:
                    yield _figure(suspect, roots[dataset.name], evaluation.model.score.unit)
    yield "</html>\n"


def _passing_on(name: str) -> str:
    """Say whether a data set's pictures may be passed on."""
    from faceparity.datasets.schema.card import load_card

    try:
        answer = load_card(name).allows.get("redistribution", "unclear")
    except FileNotFoundError:
        answer = "unclear"
    return {"yes": "It allows passing them on; this page is private all the same."}.get(answer, "They may not be passed on.")


def _figure(suspect: Suspect, root: Path, unit: str) -> str:
    """Return a suspect's two pictures as HTML."""
    wrong = f"<br>Error at {escape(', '.join(suspect.wrong_at))}." if suspect.wrong_at else ""
    pictures = _image(root / suspect.a) + _image(root / suspect.b)
    caption = f"{escape(unit)} {suspect.score:.5f}{wrong}<br><code>{escape(suspect.row)}</code>"
    return f"<figure>{pictures}<figcaption>{caption}</figcaption></figure>"


def _image(path: Path) -> str:
    """Return a small picture, in the page itself."""
    import cv2

    from faceparity.datasets.loading.image_files import UnreadableImage, decode
    from faceparity.datasets.loading.image_packs import source

    try:
        pixels = decode(source(path))
    except UnreadableImage as error:
        return f"<p>[no picture: {escape(error.reason)}]</p>"
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    coded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes()
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(coded).decode("ascii")}">'
