"""The z-buffer: triangles, hair and shadow maps, in compiled loops. Single-threaded, so that the same input gives the same pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.compiled import njit

FAR = 1e9


@njit()
def draw_triangles(  # type: ignore[no-untyped-def]
    xyz, triangles, depth, index, weights, first
) -> None:
    """Draws triangles: xyz float64[n, 3] are pixel x, pixel y and distance; nearest wins. index gets `first` + the triangle's number.

    Where index has no size, depths alone are drawn.
    """
    height, width = depth.shape
    shown = index.size > 0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = xyz[a, 0], xyz[a, 1], xyz[a, 2]
        bx, by, bz = xyz[b, 0], xyz[b, 1], xyz[b, 2]
        cx, cy, cz = xyz[c, 0], xyz[c, 1], xyz[c, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        x0 = max(0, math.ceil(min(ax, bx, cx)))
        x1 = min(width - 1, math.floor(max(ax, bx, cx)))
        y0 = max(0, math.ceil(min(ay, by, cy)))
        y1 = min(height - 1, math.floor(max(ay, by, cy)))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                w = 1.0 - u - v
                if u < 0.0 or v < 0.0 or w < 0.0:
                    continue
                z = u * az + v * bz + w * cz
                if z >= depth[y, x]:
                    continue
                depth[y, x] = z
                if shown:
                    index[y, x] = first + t
                    weights[y, x, 0] = u
                    weights[y, x, 1] = v
                    weights[y, x, 2] = w


@njit()
def draw_strands(xyz, start, bias, depth, index, along, first) -> None:  # type: ignore[no-untyped-def]
    """Draws polylines one pixel wide: xyz float64[strands, points, 3] as for triangles.

    start: the first point drawn; bias: how much nearer a strand counts. Towards the tip strands thin out.
    index gets `first` + strand × points + point.
    """
    height, width = depth.shape
    count, points = xyz.shape[0], xyz.shape[1]
    for s in range(count):
        for p in range(start, points - 1):
            ax, ay, az = xyz[s, p, 0], xyz[s, p, 1], xyz[s, p, 2]
            dx, dy, dz = xyz[s, p + 1, 0] - ax, xyz[s, p + 1, 1] - ay, xyz[s, p + 1, 2] - az
            steps = max(1, math.ceil(max(abs(dx), abs(dy))))
            for i in range(steps):
                f = i / steps
                x, y = math.floor(ax + f * dx + 0.5), math.floor(ay + f * dy + 0.5)
                if x < 0 or y < 0 or x >= width or y >= height:
                    continue
                z = az + f * dz - bias
                if z < depth[y, x]:
                    thin = ((p + f) / (points - 1) - 0.45) * 1.5
                    if thin > 0.0 and ((s * 73856093 + (p * 64 + i) * 19349663) >> 7) % 1024 < thin * 1024.0:
                        continue
                    depth[y, x] = z
                    index[y, x] = first + s * points + p
                    along[y, x] = f


def draw_depths(xyz: NDArray[np.float64], triangles: NDArray[np.int64], depth: NDArray[np.float64]) -> None:
    """Only the depths of triangles, for shadow maps."""
    draw_triangles(xyz, triangles, depth, np.empty((0, 0), np.int32), np.empty((0, 0, 3), np.float32), 0)


@njit()
def transformed(points, matrix, shift) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """points @ matrix + shift, in a fixed order of operations."""
    out = np.empty(points.shape)
    for i in range(points.shape[0]):
        for c in range(3):
            out[i, c] = points[i, 0] * matrix[0, c] + points[i, 1] * matrix[1, c] + points[i, 2] * matrix[2, c] + shift[c]
    return out


@njit()
def splat_depths(xyz, depth) -> None:  # type: ignore[no-untyped-def]
    """Single points into a shadow map."""
    height, width = depth.shape
    for i in range(xyz.shape[0]):
        x, y = math.floor(xyz[i, 0] + 0.5), math.floor(xyz[i, 1] + 0.5)
        if 0 <= x < width and 0 <= y < height:
            depth[y, x] = min(depth[y, x], xyz[i, 2])


@njit()
def visibility(points, matrix, shift, hairy, depth, biases, softness, out) -> None:  # type: ignore[no-untyped-def]
    """float32 0–1 for each point: how much of the light of one shadow map reaches it, over four texels.

    Light falls off as exp(-excess / softness) behind the nearest surface, excess being the depth beyond the bias; both by `hairy`.
    """
    height, width = depth.shape
    for i in range(points.shape[0]):
        a, b, c = points[i, 0], points[i, 1], points[i, 2]
        x = a * matrix[0, 0] + b * matrix[1, 0] + c * matrix[2, 0] + shift[0]
        y = a * matrix[0, 1] + b * matrix[1, 1] + c * matrix[2, 1] + shift[1]
        z = a * matrix[0, 2] + b * matrix[1, 2] + c * matrix[2, 2] + shift[2]
        h = 1 if hairy[i] else 0
        x0, y0 = math.floor(x), math.floor(y)
        if x0 < 0 or y0 < 0 or x0 + 1 >= width or y0 + 1 >= height:
            out[i] = 1.0
            continue
        fx, fy = x - x0, y - y0
        total = 0.0
        for j in range(2):
            for k in range(2):
                excess = z - depth[y0 + j, x0 + k] - biases[h]
                seen = 1.0
                if excess > 0.0:
                    seen = math.exp(-excess / softness[h]) if excess < 8.0 * softness[h] else 0.0
                total += seen * (fy if j else 1.0 - fy) * (fx if k else 1.0 - fx)
        out[i] = total


def blank(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float32]]:
    """An empty z-buffer: depths, indices (-1) and weights of the corners."""
    return np.full((height, width), FAR), np.full((height, width), -1, np.int32), np.zeros((height, width, 3), np.float32)
