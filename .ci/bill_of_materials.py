"""Add the weights that cards name to a bill of materials: `python .ci/bill_of_materials.py IN.json OUT.json`.

Runs in the environment of cyclonedx-bom, without faceparity: cards are read as the TOML files that they are.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

CARDS = Path(__file__).resolve().parents[1] / "harness" / "models" / "cards"
LICENCES = {"dlib-bin": "BSL-1.0", "partd": "BSD-3-Clause", "protobuf": "BSD-3-Clause"}
"""Of libraries whose packages name none that SPDX knows, by the licence files in them."""
UNCHECKED = "No published sha256 was at hand."


def weights() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each card, or detector, with each of its files of weights."""
    for path in sorted(CARDS.glob("*.toml")):
        card = tomllib.loads(path.read_text("utf-8"))
        cards = card if path.stem == "detectors" else {path.stem: card}
        for name, fields in cards.items():
            for file in fields.get("weights", []):
                yield name, file


def component(name: str, file: dict[str, Any]) -> Component:
    """Describe one file of weights, with its sha256, licence and sources."""
    digest = file["sha256"]
    references = [
        ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(line))
        for line in file.get("sources", [])
        if line.startswith("https:")
    ]
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=file["file"],
        version=digest[:12] or None,
        bom_ref=f"weights:{name}:{file['file']}",
        description=f"Weights of {name} ({file['role']}), fetched by the user.{'' if digest else ' ' + UNCHECKED}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else [],
        licenses=[LicenseFactory().make_from_string(file["licence"])],
        external_references=references,
        properties=[Property(name="faceparity:source", value=line) for line in file.get("sources", [])],
    )


def main() -> int:
    """Write the whole bill, validated against the schema, and print how many components it has."""
    source, target = map(Path, sys.argv[1:])
    bom = Bom.from_json(json.loads(source.read_text("utf-8")))
    libraries = len(bom.components)
    for one in bom.components:
        if not one.licenses and one.name in LICENCES:
            one.licenses = [LicenseFactory().make_from_string(LICENCES[one.name])]
    files = {file["sha256"] or file["file"]: component(name, file) for name, file in weights()}
    bom.components.update(files.values())
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"{target.name} does not follow CycloneDX 1.6: {fault}", file=sys.stderr)
        return 1
    target.write_text(text + "\n", "utf-8")
    licensed = sum(bool(one.licenses) for one in bom.components)
    print(
        f"{target.name}: {len(bom.components)} components ({libraries} libraries, {len(files)} files of weights), "
        f"{licensed} with a licence; valid CycloneDX 1.6"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
