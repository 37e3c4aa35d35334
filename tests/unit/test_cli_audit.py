"""What `facea audit` does to its photos and faces before it measures them."""

from pathlib import Path

from facea_core.audit.learnable import distinct_names
from facea_core.cli.work.audit import chosen_first
from facea_core.types import Box, FaceAttributes


def test_the_face_that_is_meant_comes_first():
    faces = tuple(FaceAttributes((9, 9), Box(i, 0, 9, 9), 0.9) for i in range(3))
    assert chosen_first(faces, 0) == chosen_first(faces, -1) == faces
    assert chosen_first(faces, 2) == (faces[2], faces[0], faces[1])
    assert chosen_first(faces, 3) == chosen_first((), 0) == ()


def test_names_of_photos_differ():
    paths = [Path("x/a.png"), Path("y/a.png"), Path("b.png")]
    assert distinct_names(paths) == ["x/a.png", "y/a.png", "b.png"]
