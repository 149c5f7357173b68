"""Tables of scores from damaged files."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.score_files.source import FileSource


def beyond_its_dictionary() -> bytes:
    """A Parquet file whose codes name texts that its dictionary does not have: one bit of a good file is turned over."""
    held = io.BytesIO()
    pq.write_table(pa.table({"gender": ["F"] * 40}), held, compression="NONE")
    good = held.getvalue()
    for at in range(4, len(good)):
        data = bytearray(good)
        data[at] ^= 2
        try:
            pq.read_table(io.BytesIO(bytes(data)))
        except (pa.ArrowException, OSError) as error:
            if "dictionary bounds" in str(error):
                return bytes(data)
    raise AssertionError("no bit of the file does that")


def test_codes_beyond_the_dictionary_are_refused(tmp_path: Path) -> None:
    """Found by fuzzing: read as codes, pyarrow does not check them, and what lay in memory after the dictionary became labels."""
    file = tmp_path / "s.parquet"
    file.write_bytes(beyond_its_dictionary())
    with pytest.raises(UserError, match="can't be read as a table"):
        list(FileSource(file).batches(["gender"]))


def test_a_good_file_is_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"gender": ["F", "M", "F"]}), tmp_path / "s.parquet")
    (batch,) = FileSource(tmp_path / "s.parquet").batches(["gender"])
    assert batch.column(0).to_pylist() == ["F", "M", "F"]
