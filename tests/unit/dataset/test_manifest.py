"""The list of a set says again what was written, always in the same bytes."""

import json
from dataclasses import replace

import pytest

from facea_core.dataset.manifest import (
    MANIFEST,
    REJECTED,
    TABLE,
    read_manifest,
    write_manifest,
    write_rejected,
)
from facea_core.dataset.values import Rejected
from facea_core.errors import AssetError, ConfigError

from .small_set import make_set


def test_what_was_written_is_read_again(tmp_path):
    pictures = make_set(tmp_path)
    write_manifest(tmp_path, pictures)
    assert read_manifest(tmp_path) == pictures


def test_the_same_pictures_give_the_same_bytes(tmp_path):
    pytest.importorskip("pyarrow")
    pictures = make_set(tmp_path)
    assert write_manifest(tmp_path / "a", pictures) == ()
    # Another order of an axis' names is no other picture.
    turned = [replace(one, asked=dict(reversed(one.asked.items()))) for one in pictures]
    write_manifest(tmp_path / "b", turned)
    for name in (MANIFEST, TABLE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_table_has_a_column_for_each_axis(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    pictures = make_set(tmp_path)
    pictures[0] = replace(pictures[0], asked={"hat": "red"})
    write_manifest(tmp_path, pictures)
    rows = parquet.read_table(tmp_path / TABLE).to_pylist()
    assert [row["path"] for row in rows] == [one.path for one in pictures]
    assert [row["asked_hat"] for row in rows] == ["red", *[None] * (len(pictures) - 1)]
    assert [row["read_yaw"] for row in rows] == [one.read.get("yaw") for one in pictures]
    assert [row["seed"] for row in rows] == [one.seed for one in pictures]
    assert [row["points"] for row in rows] == [one.row()["points"] for one in pictures]


def test_names_may_hold_any_character(tmp_path):
    odd = make_set(tmp_path, ('Zoë\u2028 \U0001f600 "q" \\', "ada"), 2, host="scan\udcff\n.png")
    write_manifest(tmp_path, odd)
    assert read_manifest(tmp_path) == odd
    lines = (tmp_path / MANIFEST).read_bytes().split(b"\n")
    assert len(lines) == len(odd) + 1


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("{", "line 2"),
        ("", "line 2"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "line 2"),
        ({"label": None}, "it has no label"),
        ({"label": "0"}, "label is '0'"),
        ({"label": True}, "label is True"),
        ({"cosine": "high"}, "cosine is 'high'"),
        ({"box": [1, 2, 3]}, "box is"),
        ({"points": [[1, 2, 3]]}, "points is"),
        ({"asked": ["yaw"]}, "asked is"),
    ],
)
def test_a_damaged_line_is_named_by_its_number(tmp_path, broken, reason):
    pictures = make_set(tmp_path, ("ada",))
    write_manifest(tmp_path, pictures)
    lines = (tmp_path / MANIFEST).read_text("utf-8").split("\n")
    if isinstance(broken, dict):
        row = {**json.loads(lines[1]), **broken}
        broken = json.dumps({key: value for key, value in row.items() if value is not None})
    lines[1] = broken
    (tmp_path / MANIFEST).write_text("\n".join(lines), "utf-8")
    with pytest.raises(ConfigError, match="line 2 of") as said:
        read_manifest(tmp_path)
    assert reason in str(said.value)


def test_what_later_versions_add_is_passed_over(tmp_path):
    pictures = make_set(tmp_path, ("ada",), 1)
    write_manifest(tmp_path, pictures)
    row = json.loads((tmp_path / MANIFEST).read_text("utf-8"))
    (tmp_path / MANIFEST).write_text(json.dumps({**row, "mood": "good"}))
    assert read_manifest(tmp_path) == pictures


def test_no_manifest_is_said(tmp_path):
    with pytest.raises(AssetError, match="cannot read .*manifest.jsonl"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe")
    with pytest.raises(AssetError, match="cannot read"):
        read_manifest(tmp_path)


def test_nothing_that_is_no_manifest_replaces_one(tmp_path):
    pictures = make_set(tmp_path)
    write_manifest(tmp_path, pictures)
    before = (tmp_path / MANIFEST).read_bytes(), (tmp_path / TABLE).read_bytes()
    with pytest.raises(ConfigError, match="no pictures"):
        write_manifest(tmp_path, [])
    for change in ({"cosine": float("nan")}, {"points": ((1.0, float("inf")),)}):
        with pytest.raises(ConfigError, match="of picture '0-0' is .*(nan|inf)"):
            write_manifest(tmp_path, [replace(pictures[0], **change)])
    assert before == ((tmp_path / MANIFEST).read_bytes(), (tmp_path / TABLE).read_bytes())


def test_without_pyarrow_there_is_no_table_and_a_note(tmp_path, monkeypatch):
    pictures = make_set(tmp_path)
    (tmp_path / TABLE).write_bytes(b"of an earlier run")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert write_manifest(tmp_path, pictures) == (f"no {TABLE}: pip install pyarrow",)
    assert read_manifest(tmp_path) == pictures
    assert not (tmp_path / TABLE).exists()


def test_a_file_in_the_way_is_refused(tmp_path):
    pictures = make_set(tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(AssetError, match="taken"):
        write_manifest(tmp_path / "taken", pictures)


def test_the_rejected_are_listed_with_their_reasons(tmp_path):
    rejected = [
        Rejected("ada", "host.png", 7, {"yaw": "left"}, "no face was found"),
        Rejected("bob", "host.png", 8, {}, "like a stranger", 0.31),
    ]
    write_rejected(tmp_path, rejected)
    rows = [json.loads(line) for line in (tmp_path / REJECTED).read_text().splitlines()]
    assert [row["reason"] for row in rows] == [one.reason for one in rejected]
    assert [row["cosine"] for row in rows] == [None, 0.31]
    write_rejected(tmp_path, [])
    assert (tmp_path / REJECTED).read_bytes() == b""
