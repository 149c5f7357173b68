"""A run's private part: sealed, readable on this machine until purged or past its day, and nowhere legible."""

from __future__ import annotations

import stat
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.harness.templates import clock, encryption, private_tables
from faceparity.harness.templates.encryption import Keyring
from faceparity.harness.templates.private_tables import (
    Coded,
    read_private,
    read_table,
    sample_codes,
    subject_codes,
    write_private,
    write_table,
)
from faceparity.harness.templates.purge import purge_all
from tests.harness.templates_fake import make_dataset

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_what_is_written_is_read_back_and_is_not_legible(tmp_path: Path) -> None:
    payload = b"portrait_of_somebody.jpg is that person" * 10
    path = write_private(tmp_path / "private", "notes", payload)
    assert read_private(tmp_path / "private", "notes") == payload
    assert b"somebody" not in path.read_bytes()
    assert read_private(tmp_path / "private", "notes") == payload


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 1000])
def test_payloads_of_any_number_of_blocks_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(encryption, "_CHUNK", 100)
    payload = bytes(index % 251 for index in range(size))
    write_private(tmp_path, "big", payload)
    assert read_private(tmp_path, "big") == payload


@pytest.mark.parametrize("change", ["drop_last", "swap", "repeat_last", "cut", "header", "day"])
def test_blocks_cannot_be_dropped_swapped_or_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    monkeypatch.setattr(encryption, "_CHUNK", 100)
    path = write_private(tmp_path, "big", bytes(300))
    sealed = path.read_bytes()
    header, body = sealed[:30], sealed[30:]
    blocks = [body[:116], body[116:232], body[232:]]
    yesterday = (encryption.today() - timedelta(days=1)).isoformat().encode()
    monkeypatch.setattr(encryption, "today", lambda: date.fromisoformat(yesterday.decode()))
    write_private(tmp_path, "so_that_yesterday_has_a_key", b"")
    path.write_bytes(
        {
            "drop_last": header + blocks[0] + blocks[1],
            "swap": header + blocks[1] + blocks[0] + blocks[2],
            "repeat_last": header + b"".join(blocks) + blocks[2],
            "cut": sealed[:-1],
            "header": header[:22] + bytes(8) + body,
            "day": header[:4] + yesterday + header[14:] + body,
        }[change]
    )
    with pytest.raises(UserError, match="its key is gone" if change == "day" else "damaged"):
        read_private(tmp_path, "big")


def test_one_sealed_file_cannot_stand_for_another(tmp_path: Path) -> None:
    ledger = write_private(tmp_path, "ledger", b"one")
    write_private(tmp_path, "suspects", b"two")
    (tmp_path / "suspects.sealed").write_bytes(ledger.read_bytes())
    with pytest.raises(UserError, match=r"suspects\.sealed: damaged"):
        read_private(tmp_path, "suspects")


@pytest.mark.parametrize("name", ["../out", "a/b", "", "a.b", "..", "a\n"])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        write_private(tmp_path, name, b"")


def test_files_are_the_owners_alone(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "run" / "private"
    write_private(folder, "notes", b"x")
    made = [*folder.iterdir(), *home.rglob("*")]
    assert len([path for path in made if path.is_file()]) >= 3
    for path in [folder, *made]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert not list(folder.glob(".*"))


def test_the_readme_says_what_it_is_until_when_and_how_to_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "today", lambda: date(2031, 1, 15))
    write_private(tmp_path, "notes", b"x")
    text = (tmp_path / "README.txt").read_text()
    assert "biometric" in text
    assert "2031-02-14" in text
    assert "faceparity purge" in text
    assert str(tmp_path) not in text


def test_tables_come_back_with_their_types(tmp_path: Path) -> None:
    words = np.array(["aaa", "bbb", "ccc"])
    scores = np.array([0.5, -0.25, np.float32(0.1)], np.float32)
    ledger = {
        "mated": [True, False, False],
        "score": scores,
        "code_a": Coded(np.array([0, 0, 2]), words),
        "code_b": ["bbb", "ccc", "aaa"],
    }
    write_table(tmp_path, "ledger", ledger)
    back = read_table(tmp_path, "ledger")
    assert list(back) == ["code_a", "code_b", "score", "mated"]
    assert back["code_a"].tolist() == ["aaa", "aaa", "ccc"]
    assert back["code_b"].tolist() == ["bbb", "ccc", "aaa"]
    assert back["score"].dtype == np.float32
    assert back["score"].tobytes() == scores.tobytes()
    assert back["mated"].tolist() == [True, False, False]


@pytest.mark.parametrize("table", private_tables.tables())
def test_an_empty_table_has_its_columns(tmp_path: Path, table: private_tables.Table) -> None:
    write_table(tmp_path, table, {name: [] for name in private_tables.COLUMNS[table]})
    back = read_table(tmp_path, table)
    assert list(back) == list(private_tables.COLUMNS[table])
    assert all(column.size == 0 for column in back.values())


def test_wrong_columns_and_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rejects has the columns file, status, reason"):
        write_table(tmp_path, "rejects", {"file": [], "status": []})
    with pytest.raises(ValueError, match="several lengths"):
        write_table(tmp_path, "rejects", {"file": ["a", "b"], "status": ["ok"], "reason": [""]})


def test_codes_are_stable_distinct_and_belong_to_one_data_set(tmp_path: Path) -> None:
    from dataclasses import replace

    dataset = replace(make_dataset(tmp_path / "faces", 6), subjects=np.array([0, 0, 1, 1, 2, 0], np.int32))
    samples, subjects = sample_codes(dataset), subject_codes(dataset)
    assert len(set(samples)) == 6
    assert all(len(code) == 12 and int(code, 16) >= 0 for code in [*samples, *subjects])
    assert subjects.tolist() == [subjects[person] for person in (0, 0, 2, 2, 4, 0)]
    assert len(set(subjects)) == 3
    assert not set(samples) & set(subjects)
    assert sample_codes(replace(dataset, root=tmp_path)).tolist() == samples.tolist()
    assert not set(sample_codes(replace(dataset, digest="0" * 64))) & set(samples)
    assert not set(sample_codes(dataset, Keyring(in_memory=True))) & set(samples)


def test_purge_ends_the_private_parts_and_changes_the_codes(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "faces", 2)
    before = sample_codes(dataset)
    path = write_private(tmp_path / "private", "notes", b"x")
    purged = purge_all()
    assert purged.keys == 2
    assert path.exists()
    with pytest.raises(UserError, match="key is gone"):
        read_private(tmp_path / "private", "notes")
    write_private(tmp_path / "new", "notes", b"y")
    with pytest.raises(UserError, match="key is gone"):
        read_private(tmp_path / "private", "notes")
    assert not set(sample_codes(dataset)) & set(before)


def test_a_private_part_ends_with_its_retention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = encryption.today()
    write_private(tmp_path, "notes", b"x")
    monkeypatch.setattr(clock, "boot", lambda: None)
    monkeypatch.setattr(encryption, "today", lambda: made + timedelta(days=30))
    assert Keyring().expire() == 0
    assert read_private(tmp_path, "notes") == b"x"
    monkeypatch.setattr(encryption, "today", lambda: made + timedelta(days=31))
    assert Keyring().expire() == 1
    with pytest.raises(UserError, match="past its retention date"):
        read_private(tmp_path, "notes")


def test_missing_and_ephemeral_parts_say_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ledger\.sealed: no private part"):
        read_table(tmp_path, "ledger")
    with pytest.raises(UserError, match="ephemeral"):
        write_private(tmp_path / "private", "notes", b"x", keys=Keyring(in_memory=True))
    assert not (tmp_path / "private").exists()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_private(tmp_path, "notes", b"x")
    key = next(path for path in paths.keys().glob("*.key") if path.name != encryption.SECRET)
    key.chmod(0o640)
    with pytest.raises(UserError, match=r"others than you can read this key \(mode 0640\)"):
        read_private(tmp_path, "notes")
    key.chmod(0o600)
    key.write_bytes(b"short")
    with pytest.raises(UserError, match="not a key"):
        read_private(tmp_path, "notes")
