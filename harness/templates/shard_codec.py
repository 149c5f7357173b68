"""Extractions as bytes and back: one Arrow table, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from faceparity.harness.models.base.model import Extraction, Status

_COVARIATE = "covariate:"


def pack(extractions: Mapping[bytes, Extraction]) -> bytes:
    """Return extractions as Arrow IPC bytes.

    extractions: by entry name (32 bytes each). What is missing is null, never NaN or 0. Raises ValueError for templates of several
    lengths.
    """
    import pyarrow as pa

    rows = list(extractions.values())
    names = sorted({name for row in rows for name in row.covariates or {}})
    sizes = {row.template.size for row in rows if row.template is not None}
    if len(sizes) > 1:
        raise ValueError(f"templates of several lengths in one shard: {sorted(sizes)}")
    columns: dict[str, Any] = {
        "entry": pa.array(list(extractions), pa.binary(32)),
        "status": pa.array([row.status for row in rows], pa.string()),
        "reason": pa.array([row.reason for row in rows], pa.string()),
        "faces": pa.array([row.faces for row in rows], pa.int32()),
        "pixels": pa.array([row.pixels for row in rows], pa.string()),
        "faces_differ": pa.array([row.faces_differ for row in rows], pa.bool_()),
        "template": pa.array(
            [None if row.template is None else np.ascontiguousarray(row.template, "<f4").tobytes() for row in rows], pa.binary()
        ),
    }
    for name in names:
        columns[_COVARIATE + name] = pa.array([(row.covariates or {}).get(name) for row in rows], pa.float64())
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def unpack(payload: bytes) -> list[tuple[bytes, Extraction]]:
    """Return the (entry name, extraction) pairs that `pack` packed."""
    import pyarrow as pa

    with pa.ipc.open_stream(payload) as reader:
        table = reader.read_all()
    covariates = [name for name in table.column_names if name.startswith(_COVARIATE)]
    return [(row["entry"], _extraction(row, covariates)) for row in table.to_pylist()]


def _extraction(row: dict[str, Any], covariates: list[str]) -> Extraction:
    """Build an extraction from a row.

    Raises ValueError for an unknown status.
    """
    if row["status"] not in get_args(Status):
        raise ValueError(f"unknown status {row['status']!r} in a shard")
    known = {name.removeprefix(_COVARIATE): float(row[name]) for name in covariates if row[name] is not None}
    template = None if row["template"] is None else np.frombuffer(row["template"], "<f4").astype(np.float32)
    # Shards of earlier versions have no such column.
    differ = row.get("faces_differ")
    return Extraction(row["status"], template, row["faces"], row["pixels"], known or None, row["reason"], differ)
