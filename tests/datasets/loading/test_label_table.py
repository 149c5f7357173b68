from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.loading import label_table
from faceparity.datasets.loading.label_table import LabelTable, read_table


def table(tmp_path: Path, data: str | bytes) -> LabelTable:
    path = tmp_path / "labels.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_table(path)


PLAIN = "file,id,note\na.jpg,007,x y\nb.jpg,1e5,\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ", "),
        PLAIN.replace("a.jpg", '"a.jpg"').replace(",007", ', "007"'),
        PLAIN.rstrip("\n"),
        "\n\n" + PLAIN.replace("\nb", "\n\n,,\nb"),
        PLAIN.replace("\n", ",\n"),
    ],
)
def test_tables_as_people_and_spreadsheets_write_them(tmp_path: Path, data: str | bytes) -> None:
    got = table(tmp_path, data)
    assert got.header == ("file", "id", "note")
    assert [line.cells for line in got.lines] == [
        {"file": "a.jpg", "id": "007", "note": "x y"},
        {"file": "b.jpg", "id": "1e5", "note": ""},
    ]
    assert got.problems == ()


def test_text_comes_in_composed_unicode(tmp_path: Path) -> None:
    got = table(tmp_path, "file,id\nJose\u0301.jpg,1\n")
    assert got.lines[0].cells["file"] == "Jos\u00e9.jpg"


def test_rows_that_cannot_be_trusted_are_named(tmp_path: Path) -> None:
    got = table(tmp_path, 'file,sex\na.jpg,male\nb.jpg,male,extra\nc.jpg\n"d.jpg,male\ne.jpg",male\nf.jpg,male\n')
    assert [line.where for line in got.lines] == ["labels.csv:2", "labels.csv:7"]
    assert [(p.kind, p.where) for p in got.problems] == [("bad_row", f"labels.csv:{n}") for n in (3, 4, 5)]
    assert "line break" in got.problems[2].detail


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"file,sex\na.jpg,male\nb\xe9.jpg,male\n", "row 3, is not UTF-8"),
        (b"file,sex\na.jpg,\x00male\n", "binary data"),
        (b"file,sex,sex\na.jpg,male,male\n", "two columns called 'sex'"),
        (b'file,sex\na.jpg,male\n"b.jpg,male\n', "row 3"),
        (b'file,sex\na.jpg,male\n"b"x.jpg,male\n', "row 3"),
    ],
)
def test_a_file_that_is_no_table_says_where_and_what_to_do(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(UserError) as caught:
        table(tmp_path, data)
    assert words in str(caught.value)
    assert "labels.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not there"):
        read_table(tmp_path / "labels.csv")


def test_columns_are_found_without_regard_to_case_and_marks(tmp_path: Path) -> None:
    got = table(tmp_path, "File Name,SEX,sex\na.jpg,m,f\n")
    assert got.column(["filename"]) == "File Name"
    assert got.column(["sex"]) == "sex"
    assert got.column(["nothing", "Sex"]) == "SEX"
    assert got.column(["nothing"]) is None
    with pytest.raises(UserError, match=r"no column 'race', only File Name, SEX, sex: do this"):
        got.need("race", "do this")


CELL = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8).map(str.strip)


@given(
    st.lists(st.tuples(CELL, CELL, CELL).filter(any), max_size=6), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_what_a_csv_writer_writes_reads_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], mark: str, end: str
) -> None:
    import unicodedata

    text = io.StringIO()
    csv.writer(text, delimiter=mark, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("file", "a", "b"), *rows])
    path = tmp_path_factory.mktemp("t") / "labels.csv"
    path.write_bytes(text.getvalue().encode())
    got = read_table(path)
    want = [tuple(unicodedata.normalize("NFC", cell).strip() for cell in row) for row in rows]
    assert [tuple(line.cells.values()) for line in got.lines] == [row for row in want if any(row)]


@given(st.binary(max_size=120))
def test_no_bytes_raise_anything_but_a_users_mistake(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("t") / "labels.csv"
    path.write_bytes(data)
    try:
        got = read_table(path)
    except UserError as error:
        said = str(error)
    else:
        said = ",".join(got.header)
    assert said


CELLS = st.text(alphabet="ab0 é,;\t'\x1f\x85\u3000.", max_size=3)


@settings(max_examples=150)
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([",", "\t"]),
)
def test_a_large_table_reads_as_a_small_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, mark: str
) -> None:
    """Large ones go through Arrow: the same cells, places and problems, or none of Arrow at all."""
    path = tmp_path_factory.mktemp("t") / "labels.csv"
    path.write_text(end.join(mark.join(row) for row in [["file", "x"], *rows]) + end, "utf-8", newline="")
    try:
        small = label_table.read_table(path)
    except UserError:
        return  # a stray quotation mark and the like: never Arrow's
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_table, "_LARGE", 5)
        large = label_table.read_table(path)
    assert list(large.lines) == list(small.lines)
    assert (large.header, large.problems) == (small.header, small.problems)
    for column in small.header:
        assert list(large.lines.texts(column)) == [line.cells[column] for line in small.lines]
        assert large.lines.distinct(column) == small.lines.distinct(column)
    assert large.lines[:3] == small.lines[:3]


def test_a_large_plain_table_does_go_through_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_table, "_LARGE", 5)
    monkeypatch.setattr(label_table, "_by_row", lambda *_: pytest.fail("row by row"))
    got = table(tmp_path, "file,gender\n a.jpg , f\n,\nb.jpg,m\n")
    assert [(line.where, line.cells) for line in got.lines] == [
        ("labels.csv:2", {"file": "a.jpg", "gender": "f"}),
        ("labels.csv:4", {"file": "b.jpg", "gender": "m"}),
    ]
