"""Only some parts of a face repainted: what the text says, the masks, the prompts, the order."""

import pytest
import torch
import torch.nn.functional as F

from facea_core.attributes import ATTRIBUTES
from facea_core.backbone.spec import TINY
from facea_core.composing import (
    ComposeConfig,
    TargetFace,
    compose_faces,
    face_mask,
    plan_batch,
    wanted_parts,
)
from facea_core.composing.parts import ORDER
from facea_core.errors import ConfigError, PartError
from facea_core.identity.words import part_prompt
from facea_core.masks import part_mask
from facea_core.training.tasks import part_sizes
from facea_core.types import (
    Box,
    DetectedFaces,
    FaceAttributes,
    Identity,
    IdentityMeta,
    Part,
    Photo,
    Word,
)

CONFIG = ComposeConfig()
SIZE = (96, 128)
FACE = FaceAttributes(
    SIZE, Box(40, 20, 80, 72), 0.9,
    (
        Part("mouth", Box(52, 58, 68, 64), 0.9),
        Part("eyes", Box(46, 38, 74, 44), 0.9),
        Part("nose", Box(56, 44, 64, 56), 0.9),
    ),
)  # fmt: skip
IMAGE = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))


def person(name: str, *words: str, **meta) -> Identity:
    about = IdentityMeta("facea-tiny", "", "woman", f"a photo of {name}", 1, 0, 4, **meta)
    learned = (Word(f"{name}/{word}", word, word, {"clip_l": torch.zeros(1, 8)}) for word in words)
    return Identity(name, tuple(learned), {}, about)


ADA, BEN = person("ada", "eyes", "nose", "mouth"), person("ben", "eyes", "mouth")


def targets(text, *identities, face=FACE, prompt=""):
    found = DetectedFaces("male", ((face,),))
    jobs, notes = plan_batch([IMAGE], None, found, identities, CONFIG, TINY.spec, prompt, text)
    (job,) = jobs
    assert jobs.faces == len(job.faces)
    return job.faces, notes


def test_large_parts_are_painted_before_small_ones_whatever_the_order():
    for text in ("mouth, eyes,hair", "hair,mouth,eyes", " EYES ,mouth, Hair,"):
        assert [one.part for one in wanted_parts(text)] == ["hair", "eyes", "mouth"]
    assert sorted(ORDER) == sorted(set(ORDER))
    assert set(ORDER) == set(ATTRIBUTES)
    assert [one.part for one in wanted_parts("male")] == ["eyes", "nose", "mouth"]
    assert wanted_parts("") == wanted_parts(" , ") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nos", "did you mean 'nose'"),
        ("head", "leave parts empty"),
        (":ada", "give a part"),
        ("eyes, eyes:ada", "'eyes' more than once"),
        ("eyes:eve", r"'eve', who is not wired \(wired: ada, ben\)"),
        ("eyes:", r"'', who is not wired"),
    ],
)
def test_what_is_no_part_is_refused_with_what_to_do(text, said):
    with pytest.raises(ConfigError, match=said):
        wanted_parts(text, ("ada", "ben"))


def test_each_part_is_painted_by_its_own_word_into_its_own_mask():
    faces, notes = targets("mouth, nose", ADA)
    assert notes == []
    assert [face.prompt for face in faces] == [
        "a photo of embedding:ada/nose of a woman",
        "a photo of embedding:ada/mouth of a woman",
    ]
    for face, name in zip(faces, ("nose", "mouth"), strict=True):
        assert face.identity is ADA
        part = FACE.part(name)
        assert part is not None
        wanted = part_mask(part, SIZE, grow=CONFIG.grow, feather=CONFIG.feather)
        assert torch.equal(face.mask, wanted)


def test_parts_of_several_people_go_into_one_face():
    faces, _ = targets("eyes:ben, mouth:ada", ADA, BEN)
    assert [face.identity for face in faces] == [BEN, ADA]
    # A part without a name is of whoever the face becomes.
    faces, _ = targets("eyes:ben, mouth", ADA, BEN)
    assert [face.identity for face in faces] == [BEN, ADA]


def test_all_faces_get_parts_that_say_of_whom_and_others_only_with_an_identity():
    found = DetectedFaces("male", ((FACE, FACE),))
    counts = {
        text: plan_batch([IMAGE], None, found, [ADA], CONFIG, TINY.spec, "", text)[0].faces
        for text in ("eyes:ada", "eyes", "eyes, nose")
    }
    assert counts == {"eyes:ada": 2, "eyes": 1, "eyes, nose": 2}


def test_a_users_prompt_gets_the_word_of_the_part_and_no_other():
    assert part_prompt(ADA, "nose", "in oil") == "in oil embedding:ada/nose"
    assert part_prompt(ADA, "nose", "embedding:ada/eyes") == "embedding:ada/eyes"
    # What has no word of its own is painted as the whole person is.
    assert part_prompt(BEN, "nose") == "a photo of ben"
    mine = person("cleo", "nose", config={"local_prompt": "{words}, {class}"})
    assert part_prompt(mine, "nose") == "embedding:cleo/nose , woman"


def test_a_person_with_a_wider_mouth_gets_room_for_it():
    wide = person("wide", "mouth", part_sizes={"mouth.width": 0.8, "mouth.height": 0.1})
    (usual,), _ = targets("mouth", ADA)
    (room,), _ = targets("mouth", wide)
    assert (room.mask >= usual.mask).all()
    columns = [(one.mask > 0.5).any(dim=2).sum() for one in (usual, room)]
    rows = [(one.mask > 0.5).any(dim=3).sum() for one in (usual, room)]
    assert columns[1] > 1.5 * columns[0]
    assert rows[1] == rows[0]


def test_sizes_of_parts_are_means_over_the_photos_in_sides_of_the_face():
    other = FaceAttributes(SIZE, Box(0, 0, 40, 52), 1.0, (Part("mouth", Box(0, 0, 24, 6), 1.0),))
    sizes = part_sizes([Photo(IMAGE, FACE), Photo(IMAGE, other)])
    assert sizes["mouth.width"] == pytest.approx((16 / 40 + 24 / 40) / 2, abs=1e-3)
    assert sizes["nose.height"] == pytest.approx(12 / 52, abs=1e-3)


def test_the_model_sees_the_whole_head_and_nothing_changes_outside_the_parts():
    faces, _ = targets("nose, eyes", ADA)
    shown = []

    def paint(face, crop, seeds):
        shown.append(crop)
        return torch.zeros(len(seeds), 3, *crop.plan.size)

    made = compose_faces(IMAGE, faces, paint, TINY.spec, CONFIG)
    whole = compose_faces(IMAGE, [TargetFace(face_mask(FACE, CONFIG))], paint, TINY.spec, CONFIG)
    assert [plan.box for plan in made.plans] == [whole.plans[0].box] * 2
    outside = (made.mask == 0).expand_as(IMAGE)
    assert torch.equal(made.image[outside], IMAGE[outside])
    # What is as small as these fades within a pixel, which is softened a little further.
    near = F.max_pool2d(torch.maximum(faces[0].mask, faces[1].mask), 7, stride=1, padding=3)
    assert (made.mask[near == 0] == 0).all()
    # The second part is painted onto the first.
    assert not torch.equal(shown[0].image, shown[1].image)


def test_a_part_that_no_face_shows_is_an_error_and_one_that_some_lack_a_note():
    with pytest.raises(PartError, match="no hair was found.*Attribute Detect"):
        targets("hair, nose", ADA)
    bare = FaceAttributes(SIZE, FACE.face, 0.9, FACE.parts[:1])
    found = DetectedFaces("male", ((FACE, bare),))
    jobs, notes = plan_batch([IMAGE], None, found, [ADA, BEN], CONFIG, TINY.spec, "", "eyes, mouth")
    assert jobs.faces == len(jobs[0].faces) == 3
    assert notes == ["picture 1, face 2: no eyes found"]


def test_parts_beside_a_mask_are_refused():
    mask = torch.ones(1, 1, *SIZE)
    with pytest.raises(ConfigError, match="a mask is wired"):
        plan_batch([IMAGE], [mask], None, [ADA], CONFIG, TINY.spec, "", "nose")
