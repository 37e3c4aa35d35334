"""Of several faces the one of a person in photos."""

import pytest
import torch

from facea_core.audit import only_of
from facea_core.demo import draw_cast
from facea_core.detection import DetectConfig, detect_chosen, load_detector
from facea_core.errors import NoFaceError
from facea_core.selection import photos_to_choose_by

ADA, BEN = 3, 44


@pytest.fixture(scope="module")
def people():
    return {number: draw_cast(number, 128) for number in (ADA, BEN)}


@pytest.mark.parametrize("person", [ADA, BEN])
@pytest.mark.parametrize("first", [ADA, BEN])
def test_the_persons_face_is_found_wherever_it_is(people, person: int, first: int):
    second = BEN if first == ADA else ADA
    image = torch.cat([people[one].heldout.image[:1] for one in (first, second)], dim=3)
    detector = load_detector("tiny")
    photos, _ = photos_to_choose_by(people[person].photos.image.split(1), detector)
    only = only_of(photos)
    config = DetectConfig("face", face_index=-1)
    (everybody,) = detect_chosen([image], detector, config)
    (found,) = detect_chosen([image], detector, config, only=only)
    assert len(everybody) == 2
    assert [face.face.center[0] < 128 for face in found] == [person == first]


def test_photos_without_a_face_look_for_nobody():
    with pytest.raises(NoFaceError, match="none of the 2 references"):
        photos_to_choose_by([torch.zeros(1, 3, 64, 64)] * 2, load_detector("tiny"))
