"""How an audit is shown: table, JSON, pictures; its settings."""

import json

import pytest
import torch

from facea_core.audit import (
    AuditConfig,
    audit_embedder,
    audit_json,
    audit_line,
    audit_photos,
    audit_table,
    audit_text,
    draw_audit,
)
from facea_core.audit.measure import measure
from facea_core.errors import ConfigError
from facea_core.settings import updated
from facea_core.types import Box, FaceAttributes, Part

from .sets import CONFIG, TABLE, changed, soft


def test_odd_photos_are_audited_too(embedder):
    """Boxes of a pixel, boxes outside, nothing but one colour: an answer, never a crash."""
    image = torch.rand(1, 3, 20, 300, generator=torch.Generator().manual_seed(0))
    for box in (Box(5, 5, 6, 6), Box(0, 0, 300, 20), Box(-50, -50, 40, 40), Box(290, 10, 340, 90)):
        parts = (Part("mouth", Box(5, 5, 6, 6), 0.9), Part("eyes", Box(0, 0, 0, 0), 0.9))
        face = FaceAttributes((20, 300), box, 0.9, parts)
        for picture in (image, torch.zeros_like(image)):
            audit = audit_photos([picture] * 2, [(face,)] * 2, TABLE, CONFIG, embedder)
            assert len(audit.photos) == 2
            json.dumps(audit_json(audit), allow_nan=False)


def test_table_json_and_overlay_say_the_same(ada, embedder):
    images, faces = changed(ada, 1, soft(ada[0][1], 14))
    names = ["a|b.png", "soft.png", "c.png"]
    audit = audit_photos(images, faces, TABLE, CONFIG, embedder, names)
    table, plain = audit_table(audit), json.loads(json.dumps(audit_json(audit), allow_nan=False))
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert len(rows) == 5
    assert "soft.png" in rows[3]
    assert "red" in rows[3]
    assert [photo["status"] for photo in plain["photos"]] == ["green", "red", "green"]
    text = audit_text(audit, lambda status: f"<{status}>").splitlines()
    begun = [line for line in text if line and line[0] not in " -"]
    assert [line.split()[0] for line in begun] == ["photo", *names]
    assert ["<red>" in line for line in begun] == [False, False, True, False]
    columns = {line.replace("<", "").replace(">", "").index(" px") for line in begun[1:]}
    assert len(columns) == 1, "the colours do not move what stands behind them"
    assert text[text.index(begun[2]) + 1].startswith("  - the face is blurred")
    assert plain["set"]["usable"] == 2
    assert not plain["good"]
    drawn = list(draw_audit(images, faces, audit))
    assert len({tuple(one.shape) for one in drawn}) == 1
    corners = [one[0, :, 2, 2] for one in drawn]
    assert corners[0][1] > corners[0][0]
    assert corners[1][0] > corners[1][1]


def test_the_text_fits_a_console_whatever_photos_are_called(ada):
    names = ["a" * 200 + "1.png", "a" * 200 + "2.png", "c.png"]
    images, faces = changed(ada, 1, ada[0][0], ada[1][0])
    audit = audit_photos(images, faces, TABLE, CONFIG, names=names)
    lines = audit_text(audit).splitlines()
    assert max(map(len, lines)) == 100
    assert "...aa" in lines[1]
    assert "aa1.png  " in lines[1]


def test_the_line_names_the_photo_that_is_the_better_one(ada):
    images, faces = changed(ada, 1, ada[0][0], ada[1][0])
    line = audit_line(audit_photos(images, faces, TABLE, CONFIG))
    assert line == "2 of 3 good · photo 2: same as photo 1"


def test_overlays_of_any_shape(ada):
    images = [torch.zeros(1, 3, 16, 400), torch.zeros(1, 3, 400, 16), ada[0][0]]
    audit = audit_photos(images, [(), (), ada[1][0]], TABLE, CONFIG)
    drawn = list(draw_audit(images, [(), (), ada[1][0]], audit))
    assert [one.shape[:2] for one in drawn] == [(1, 3)] * 3


def test_overlays_of_many_photos_are_small(ada):
    for count, longest in ((24, 640), (25, 320)):
        images = [torch.zeros(1, 3, 20, 40)] * count
        audit = audit_photos(images, [()] * count, TABLE, CONFIG)
        assert {one.shape[3] for one in draw_audit(images, [()] * count, audit)} == {longest + 16}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"policy": "ask"}, "warn, skip, stop"),
        ({"resolution": 0}, "64"),
        ({"soft": float("nan")}, "soft"),
        ({"soft": "much"}, "'much'"),
        ({"sofd": 0.5}, "'soft'"),
    ],
)
def test_settings_out_of_range_are_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        updated(AuditConfig(), values)


def test_embedders_by_name():
    assert audit_embedder("none", 512) is None
    assert audit_embedder("auto", 128).name == "tiny"
    with pytest.raises(ConfigError, match="'x'.*landmarks"):
        audit_embedder("x", 512)


def test_measuring_nothing():
    assert measure(torch.zeros(1, 3, 32, 32), (), TABLE, 512).faces == 0
