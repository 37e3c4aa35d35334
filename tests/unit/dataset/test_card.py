"""A set's README says in words and figures what the set is."""

import json
from dataclasses import replace

import pytest
import yaml

from facea_core.dataset.card import CARD, SUMMARY, write_card, write_summary
from facea_core.dataset.formats import write_formats
from facea_core.errors import AssetError, ConfigError

from .small_set import make_set

FIGURES = {
    "title": "Three people",
    "thresholds": {"lower": {"value": 0.81234, "source": "their own photos"}, "margin": 0.1},
    "measures": {"mean tries": 1.5, "host leak": 0.02},
    "alike": {"ada": "bob (photos 0.62)"},
    "incomplete": {"bob": ["no host for yaw=left", "budget spent"], "eva": "one photo only"},
}


def card(folder, pictures, summary=FIGURES) -> tuple[dict, str]:
    """The YAML head and the rest."""
    write_card(folder, pictures, summary)
    _, head, text = (folder / CARD).read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(head), text


def test_the_head_is_what_hugging_face_reads(tmp_path):
    pictures = make_set(tmp_path)
    head, _ = card(tmp_path, pictures)
    assert head["pretty_name"] == "Three people"
    assert head["license"] == "cc-by-4.0"
    assert "synthetic" in head["tags"]
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"] == [{"config_name": "default", "data_dir": "images"}]
    (tmp_path / "parquet").mkdir()
    pictures[0] = replace(pictures[0], split="test", licence="house rules")
    head, _ = card(tmp_path, pictures)
    files = head["configs"][0]["data_files"]
    assert [one["split"] for one in files] == ["test", "train"]
    assert (head["license"], head["license_name"]) == ("other", "cc-by-4.0; house rules")
    head, _ = card(tmp_path, [replace(one, licence="") for one in pictures])
    assert head["license"] == "unknown"


def test_it_says_who_how_many_and_on_what_terms(tmp_path):
    pictures = make_set(tmp_path)
    pictures[0] = replace(pictures[0], consent="")
    _, text = card(tmp_path, pictures)
    for said in (
        "# Three people",
        "synthetic: FaceA 1.0 painted the faces with facea-tiny",
        "9 pictures of 3 people, 3 of each",
        "| ada | 3 | given in writing | cc-by-4.0 |",
        "| yaw | front | 3 | 3 of 3 |",
        "| yaw | left | 3 | not read |",
        "| lower | 0.8123 | their own photos |",
        "| margin | 0.1 | not stated |",
        "| mean tries | 1.5 |",
        "| ada | bob (photos 0.62) |",
        "| bob | no host for yaw=left; budget spent |",
        "must not be used for",
        'ImageFolder("images")',
    ):
        assert said in text


def test_it_names_the_formats_that_are_there(tmp_path):
    pictures = make_set(tmp_path)
    write_formats(tmp_path, pictures, ["recordio", "kohya"])
    _, text = card(tmp_path, pictures, {})
    assert "arcface_torch" in text
    assert "sd-scripts" in text
    assert "WebDataset" not in text
    assert "Thresholds" not in text


def test_no_name_breaks_the_page(tmp_path):
    odd = 'a|b\n# c <script> "\\" \x7f\udcff 名 \U0001f600'
    pictures = make_set(tmp_path, ("ada",), identity=odd, licence=odd, model=odd)
    head, text = card(tmp_path, pictures, {"title": odd})
    assert head["license_name"] == head["pretty_name"]
    assert "名 \U0001f600" in head["pretty_name"]
    assert "\n# c" not in text
    assert "| a\\|b # c \\<script\\>" in text


def test_the_same_set_gives_the_same_bytes(tmp_path):
    pictures = make_set(tmp_path)
    summary = {**FIGURES, "share": float("nan"), "folder": tmp_path, "counts": (1, 2), "é": None}
    seen = []
    for turned in (summary, dict(reversed(summary.items()))):
        write_card(tmp_path, pictures, turned)
        write_summary(tmp_path, turned)
        seen.append([(tmp_path / name).read_bytes() for name in (CARD, SUMMARY)])
    assert seen[0] == seen[1]
    read = json.loads((tmp_path / SUMMARY).read_text("utf-8"))
    assert read["share"] is None
    assert read["counts"] == [1, 2]
    assert read["thresholds"] == FIGURES["thresholds"]


def test_nothing_to_describe_and_no_room_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no pictures"):
        write_card(tmp_path, [], {})
    (tmp_path / "taken").write_text("")
    pictures = make_set(tmp_path)
    with pytest.raises(AssetError, match="taken"):
        write_card(tmp_path / "taken", pictures, {})
    with pytest.raises(AssetError, match="taken"):
        write_summary(tmp_path / "taken", {})
