"""Who is who in a damaged photo: each person over one face, and nobody over a stranger's."""

from dataclasses import replace

import pytest
import torch

from facea_core.backbone import Backbone, load_backbone
from facea_core.composing import Crop, TargetFace, plan_crop
from facea_core.demo import draw_cast
from facea_core.restoring.config import RestoreConfig
from facea_core.restoring.degrade import LEVELS, degrade, enlarged
from facea_core.restoring.people import ERRORS, who_is_who
from facea_core.restoring.recognise import advantage
from facea_core.restoring.repair import DamagedPhoto
from facea_core.types import Identity, IdentityMeta


@pytest.fixture(scope="module")
def tiny() -> Backbone:
    return load_backbone("tiny")


def person(name: str) -> Identity:
    meta = IdentityMeta("facea-tiny", "", "man", "a photo of a man", 1, 0, 4)
    return Identity(name, (), {}, meta)


def face(x: int) -> TargetFace:
    mask = torch.zeros(1, 1, 64, 256)
    mask[..., 10:50, x : x + 40] = 1
    return TargetFace(mask)


@pytest.mark.parametrize(
    ("known", "whose"),
    [
        ([[0.1, 0.4], [0.3, 0.2]], ["ben", "ada"]),
        ([[0.5, 0.4], [0.6, -1.0]], ["ben", "ada"]),
        ([[-2.0, -3.0], [0.1, -0.1]], ["ada"]),
        ([[-2.0, -3.0], [-0.5, -0.9]], []),
    ],
)
def test_all_together_are_known_best_and_strangers_are_nobodys(tiny, known, whose):
    people, faces = [person("ada"), person("ben")], [face(20), face(150)]
    photo = DamagedPhoto(torch.rand(1, 3, 64, 256), damage=LEVELS["mild"])

    def know(crop: Crop, _, identity: Identity) -> float:
        left = crop.plan.box.center[0] < 128
        return known[0 if left else 1][people.index(identity)]

    theirs, notes = who_is_who(photo, faces, people, know, tiny.spec, 1.5)
    assert [one.identity.name for one in theirs if one.identity] == whose
    assert notes.pop() == ERRORS
    assert len(notes) == 2
    assert sum("nobody's" in note for note in notes) == 2 - len(whose)


def test_more_faces_than_people_and_empty_masks(tiny):
    photo = DamagedPhoto(torch.rand(1, 3, 64, 256), damage=LEVELS["mild"])
    empty = replace(face(0), mask=torch.zeros(1, 1, 64, 256))
    faces = [face(20), face(90), empty, face(160)]
    theirs, notes = who_is_who(
        photo, faces, [person("ada")], lambda crop, *_: crop.plan.box.x0 / 256, tiny.spec, 1.5
    )
    assert len(theirs) == 1
    assert torch.equal(theirs[0].mask, faces[-1].mask)
    assert len(notes) == 3 + 1
    assert who_is_who(photo, [empty], [person("ada")], lambda *_: 1.0, tiny.spec, 1.5) == ([], [])


def test_an_identity_that_changes_nothing_has_no_advantage(tiny: Backbone):
    image = draw_cast(3).photos.image[:1]
    photo = DamagedPhoto(enlarged(degrade(image, LEVELS["severe"], 0), (128, 128)))
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 30:110, 30:100] = 1
    crop = Crop(photo.image, mask, plan_crop(mask, tiny.spec))
    repair = photo.repair(crop, RestoreConfig())
    same = advantage(repair.crop, repair.evidence, person("ada"), tiny)
    assert same == pytest.approx(0, abs=1e-6)
    # Told to be another kind of person than the model is asked about: something changes.
    other = replace(person("ada"), meta=replace(person("ada").meta, prompt="a photo of a cat"))
    assert advantage(repair.crop, repair.evidence, other, tiny) != same
