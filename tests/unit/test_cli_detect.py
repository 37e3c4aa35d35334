"""What `facea detect` does beside a detector."""

import torch

from facea_core.cli.work.detect import Once, with_chosen
from facea_core.detection.base import FACE
from facea_core.detection.painted import TinyDetector
from facea_core.types import Box, FaceAttributes, Part


def test_a_picture_is_searched_once():
    class Counting(TinyDetector):
        searched = 0

        def detect(self, image, phrases):
            self.searched += 1
            return super().detect(image, phrases)

    counting = Counting()
    once = Once(counting)
    image = torch.rand(1, 3, 128, 128)
    first = once.detect(image, (FACE, "eyes"))
    assert once.detect(image, (FACE, "eyes")) == first
    assert counting.searched == 1
    once.detect(image, (FACE,))
    once.detect(torch.rand(1, 3, 128, 128), (FACE, "eyes"))
    assert counting.searched == 3


def test_the_chosen_face_is_shown_as_it_was_handed_out():
    faces = tuple(FaceAttributes((9, 9), Box(x, 0, x + 4, 4), 0.5) for x in (0, 5))
    chosen = FaceAttributes((9, 9), Box(5, 0, 9, 4), 0.5, (Part("mouth", Box(6, 2, 8, 3), 1.0),))
    assert with_chosen(faces, chosen) == (faces[0], chosen)
    assert with_chosen(faces, None) == faces
    elsewhere = FaceAttributes((9, 9), Box(0, 0, 9, 9), 0.0)
    assert with_chosen(faces, elsewhere) == (*faces, elsewhere)
