"""facea-tiny on a photograph is warned of, and nothing else is."""

import pytest

from facea_core.detection.found import smear_note
from facea_core.types import Box, FaceAttributes


def face(detector: str) -> FaceAttributes:
    return FaceAttributes((64, 64), Box(8, 8, 40, 40), 0.9, detector=detector)


@pytest.mark.parametrize("detector", ["mesh", "landmarks"])
def test_a_photograph_is_too_much_for_facea_tiny(detector: str):
    (note,) = smear_note("facea-tiny", [None, face("tiny"), face(detector)])
    assert "inpainting checkpoint" in note
    assert smear_note("sd15", [face(detector)]) == []


@pytest.mark.parametrize("detector", ["tiny", "own mask", "SEGS", ""])
def test_painted_people_are_not(detector: str):
    assert smear_note("facea-tiny", [None, face(detector)]) == []
