"""The z-buffer: triangles, hair and shadow maps, in compiled loops. Single-threaded, so that the same input gives the same pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit

FAR = 1e9


@njit()
def draw_triangles(  # type: ignore[no-untyped-def]
    xyz, triangles, depth, index, weights, first
) -> None:
    """Draw triangles into a z-buffer.

    xyz float64[n, 3] are pixel x, pixel y and distance; the nearest wins. index gets `first` + the triangle's number, weights those of its
    corners. Where index has no size, depths alone are drawn.
    """
    height, width = depth.shape
    shown = index.size > 0
    for number in range(triangles.shape[0]):
        corner_a, corner_b, corner_c = triangles[number, 0], triangles[number, 1], triangles[number, 2]
        ax, ay, az = xyz[corner_a, 0], xyz[corner_a, 1], xyz[corner_a, 2]
        bx, by, bz = xyz[corner_b, 0], xyz[corner_b, 1], xyz[corner_b, 2]
        cx, cy, cz = xyz[corner_c, 0], xyz[corner_c, 1], xyz[corner_c, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        left = max(0, math.ceil(min(ax, bx, cx)))
        right = min(width - 1, math.floor(max(ax, bx, cx)))
        top = max(0, math.ceil(min(ay, by, cy)))
        bottom = min(height - 1, math.floor(max(ay, by, cy)))
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                weight_a = ((bx - column) * (cy - row) - (by - row) * (cx - column)) / area
                weight_b = ((cx - column) * (ay - row) - (cy - row) * (ax - column)) / area
                weight_c = 1.0 - weight_a - weight_b
                if weight_a < 0.0 or weight_b < 0.0 or weight_c < 0.0:
                    continue
                distance = weight_a * az + weight_b * bz + weight_c * cz
                if distance >= depth[row, column]:
                    continue
                depth[row, column] = distance
                if shown:
                    index[row, column] = first + number
                    weights[row, column, 0] = weight_a
                    weights[row, column, 1] = weight_b
                    weights[row, column, 2] = weight_c


@njit()
def draw_strands(xyz, start, bias, depth, index, fractions, first) -> None:  # type: ignore[no-untyped-def]
    """Draw polylines one pixel wide into a z-buffer.

    xyz float64[strands, points, 3] as for triangles. start: the first point drawn; bias: how much nearer a strand counts. Towards the end
    strands thin out. index gets `first` + strand × points + point, fractions how far the pixel is from that point to the next, 0–1.
    """
    height, width = depth.shape
    count, points = xyz.shape[0], xyz.shape[1]
    for strand in range(count):
        for point in range(start, points - 1):
            ax, ay, az = xyz[strand, point, 0], xyz[strand, point, 1], xyz[strand, point, 2]
            dx, dy, dz = xyz[strand, point + 1, 0] - ax, xyz[strand, point + 1, 1] - ay, xyz[strand, point + 1, 2] - az
            steps = max(1, math.ceil(max(abs(dx), abs(dy))))
            for step in range(steps):
                fraction = step / steps
                column, row = math.floor(ax + fraction * dx + 0.5), math.floor(ay + fraction * dy + 0.5)
                if column < 0 or row < 0 or column >= width or row >= height:
                    continue
                distance = az + fraction * dz - bias
                if distance < depth[row, column]:
                    thin = ((point + fraction) / (points - 1) - 0.45) * 1.5
                    if thin > 0.0 and ((strand * 73856093 + (point * 64 + step) * 19349663) >> 7) % 1024 < thin * 1024.0:
                        continue
                    depth[row, column] = distance
                    index[row, column] = first + strand * points + point
                    fractions[row, column] = fraction


def draw_depths(xyz: NDArray[np.float64], triangles: NDArray[np.int64], depth: NDArray[np.float64]) -> None:
    """Draw only the depths of triangles, for shadow maps."""
    draw_triangles(xyz, triangles, depth, np.empty((0, 0), np.int32), np.empty((0, 0, 3), np.float32), 0)


@njit()
def transformed(points, matrix, shift) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """Return points @ matrix + shift.

    In a fixed order of operations.
    """
    out = np.empty(points.shape)
    for i in range(points.shape[0]):
        for axis in range(3):
            out[i, axis] = (
                points[i, 0] * matrix[0, axis] + points[i, 1] * matrix[1, axis] + points[i, 2] * matrix[2, axis] + shift[axis]
            )
    return out


@njit()
def splat_depths(xyz, depth) -> None:  # type: ignore[no-untyped-def]
    """Draw single points into a shadow map."""
    height, width = depth.shape
    for i in range(xyz.shape[0]):
        column, row = math.floor(xyz[i, 0] + 0.5), math.floor(xyz[i, 1] + 0.5)
        if 0 <= column < width and 0 <= row < height:
            depth[row, column] = min(depth[row, column], xyz[i, 2])


@njit()
def visibility(points, matrix, shift, hairy, depth, biases, softness, out) -> None:  # type: ignore[no-untyped-def]
    """Fill `out` with how much light reaches each point.

    float32, 0–1, of the light of one shadow map, over four texels. Light falls off as exp(-excess / softness) behind the nearest surface,
    excess being the depth beyond the bias; both by `hairy`.
    """
    height, width = depth.shape
    for i in range(points.shape[0]):
        point_x, point_y, point_z = points[i, 0], points[i, 1], points[i, 2]
        column = point_x * matrix[0, 0] + point_y * matrix[1, 0] + point_z * matrix[2, 0] + shift[0]
        row = point_x * matrix[0, 1] + point_y * matrix[1, 1] + point_z * matrix[2, 1] + shift[1]
        distance = point_x * matrix[0, 2] + point_y * matrix[1, 2] + point_z * matrix[2, 2] + shift[2]
        kind = 1 if hairy[i] else 0
        left, top = math.floor(column), math.floor(row)
        if left < 0 or top < 0 or left + 1 >= width or top + 1 >= height:
            out[i] = 1.0
            continue
        right_share, bottom_share = column - left, row - top
        total = 0.0
        for j in range(2):
            for k in range(2):
                excess = distance - depth[top + j, left + k] - biases[kind]
                seen = 1.0
                if excess > 0.0:
                    seen = math.exp(-excess / softness[kind]) if excess < 8.0 * softness[kind] else 0.0
                total += seen * (bottom_share if j else 1.0 - bottom_share) * (right_share if k else 1.0 - right_share)
        out[i] = total


def blank(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float32]]:
    """Return an empty z-buffer.

    Depths, indices (-1) and weights of the corners.
    """
    return np.full((height, width), FAR), np.full((height, width), -1, np.int32), np.zeros((height, width, 3), np.float32)
