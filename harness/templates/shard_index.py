"""Which shard of a large store holds what.

So a run that wants a few templates need not read them all. The index is kept beside a model's shards, sealed like them, once there
are many; of each entry's name, a keyed hash itself, it has the first eight bytes. It may be old or gone: shards that it does not
know are read. An entry of the same eight bytes costs one shard read in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORTH_IT = 256
"""Least number of shards unknown to the index for it to be written again."""
SUFFIX = "-index.shard"


@dataclass(frozen=True)
class ShardIndex:
    """The entries of shards.

    names: of shards. entries: uint64[n], rising. shard: int32[n], the number of the shard that each entry is in.
    """

    names: tuple[str, ...]
    entries: NDArray[np.uint64]
    shard: NDArray[np.int32]

    def holding(self, wanted: Iterable[bytes]) -> set[str]:
        """Return the names of shards that may hold these entries."""
        short_names = np.unique(short(wanted))
        at = np.searchsorted(short_names, self.entries)
        hit = (
            (at < short_names.size) & (short_names[np.minimum(at, max(0, short_names.size - 1))] == self.entries)
            if short_names.size
            else []
        )
        return {self.names[number] for number in np.unique(self.shard[hit])} if short_names.size else set()

    def with_shards(self, more: Mapping[str, Iterable[bytes]], there: set[str]) -> ShardIndex:
        """Return the index with further shards.

        more: entries by shard. there: the shards that still exist; the others are left out.
        """
        known = np.isin(self.shard, [position for position, name in enumerate(self.names) if name in there])
        kept = sorted({self.names[position] for position in np.unique(self.shard[known])})
        number = {name: position for position, name in enumerate([*kept, *more])}
        renumber = np.array([number.get(name, -1) for name in self.names] or [-1], np.int32)
        parts = [(self.entries[known], renumber[self.shard[known]])]
        for name, names in more.items():
            parts.append((found := short(names), np.full(found.size, number[name], np.int32)))
        entries, shard = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(entries, kind="stable")
        return ShardIndex(tuple(number), entries[order], shard[order])


def nothing() -> ShardIndex:
    """Return an index of no shards."""
    return ShardIndex((), np.empty(0, np.uint64), np.empty(0, np.int32))


def short(entries: Iterable[bytes]) -> NDArray[np.uint64]:
    """Return the first eight bytes of each entry, uint64[n]."""
    return np.frombuffer(b"".join(entry[:8] for entry in entries), "<u8").astype(np.uint64)


def pack(index: ShardIndex) -> bytes:
    """Return an index as Arrow IPC bytes.

    A column of entries, one of shards, and the shards' names in the schema.
    """
    import pyarrow as pa

    names = "\n".join(index.names).encode()
    table = pa.table({"entry": index.entries, "shard": index.shard}).replace_schema_metadata({"names": names})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def unpack(payload: bytes) -> ShardIndex:
    """Return the index that `pack` packed."""
    import pyarrow as pa

    with pa.ipc.open_stream(payload) as reader:
        table = reader.read_all()
    names = table.schema.metadata[b"names"].decode()
    return ShardIndex(
        tuple(names.split("\n")) if names else (),
        np.asarray(table["entry"].to_numpy(), np.uint64), np.asarray(table["shard"].to_numpy(), np.int32),
    )  # fmt: skip
