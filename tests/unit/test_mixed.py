"""A face of several people: the head, then each part where the painted head has it."""

import pytest
import torch

from facea_core.backbone.spec import TINY
from facea_core.composing import ComposeConfig, compose_faces, mixed_faces, mixed_parts, plan_batch
from facea_core.errors import ConfigError, PartError
from facea_core.identity import mix_people
from facea_core.types import Box, DetectedFaces, FaceAttributes, Identity, IdentityMeta, Part, Word

SIZE, CONFIG = (96, 128), ComposeConfig()
IMAGE = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))


def face(down: int = 0, *, without: str = "") -> FaceAttributes:
    """A face whose eyes and mouth lie so many pixels lower."""
    boxes = {"eyes": Box(46, 38 + down, 74, 44 + down), "mouth": Box(52, 58 + down, 68, 64 + down)}
    parts = tuple(Part(name, box, 0.9) for name, box in boxes.items() if name != without)
    return FaceAttributes(SIZE, Box(40, 20, 80, 72), 0.9, parts)


def person(name: str) -> Identity:
    words = (Word(f"{name}/{part}", part, part, {"clip_l": torch.zeros(1, 8)}) for part in PARTS)
    meta = IdentityMeta("facea-tiny", "", "woman", f"a photo of {name}", 1, 0, 4)
    return Identity(name, tuple(words), {}, meta)


PARTS = ("eyes", "mouth")
ADA, BEN, CLEO = map(person, ("ada", "ben", "cleo"))
MIX = mix_people([ADA, BEN, CLEO], "mouth: ben, eyes: ada, rest: cleo")


def test_the_head_comes_first_and_then_each_part_by_its_own_person():
    faces = mixed_faces(face(), MIX, CONFIG)
    assert [one.identity for one in faces] == [MIX, ADA, BEN]
    assert [one.prompt for one in faces[1:]] == [
        "a photo of embedding:ada/eyes of a woman", "a photo of embedding:ben/mouth of a woman"
    ]  # fmt: skip
    assert mixed_parts([ADA, None, MIX]) == PARTS
    (whole,) = mixed_faces(face(), ADA, CONFIG)
    assert torch.equal(whole.mask, faces[0].mask)


@pytest.mark.parametrize("lower", [0, 5])
def test_a_part_is_painted_where_the_painted_head_has_it(lower: int):
    asked = []

    def find(picture, before):
        asked.append(picture)
        return face(lower)

    def paint(_, crop, seeds):
        return torch.full((len(seeds), 3, *crop.plan.size), 0.1 * (1 + len(asked)))

    faces = mixed_faces(face(), MIX, CONFIG, find=find)
    wanted = mixed_faces(face(lower), MIX, CONFIG)
    for one, target in zip(faces[1:], wanted[1:], strict=True):
        assert one.place is not None
        assert torch.equal(one.place(IMAGE), target.mask)
    asked.clear()
    made = compose_faces(IMAGE, faces, paint, TINY.spec, CONFIG)
    assert len(made.plans) == 3
    # Each was looked for in the picture with all before it.
    assert not torch.equal(asked[0], IMAGE)
    assert not torch.equal(asked[0], asked[1])


def test_a_part_that_nobody_finds_again_is_painted_where_it_was():
    faces = mixed_faces(face(), MIX, CONFIG, find=lambda *_: face(9, without="mouth"))
    assert faces[1].place is not None
    assert faces[2].place is not None
    assert not torch.equal(faces[1].place(IMAGE), faces[1].mask)
    assert torch.equal(faces[2].place(IMAGE), faces[2].mask)


def plan(found, identities, mask=None, parts=""):
    masks = None if mask is None else [mask]
    there = DetectedFaces("male", (tuple(found),))
    return plan_batch([IMAGE], masks, there, identities, CONFIG, TINY.spec, "", parts)


def test_a_batch_counts_the_parts_and_notes_what_a_face_lacks():
    jobs, notes = plan([face(), face(without="mouth"), face()], [MIX, MIX, ADA])
    assert jobs.faces == len(jobs[0].faces) == 3 + 2 + 1
    assert notes == ["picture 1, face 2: no mouth found"]


def test_what_leaves_no_room_for_a_mix_is_refused():
    with pytest.raises(ConfigError, match="cleo is a mix by parts.*a mask is wired"):
        plan([face()], [MIX], mask=torch.ones(1, 1, *SIZE))
    with pytest.raises(ConfigError, match="cleo is a mix by parts.*parts are given"):
        plan([face()], [MIX], parts="eyes")
    with pytest.raises(PartError, match="no mouth was found"):
        plan([face(without="mouth")], [MIX])
