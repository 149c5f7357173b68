"""Every compiled library that can open a connection stands in SECURITY.md, with the reason why it does not."""

from __future__ import annotations

import re
import sys

import pytest

from tests import ROOT
from tests.native_libraries import can_connect, connecting, hosts, installed

ROW = re.compile(r"^\| (?P<name>[\w-]+) (?P<version>[\w.]+) \|", re.MULTILINE)


def listed() -> dict[str, str]:
    """SECURITY.md's table: versions by package."""
    section = (ROOT / "SECURITY.md").read_text("utf-8").split("## Libraries that can open a connection")[1].split("\n## ")[0]
    return {row["name"]: row["version"] for row in ROW.finditer(section)}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the list is of the libraries for Linux")
def test_a_library_that_newly_can_connect_is_noticed() -> None:
    found = {name for name, one in installed("faceparity", frozenset({"pdf"})).items() if connecting(one)}
    assert "onnxruntime" in found
    assert found <= listed().keys(), "look at what it does, then add it to SECURITY.md"


def test_the_list_names_the_versions_that_are_tested() -> None:
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE))
    assert listed()
    assert {name: pins[name] for name in listed()} == listed()


def test_what_is_looked_for() -> None:
    assert can_connect(b"\x7fELF..\0getaddrinfo\0free\0")
    assert not can_connect(b"\x7fELF..\0disconnect\0my_getaddrinfo_\0reconnect\0")
    assert hosts(b"see https://a.example.org/x and http://B.example/ or https://bare") == ["a.example.org", "b.example"]
