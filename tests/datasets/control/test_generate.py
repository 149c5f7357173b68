"""The generator of the control set: exact where it is arithmetic, looked at as numbers where it is a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.control.generate import Studio
from faceparity.datasets.control.head import identity, mesh, skin
from faceparity.datasets.control.head.mesh_source import MESHES
from faceparity.datasets.control.head.shape import HeadModel, read_model, rotation
from faceparity.datasets.control.produce import jpeg, monk
from faceparity.datasets.control.rendering import raster
from faceparity.datasets.fetch.artefacts import is_here, path

pytestmark = pytest.mark.slow

CUBE = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
CORNERS = np.array([[x, y, z] for z in (-1.0, 1.0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


@pytest.fixture(scope="module")
def wheel() -> Path:
    if not is_here(MESHES):
        pytest.skip("the meshes are not here: faceparity fetch control-meshes")
    return path(MESHES)


@pytest.fixture(scope="module")
def model(wheel: Path) -> HeadModel:
    return read_model(mesh.Archive(wheel))


def test_catmull_clark_of_a_cube() -> None:
    smooth, quads = mesh.catmull_clark(CUBE, 8)
    points = smooth @ CORNERS
    assert points.shape == (8 + 12 + 6, 3)
    assert quads.shape == (24, 4)
    np.testing.assert_allclose(np.abs(points[:8]), 5 / 9)  # valence 3: (Q + 2R) / 3, Q = 1/3, R = 2/3
    edges = np.sort(np.abs(points[8:20]), axis=1)
    np.testing.assert_allclose(edges, np.broadcast_to([0, 0.75, 0.75], (12, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(points[20:], axis=1), 1.0)


def test_catmull_clark_keeps_open_edges_on_their_line() -> None:
    square = np.array([[0, 1, 2, 3]])
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    smooth, _ = mesh.catmull_clark(square, 4)
    points = smooth @ flat
    np.testing.assert_allclose(np.asarray(smooth.sum(1)).ravel(), 1.0)
    np.testing.assert_allclose(points[4:8].mean(0), [0.5, 0.5, 0])
    assert set(map(tuple, points[4:8].round(9))) == {(0.5, 0, 0), (1, 0.5, 0), (0.5, 1, 0), (0, 0.5, 0)}


def test_nearest_triangle_wins() -> None:
    depth, index, weights = raster.blank(8, 8)
    far = np.array([[0.0, 0, 5], [7, 0, 5], [0, 7, 5]])
    near = np.array([[0.0, 0, 2], [3, 0, 2], [0, 3, 2]])
    triangles = np.array([[0, 1, 2], [3, 4, 5]])
    raster.draw_triangles(np.concatenate([far, near]), triangles, depth, index, weights, 10)
    assert index[0, 0] == 11
    assert index[1, 5] == 10
    assert index[7, 7] == -1
    np.testing.assert_allclose(weights[1, 1].sum(), 1, atol=1e-6)
    alone = raster.blank(8, 8)[0]
    raster.draw_depths(np.concatenate([far, near]), triangles, alone)
    np.testing.assert_array_equal(alone, depth)
    assert (alone[0, 0], alone[1, 5], alone[7, 7]) == (2, 5, raster.FAR)


def test_lab_goes_there_and_back() -> None:
    lab = np.array([[65.0, 12.0, 18.0], [35.0, 11.0, 13.0]])
    np.testing.assert_allclose(skin.linear_to_lab(skin.lab_to_linear(lab)), lab, atol=0.05)


def test_ita_and_monk() -> None:
    assert skin.ita(np.array([60.0, 10.0, 10.0])) == pytest.approx(45.0)
    assert skin.ita(np.array([50.0, 10.0, 10.0])) == pytest.approx(0.0)
    assert monk((94.0, 1.5, 5.4)) == 1
    assert monk((30.0, 11.0, 13.0)) == 8
    assert monk((15.0, 1.5, 3.5)) == 10


def test_rotation_turns_the_nose_to_the_heads_left() -> None:
    nose = rotation(20, 0, 0) @ np.array([0, 0, 1.0])
    np.testing.assert_allclose(nose, [np.sin(np.radians(20)), 0, np.cos(np.radians(20))])


def test_identities_are_the_same_again_and_differ(wheel: Path) -> None:
    names = mesh.Archive(wheel).names
    first, again, other = (identity.draw_identity(n, "asian", "female", 1, names) for n in (0, 0, 1))
    assert first == again
    assert first.weights != other.weights
    everyone = [identity.draw_identity(n, a, s, 1, names) for a in identity.ANCESTRIES for s in identity.SEXES for n in range(54)]
    assert len({who.subject for who in everyone}) == 324
    assert {who.age for who in everyone} <= set(range(20, 76))
    assert max(w for who in everyone for name, w in who.weights if not name.startswith("macro")) <= identity.LIMIT
    assert all(
        name.rpartition("/")[2] and f"{mesh.DATA}targets/{name}.target.gz" in names for who in everyone for name, _ in who.weights
    )


def test_a_photograph_is_the_same_again(model: HeadModel) -> None:
    who = identity.draw_identity(0, "african", "female", 1, model.archive.names)
    studio = Studio(model, who)
    first, again, other = studio.photograph(1, 0), Studio(model, who).photograph(1, 0), studio.photograph(1, 1)
    assert first.pixels.shape == (180, 180, 3)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert np.abs(first.pixels.astype(int) - other.pixels).mean() > 5
    assert first.pixels.std() > 20
    assert jpeg(first)[:2] == b"\xff\xd8"
    assert first.ita == pytest.approx(skin.ita(np.array(who.looks.skin)), abs=8)


def test_tone_and_exposure_change_nothing_else(model: HeadModel) -> None:
    who = identity.draw_identity(1, "caucasian", "male", 1, model.archive.names)
    taken = Studio(model, who).bracketed(1, 0)
    assert len(taken) == 15
    itas = [taken[tone, 1].ita for tone in range(5)]
    assert itas == sorted(itas, reverse=True)
    assert itas[0] - itas[-1] > 60
    light, dark = taken[0, 1].pixels.astype(int), taken[4, 1].pixels.astype(int)
    corner = np.abs(light - dark)[:20, :20]
    assert corner.max() == 0  # the wall, its noise included
    assert np.abs(light - dark)[60:120, 70:110].mean() > 20
    assert taken[2, 0].pixels.mean() < taken[2, 1].pixels.mean() < taken[2, 2].pixels.mean()
