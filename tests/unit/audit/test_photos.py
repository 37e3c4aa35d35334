"""What is wrong with one photo."""

from dataclasses import replace

import pytest
import torch

from facea_core.attributes import attribute_table
from facea_core.audit import (
    AuditConfig,
    audit_photos,
)
from facea_core.audit.measure import blur_of
from facea_core.types import Box, FaceAttributes

from .sets import CONFIG, TABLE, changed, checks, soft


def test_good_photos_are_green(ada, embedder):
    audit = audit_photos(*ada, TABLE, CONFIG, embedder)
    assert [photo.status for photo in audit.photos] == ["green"] * 3
    assert audit.status == "green"
    assert audit.good
    assert audit.red == ()
    for photo in audit.photos:
        assert photo.measures.faces == 1
        assert photo.measures.likeness > 0.8
        assert photo.measures.missing == photo.measures.estimated == ()


def test_blur_is_named_and_grows(ada):
    face = ada[1][0][0]
    values = [blur_of(soft(ada[0][0], times), face, 128) for times in (0, 1, 3, 6, 12)]
    assert values == sorted(values)
    images, faces = changed(ada, 0, soft(ada[0][0], 12))
    audit = audit_photos(images, faces, TABLE, CONFIG)
    assert checks(audit, 0)["blur"] == "red"
    assert checks(audit, 1) == {}
    assert f"{audit.photos[0].measures.blur:.2f}" in audit.photos[0].findings[0].text


def test_blur_along_one_axis_is_blur(ada):
    padded = torch.nn.functional.pad(ada[0][0], (6, 6, 0, 0), mode="replicate")
    moved = torch.nn.functional.avg_pool2d(padded, (1, 13), 1)
    assert blur_of(moved, ada[1][0][0], 128) > CONFIG.soft


def test_light(ada):
    for image, check in ((ada[0][0] * 0.15, "dark"), ((ada[0][0] * 4).clamp(0, 1), "bright")):
        audit = audit_photos(*changed(ada, 0, image), TABLE, CONFIG)
        assert checks(audit, 0)[check] == "red"
    grey = torch.full_like(ada[0][0], 0.5) + 0.05 * (ada[0][0] - 0.5)
    assert "flat" in checks(audit_photos(*changed(ada, 0, grey), TABLE, CONFIG), 0)


@pytest.mark.parametrize("light", [1.0, 0.4])
def test_a_photo_without_colours_is_amber_and_a_dim_one_is_not(ada, light):
    dim = ada[0][0] * light
    grey = dim.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    for image, status in ((grey, "amber"), (dim, None)):
        audit = audit_photos(*changed(ada, 0, image), TABLE, CONFIG)
        assert checks(audit, 0).get("colourless") == status
        assert "colourless" not in checks(audit, 1)


def test_a_face_is_small_or_not_for_a_resolution(ada):
    def status(resolution):
        audit = audit_photos(*ada, TABLE, AuditConfig(resolution=resolution))
        return checks(audit, 0).get("small_face")

    assert [status(r) for r in (128, 512, 1024)] == [None, "amber", "red"]


@pytest.mark.parametrize("there", [(), "whole picture", "empty box"])
def test_a_photo_without_a_face_is_red_and_disturbs_no_other(ada, embedder, there):
    whole = FaceAttributes((128, 128), Box(0, 0, 128, 128), 0.0)
    found = {"whole picture": (whole,), "empty box": (replace(whole, face=Box(5, 5, 5, 9)),)}
    audit = audit_photos(*changed(ada, 1, ada[0][1], found.get(there, ())), TABLE, CONFIG, embedder)
    assert checks(audit, 1) == {"no_face": "red"}
    assert checks(audit, 0) == checks(audit, 2) == {}
    assert audit.photos[1].measures.face_px is None


def test_parts(ada):
    face = ada[1][0][0]
    without = replace(face, parts=tuple(p for p in face.parts if p.attribute != "mouth"))
    audit = audit_photos(*changed(ada, 0, ada[0][0], (without,)), TABLE, CONFIG)
    assert checks(audit, 0) == {"missing_part": "amber"}
    assert "mouth" in audit.photos[0].findings[0].text
    audit = audit_photos(*changed(ada, 0, ada[0][0], (replace(face, parts=()),)), TABLE, CONFIG)
    assert checks(audit, 0) == {"missing_part": "red"}
    guessed = replace(face, parts=tuple(replace(p, estimated=True) for p in face.parts))
    audit = audit_photos(*changed(ada, 0, ada[0][0], (guessed,)), TABLE, CONFIG)
    assert checks(audit, 0) == {"estimated_part": "amber"}


def test_a_covered_mouth_is_missing_though_its_box_is_there(ada):
    image, box = ada[0][0].clone(), ada[1][0][0].part("mouth").box.grow(1.2)
    image[..., box.y0 : box.y1, box.x0 : box.x1] = torch.tensor([0.8, 0.6, 0.5]).view(3, 1, 1)
    audit = audit_photos(*changed(ada, 0, image), TABLE, CONFIG)
    assert audit.photos[0].measures.missing == ("mouth",)


def test_no_photo_of_the_set_shows_a_part(ada):
    audit = audit_photos(*ada, attribute_table("mouth, beard"), CONFIG)
    (finding,) = audit.findings
    assert (finding.check, "beard" in finding.text) == ("unseen_part", True)


def test_several_faces_and_faces_not_taken(ada):
    face = ada[1][0][0]
    other = replace(face, face=face.face.shift(3, 0))
    for found in ((face, other), (replace(face, others=1),)):
        audit = audit_photos(*changed(ada, 0, ada[0][0], found), TABLE, CONFIG)
        assert checks(audit, 0) == {"several_faces": "amber"}
        assert audit.photos[0].measures.faces == 2
