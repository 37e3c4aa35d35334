"""A batch with pictures that show nobody comes back as long as it went in."""

import pytest
import torch

from facea_core.composing import faces_mask
from facea_core.detection.detect import DetectConfig, detect_chosen, part_masks, to_json
from facea_core.detection.load import load_detector
from facea_core.detection.preview import draw_faces
from facea_core.detection.user_masks import own_masks
from facea_core.errors import NoFaceError
from facea_core.synthetic.render import paint, sample_people, sample_scenes

COUNT, FACELESS = 8, (1, 4, 5)
SIDE = 128


@pytest.fixture(scope="module")
def pictures():
    """Eight pictures, of which three show a wall, noise and nothing at all."""
    random = torch.Generator().manual_seed(3)
    painted = paint(sample_people(COUNT, random), sample_scenes(COUNT, random), SIDE).image
    wall = torch.linspace(0.2, 0.8, SIDE).view(1, 1, 1, -1).expand(1, 3, SIDE, SIDE)
    others = (wall, torch.rand(1, 3, SIDE, SIDE, generator=random), torch.zeros(1, 3, SIDE, SIDE))
    images = list(painted.split(1))
    for place, other in zip(FACELESS, others, strict=True):
        images[place] = other
    return images


class Remembering:
    """The tiny detector, which looks at each picture once in this file."""

    name = "tiny"

    def __init__(self):
        self.detector, self.seen = load_detector("tiny"), {}

    def detect(self, image, phrases):
        key = (image.data_ptr(), tuple(phrases))
        if key not in self.seen:
            self.seen[key] = self.detector.detect(image, phrases)
        return self.seen[key]


@pytest.fixture(scope="module")
def detector():
    return Remembering()


@pytest.mark.parametrize("policy", ["skip", "pass", "estimate"])
@pytest.mark.parametrize("index", [0, -1])
def test_eight_pictures_give_eight_of_everything(pictures, detector, policy, index):
    config = DetectConfig("eyes, nose, mouth", on_missing=policy, face_index=index)
    faces = detect_chosen(pictures, detector, config)
    assert len(faces) == len(pictures) == COUNT
    face_masks = [faces_mask(seen, (SIDE, SIDE)) for _, seen in zip(pictures, faces, strict=True)]
    parts = [
        mask
        for picture, seen in zip(pictures, faces, strict=True)
        for mask in part_masks(
            picture, seen, config.table, grow=config.part_grow, feather=config.part_feather
        )
    ]
    shown = [draw_faces(picture, seen) for picture, seen in zip(pictures, faces, strict=True)]
    # They can be one batch again.
    assert torch.cat(face_masks).shape == (COUNT, 1, SIDE, SIDE)
    assert torch.cat(parts).shape == (COUNT * 3, 1, SIDE, SIDE)
    assert torch.cat(shown).shape == (COUNT, 3, 4 * SIDE, 4 * SIDE)
    assert len([to_json(seen) for seen in faces]) == COUNT
    for number, seen in enumerate(faces):
        empty = number in FACELESS
        mine = parts[3 * number : 3 * number + 3]
        assert all(bool(mask.any()) != empty for mask in mine)
        # What composing would repaint, and it leaves a picture without a face alone.
        assert bool(face_masks[number].any()) != empty
        if policy == "skip":
            assert len(seen) == (not empty)
        else:
            assert len(seen) == 1
            assert (seen[0].score == 0) == empty
            assert any("no face found" in note for note in seen[0].notes) == empty


def test_the_order_is_kept_and_the_faces_are_those_of_their_pictures(pictures, detector):
    config = DetectConfig("eyes", on_missing="skip")
    together = detect_chosen(pictures, detector, config)
    for picture, seen in zip(pictures, together, strict=True):
        (alone,) = detect_chosen([picture], detector, config)
        assert [face.face for face in alone] == [face.face for face in seen]


def test_error_names_the_first_picture_without_a_face(pictures, detector):
    with pytest.raises(NoFaceError, match="image 2 of 8"):
        detect_chosen(pictures, detector, DetectConfig("eyes"))


@pytest.mark.parametrize("policy", ["error", "skip", "pass", "estimate"])
def test_masks_of_the_face_that_somebody_drew_fill_the_gaps(pictures, detector, policy):
    masks = [torch.zeros(1, 1, SIDE, SIDE) for _ in range(COUNT)]
    for place in FACELESS:
        masks[place][..., 40:100, 30:90] = 1
    own = own_masks(COUNT, "face", masks)
    config = DetectConfig("face", on_missing=policy)
    faces = detect_chosen(pictures, detector, config, own)
    assert [len(seen) for seen in faces] == [1] * COUNT
    assert all(seen[0].score > 0 for seen in faces)
    assert all(faces_mask(seen, (SIDE, SIDE)).any() for seen in faces)
