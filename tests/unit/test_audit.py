"""The audit's laws: each fault is named, good photos are left alone, a batch keeps its length."""

import json
from dataclasses import replace

import pytest
import torch

from facea_core.attributes import attribute_table
from facea_core.audit import (
    AMBER,
    GREEN,
    RED,
    AuditConfig,
    apply_policy,
    audit_embedder,
    audit_json,
    audit_line,
    audit_photos,
    audit_table,
    audit_text,
    draw_audit,
)
from facea_core.audit.alike import group, pictures_alike
from facea_core.audit.config import Limits
from facea_core.audit.measure import blur_of, measure, yaw_of
from facea_core.cli.flags import parse
from facea_core.cli.forms import AuditCommand
from facea_core.errors import AuditError, ConfigError, ImageError, NoFaceError
from facea_core.io.images import resize
from facea_core.settings import updated
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box, FaceAttributes, Part

TABLE = attribute_table("male")
CONFIG = AuditConfig(resolution=128, yaw_spread=0.0)


def painted(seed, count=3, person=None):
    """Photos `(1, 3, 128, 128)` of one painted person and their true faces."""
    generator = torch.Generator().manual_seed(seed)
    who = sample_people(1, torch.Generator().manual_seed(person or seed))
    photos = paint(who.repeat(count, 1), sample_scenes(count, generator))
    images = list(photos.image.split(1))
    return images, [
        (face_of(boxes, image),) for boxes, image in zip(photos.boxes, images, strict=True)
    ]


def face_of(boxes, image):
    parts = tuple(
        Part(name, Box(*boxes[name]), 0.9) for name in ("eyes", "nose", "mouth") if name in boxes
    )
    return FaceAttributes(tuple(image.shape[-2:]), Box(*boxes["face"]), 0.9, parts)


@pytest.fixture(scope="module")
def ada():
    return painted(3)


@pytest.fixture(scope="module")
def embedder():
    return audit_embedder("tiny", 128)


def checks(audit, number):
    return {finding.check: finding.status for finding in audit.photos[number].findings}


def changed(ada, number, image, face=None):
    images, faces = list(ada[0]), list(ada[1])
    images[number] = image
    faces[number] = faces[number] if face is None else face
    return images, faces


def soft(image, times):
    for _ in range(times):
        padded = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate")
        image = torch.nn.functional.avg_pool2d(padded, 3, 1)
    return image


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


def test_limits_are_pairs_of_which_red_is_the_graver():
    more, less = Limits(0.3, 0.2), Limits(0.5, 0.7)
    assert [more.below(value) for value in (0.19, 0.2, 0.29, 0.3)] == [RED, AMBER, AMBER, GREEN]
    assert [less.above(value) for value in (0.5, 0.51, 0.7, 0.71)] == [GREEN, AMBER, AMBER, RED]
    assert Limits(0.1, 0.2).below(0.15) == RED


def test_each_limit_is_a_setting_of_its_own():
    flat = {
        "small_face": 0.4, "tiny_face": 0.3, "soft": 0.1, "blurred": 0.2, "dim": 0.6, "dark": 0.5,
        "bright": 0.3, "white": 0.4, "alike": 0.8, "duplicate": 0.9,
    }  # fmt: skip
    config = updated(AuditConfig(resolution=100), flat)
    assert config.face == Limits(40, 30)
    assert config.blur == Limits(0.1, 0.2)
    assert config.light == Limits(0.6, 0.5)
    assert config.clipped == Limits(0.3, 0.4)
    assert config.likeness == Limits(0.8, 0.9)
    words = [word for key, value in flat.items() for word in (f"--{key}", str(value))]
    _, configs = parse("audit", AuditCommand, words, audit=AuditConfig(resolution=100))
    assert configs["audit"] == config


def test_embedders_by_name():
    assert audit_embedder("none", 512) is None
    assert audit_embedder("auto", 128).name == "tiny"
    with pytest.raises(ConfigError, match="'x'.*landmarks"):
        audit_embedder("x", 512)


def test_measuring_nothing():
    assert measure(torch.zeros(1, 3, 32, 32), (), TABLE, 512).faces == 0
