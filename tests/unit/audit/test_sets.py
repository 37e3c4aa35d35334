"""Copies, strangers, and what a whole set lacks; the policy."""

from dataclasses import replace

import pytest
import torch

from facea_core.attributes import attribute_table
from facea_core.audit import (
    apply_policy,
    audit_photos,
)
from facea_core.audit.alike import group, pictures_alike
from facea_core.detection.pose import yaw_of
from facea_core.errors import AuditError, ImageError, NoFaceError
from facea_core.io.images import resize
from facea_core.types import Box

from .sets import CONFIG, TABLE, changed, checks, painted, soft

COPIES = {
    "the same": lambda image: image,
    "half as large": lambda image: resize(image, (64, 64)),
    "twice as large": lambda image: resize(image, (256, 256)),
    "brighter": lambda image: (image * 1.15).clamp(0, 1),
    "mirrored": lambda image: image.flip(-1),
    "softer": lambda image: soft(image, 2),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_red_and_names_its_original(ada, kind):
    copy = COPIES[kind](ada[0][1])
    face, scale = ada[1][1][0], copy.shape[-1] / 128
    box = face.face.scale(scale, scale)
    if kind == "mirrored":
        box = Box(128 - box.x1, box.y0, 128 - box.x0, box.y1)
    # Like its original in all but the picture.
    faces = [(replace(some[0], parts=()),) for some in ada[1]]
    seen = replace(faces[1][0], size=tuple(copy.shape[-2:]), face=box)
    audit = audit_photos([*ada[0], copy], [*faces, (seen,)], attribute_table("face"), CONFIG)
    # Neither enlarging nor light makes a better photo: the first one stays.
    assert [checks(audit, i).get("duplicate") for i in range(4)] == [None, None, None, "red"]
    assert "photo 2" in audit.photos[3].findings[-1].text
    assert audit.photos[3].measures.twin == 1


def test_of_two_copies_the_sharper_and_larger_stays(ada):
    small = resize(ada[0][1], (40, 40))
    face = ada[1][1][0]
    seen = replace(face, size=(40, 40), face=face.face.scale(40 / 128, 40 / 128), parts=())
    for copy, found in ((small, seen), (soft(ada[0][1], 3), face)):
        audit = audit_photos([copy, *ada[0]], [(found,), *ada[1]], attribute_table("face"), CONFIG)
        assert audit.red == (0,)
        assert "photo 3" in audit.photos[0].findings[-1].text


def test_of_many_copies_one_stays(ada):
    images, faces = [ada[0][0]] * 4, [ada[1][0]] * 4
    audit = audit_photos(images, faces, TABLE, CONFIG)
    assert audit.red == (1, 2, 3)


def test_pictures_without_faces_are_compared_as_a_whole(ada):
    blank = torch.zeros(1, 3, 40, 40)
    whole, face = pictures_alike([*ada[0][:2], blank], [ada[1][0][0], None, None])
    assert whole[0, 0] > 0.999
    assert whole[0, 1] < 0.95
    assert torch.equal(whole, whole.T)
    assert torch.equal(face, face.T)
    assert face[0, 0] > 0.999
    assert (face[0, 1:] == -1).all()
    assert (face[1:] == -1).all()
    assert whole[2].isfinite().all()


def test_somebody_else_among_three_is_red(ada, embedder):
    images, faces = painted(31, 1, person=77)
    audit = audit_photos([*images, *ada[0]], [*faces, *ada[1]], TABLE, CONFIG, embedder)
    assert checks(audit, 0) == {"stranger": "red"}
    assert audit.red == (0,)
    assert audit.photos[0].measures.likeness < 0.6


def test_of_two_photos_nobody_can_say_who_is_meant(ada, embedder):
    images, faces = painted(31, 1, person=77)
    audit = audit_photos([*images, ada[0][0]], [*faces, ada[1][0]], TABLE, CONFIG, embedder)
    assert [checks(audit, i) for i in (0, 1)] == [{"stranger": "amber"}] * 2
    assert "photo 2" in audit.photos[0].findings[0].text


def test_an_unknown_embedder_only_measures(ada, embedder):
    class Other:
        name, side = "other", embedder.side
        embed = staticmethod(embedder.embed)

    images, faces = painted(31, 1, person=77)
    audit = audit_photos([*images, *ada[0]], [*faces, *ada[1]], TABLE, CONFIG, Other())
    assert audit.good
    assert audit.photos[0].measures.likeness < 0.6
    assert "other" in audit.notes[0]


def test_groups():
    assert group([]) == []
    links = [[True, False, False, True], [False, True, False, False],
             [False, False, True, False], [True, False, False, True]]  # fmt: skip
    assert group(links) == [[0, 3], [1], [2]]


def test_yaw_follows_the_features(ada):
    face = ada[1][0][0]
    moved = [
        replace(face, parts=tuple(replace(p, box=p.box.shift(dx, 0)) for p in face.parts))
        for dx in (-6, 0, 6)
    ]
    yaws = [yaw_of(one) for one in moved]
    assert yaws == sorted(yaws)
    assert yaws[2] - yaws[0] > 10
    assert yaw_of(replace(face, face=replace_x0(face.face, 0))) is None
    assert yaw_of(replace(face, parts=())) is None


def replace_x0(box, x0):
    return Box(x0, box.y0, box.x1, box.y1)


def test_a_set_that_looks_one_way_is_amber(ada):
    audit = audit_photos(*ada, TABLE, replace(CONFIG, yaw_spread=90.0))
    assert [finding.check for finding in audit.findings] == ["same_direction"]
    assert audit.status == "amber"
    assert audit.good


@pytest.mark.parametrize("count", [1, 2])
def test_few_photos(ada, embedder, count):
    audit = audit_photos(ada[0][:count], ada[1][:count], TABLE, CONFIG, embedder)
    assert [finding.check for finding in audit.findings] == ["few_photos"]
    assert audit.good


def test_nobody_anywhere(embedder):
    images = [torch.full((1, 3, 40, 50), value) for value in (0.1, 0.5)]
    audit = audit_photos(images, [(), ()], TABLE, CONFIG, embedder)
    assert audit.red == (0, 1)
    assert audit.yaw_spread is None
    with pytest.raises(NoFaceError, match=r"none of the 2 photos.*photo 1.*no face"):
        apply_policy(audit, [(), ()], "skip")
    assert apply_policy(audit, [(), ()], "warn") == ((), ())


def test_policies(ada):
    images, faces = changed(ada, 1, soft(ada[0][1], 14))
    audit = audit_photos(images, faces, TABLE, CONFIG, names=["a", "b", "c"])
    assert audit.red == (1,)
    assert apply_policy(audit, faces, "warn") == tuple(faces)
    assert apply_policy(audit, faces, "skip") == (faces[0], (), faces[2])
    with pytest.raises(AuditError, match=r"1 of 3 photos.*b: the face is blurred"):
        apply_policy(audit, faces, "stop")
    good = audit_photos(*ada, TABLE, CONFIG)
    for policy in ("warn", "skip", "stop"):
        assert apply_policy(good, ada[1], policy) == tuple(ada[1])


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ([torch.full((1, 3, 40, 40), float("nan"))], "photo 1.*NaN"),
        ([torch.zeros(1, 3, 4, 4)], "photo 1.*4x4"),
        ([torch.zeros(2, 3, 40, 40)], "photo 1.*one picture"),
        ([], "no photos"),
    ],
)
def test_bad_pictures_are_named(images, said):
    with pytest.raises(ImageError, match=said):
        audit_photos(images, [()] * len(images), TABLE)


def test_lengths_must_agree(ada):
    with pytest.raises(ImageError, match="3 photos, faces of 2"):
        audit_photos(ada[0], ada[1][:2], TABLE)
    with pytest.raises(ImageError, match="1 names"):
        audit_photos(*ada, TABLE, names=["x"])
