"""Which addresses are taken, which certificates are wanted, and what differs between two machines; no cluster needed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution.dask import environment_check as f
from faceparity.harness.execution.dask.address import check_certificates, checked_address, is_private
from faceparity.harness.execution.dask.backend import connect


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("localhost:8786", "tcp://localhost:8786"),
        ("127.3.2.1:1", "tcp://127.3.2.1:1"),
        ("[::1]:8786", "tcp://[::1]:8786"),
        ("tls://cluster.example:8786", "tls://cluster.example:8786"),
        ("tls://10.0.0.7:8786", "tls://10.0.0.7:8786"),
    ],
)
def test_tls_anywhere_and_tcp_on_this_machine(given: str, taken: str) -> None:
    assert checked_address(given) == taken
    assert is_private(taken)


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.7:8786", "cluster.example:8786", "tcp://0.0.0.0:8786", "tcp://127.0.0.1.example.org:8786"]
)
def test_tcp_to_another_machine_is_refused_before_anything_is_opened(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # so that trying would be told as such
    with (
        pytest.raises(UserError, match=r"not encrypted; use tls://HOST:PORT, with certificates in Dask's own") as told,
        connect(address, 1),
    ):
        pass
    assert "\n" not in str(told.value)
    assert not is_private(address)


@pytest.mark.parametrize(
    "address", ["", "cluster", "tls://cluster", "tcp://:8786", "127.0.0.1:x", "127.0.0.1:0", "127.0.0.1:65536", "1:²"]
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(UserError, match="no address of a scheduler"):
        checked_address(address)


@pytest.mark.parametrize("scheme", ["ucx", "ws", "wss", "http", "inproc"])
def test_other_schemes_are_refused(scheme: str) -> None:
    with pytest.raises(UserError, match=f"{scheme}:// is not used here"):
        checked_address(f"{scheme}://127.0.0.1:8786")


def test_certificates_are_wanted_for_tls_and_only_there(tmp_path: Path) -> None:
    there = tmp_path / "there.pem"
    there.write_text("x")
    check_certificates("tcp://127.0.0.1:8786", lambda name: None)
    check_certificates("tls://c:1", lambda name: str(there))
    check_certificates("tls://c:1", lambda name: "-----BEGIN CERTIFICATE-----\n…")
    with pytest.raises(UserError, match="DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
        check_certificates("tls://c:1", lambda name: None)
    with pytest.raises(UserError, match=r"the client key that distributed\.comm\.tls\.client\.key names is not there"):
        check_certificates("tls://c:1", lambda name: "gone.pem" if name.endswith("key") else str(there))


def test_dask_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install 'faceparity\[dask\]'"), connect("tcp://127.0.0.1:1", 1):
        pass


def test_what_differs_is_named() -> None:
    here = f.facts()
    assert f.differences(here, here) == []
    assert f.differences(here, {**here, f.ARITHMETIC: "other"}) == []
    assert f.differences(here, {**here, "numpy": "1.0"}) == [f"numpy 1.0 instead of {here['numpy']}"]
    assert f.differences(here, {**here, "faceparity's code": "x"}) == ["other files of faceparity's code"]
    assert f.differences(here, {k: v for k, v in here.items() if k != "pillow"}) == [f"pillow absent instead of {here['pillow']}"]


@pytest.mark.parametrize(
    ("limit", "target", "spill", "writes"),
    [
        (10**9, 0.6, 0.7, True),
        (10**9, False, 0.7, True),
        (10**9, 0.6, False, True),
        (10**9, False, False, False),
        (None, 0.6, 0.7, False),
    ],
)
def test_workers_that_would_write_templates_to_disk_are_known(limit: object, target: object, spill: object, writes: bool) -> None:
    memory = SimpleNamespace(memory_limit=limit, memory_target_fraction=target, memory_spill_fraction=spill)
    assert f.spills(SimpleNamespace(memory_manager=memory)) is writes
