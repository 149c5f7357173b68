"""Claims from the command line: listed, shown, tested in a run with one of the user's own."""

from __future__ import annotations

import csv
import hashlib

from tests.end_to_end.end_to_end_help import results

MINE = """schema = "faceparity.claim/1"
name = "mine"
title = "Mine <b>: more false matches among women"
about = "people"
measures = "FMR"
hypothesis = "FMR is higher for those labelled female."
bears_out = "A higher FMR."
contradicts = "A lower one."

[[quotes]]
who = "I"
text = "so I say"
where = "here"
known = "own"

[[contrasts]]
attribute = "gender"
groups = ["female"]
references = ["male"]

[operational]
measure = "fmr"
expects = "higher"
threshold = "one"
targets = [0.01]
"""


def test_claims_are_listed_and_shown_with_their_exact_words(faceparity) -> None:
    listed = faceparity("claims")
    assert listed.returncode == 0
    assert "wyden-false-matches" in listed.stdout
    shown = faceparity("claims", "wyden-false-matches").stdout
    assert "significantly less accurate for people with non-white skin tones" in " ".join(shown.split())
    assert "sha256" in shown


def test_a_claim_of_ones_own_is_tested_with_the_others(faceparity, people, tmp_path) -> None:
    file, out = tmp_path / "mine.toml", tmp_path / "run"
    file.write_text(MINE, "utf-8")
    assert "so I say" in faceparity("claims", file).stdout
    done = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--claim", file, "--by", "gender", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "What people claim" in done.stdout
    e = results(out)
    mine = e["claims"][-1]
    assert (mine["name"], mine["shipped"], mine["sha256"]) == ("mine", False, hashlib.sha256(MINE.encode()).hexdigest())
    assert mine["readings"][0]["verdict"] == "not_testable"
    assert len(e["claims"]) == 10
    assert "--claim <file>" in e["provenance"]["command"]
    assert str(tmp_path) not in (out / "people" / "toy" / "results.json").read_text("utf-8")
    page = (out / "report.html").read_text("utf-8")
    assert "Mine &lt;b&gt;" in page
    assert "Mine <b>" not in page
    with (out / "people" / "toy" / "tables" / "claims.csv").open(encoding="utf-8") as table:
        assert {row["claim"] for row in csv.DictReader(table)} >= {"mine", "nist-women", "eff-klare-black"}
