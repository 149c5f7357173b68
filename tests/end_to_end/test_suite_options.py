"""What a suite takes from elsewhere: exclusions, thresholds set on other people, a PDF; as `run` does with the same."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def earlier(faceparity, people, tmp_path_factory):
    """A run of the toy model, to take thresholds from."""
    out = tmp_path_factory.mktemp("earlier") / "run"
    done = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--target-fmr", "0.02", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def record(folder):
    found = json.loads((folder / "people/toy/results.json").read_text("utf-8"))
    del found["provenance"]
    return found


def test_exclusions_thresholds_and_a_pdf_as_a_run_has_them(faceparity, people, earlier, tmp_path) -> None:
    (tmp_path / "left.csv").write_text("file,reason\nsecretname003_1.png,wrong label\n", "utf-8")
    (tmp_path / "thresholds").symlink_to(earlier)
    lines = ["models = ['toy']", f"datasets = ['folder={people}']", "exclude = 'left.csv'", "threshold_from = 'thresholds'"]
    (tmp_path / "mine.toml").write_text("\n".join(lines), "utf-8")
    done = faceparity("suite", tmp_path / "mine.toml", "--pdf", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.pdf").read_bytes().startswith(b"%PDF")
    assert f"PDF: {tmp_path / 'out/report.pdf'}" in done.stderr
    options = ("--exclude", tmp_path / "left.csv", "--threshold-from", earlier)
    assert faceparity("run", "-d", f"folder={people}", "-m", "toy", *options, "--out", tmp_path / "run").returncode == 0
    mine = record(tmp_path / "out")
    assert mine == record(tmp_path / "run")
    assert mine["exclusions"]
    assert [p["origin"] for p in mine["groupings"][0]["operating_points"]].count("fixed") == 1
    assert "secretname" not in "".join((tmp_path / "out" / name).read_text("utf-8") for name in ("suite.json", "suite.log"))
    (tmp_path / "left.csv").write_text("file,reason\nsecretname004_1.png,wrong label\n", "utf-8")
    refused = faceparity("suite", tmp_path / "mine.toml", "--out", tmp_path / "out")
    assert refused.returncode == 2
    assert "before: other options" in refused.stderr
    again = faceparity("suite", tmp_path / "mine.toml", "--again", "--out", tmp_path / "out")
    assert again.returncode == 0, again.stderr
    assert not (tmp_path / "out/report.pdf").exists()  # it told of other results


def test_their_mistakes_are_among_all(faceparity, people, earlier, tmp_path) -> None:
    (tmp_path / "left.csv").write_text("file\nnobody.png\n", "utf-8")
    lines = [
        "models = ['toy', 'sfac']", f"datasets = ['folder={people}']", "exclude = 'left.csv'", "threshold_from = 'nowhere'",
        "comparisons = 0.5", "claims = ['none.toml']",
    ]  # fmt: skip
    (tmp_path / "mine.toml").write_text("\n".join(lines), "utf-8")
    done = faceparity("suite", tmp_path / "mine.toml", "--out", tmp_path / "out")
    told = [line for line in done.stderr.splitlines() if line.startswith("  ") and ": " in line]
    assert done.returncode == 2
    for start in ("models: sfac", "exclude: ", "threshold_from: ", "comparisons: ", "claims: "):
        assert sum(line.strip().startswith(start) for line in told) == 1, (start, told)
    assert "has no image 'nobody.png'" in done.stderr
    assert "--" not in "".join(told).replace("`faceparity", "")
    assert not (tmp_path / "out").exists()
