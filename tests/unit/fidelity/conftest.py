"""Somebody painted, and who judges."""

from pathlib import Path

import pytest

from benchmarks.likeness.metrics import Judge
from benchmarks.likeness.subjects import Subject, painted_subject
from facea_core.detection.load import load_detector
from facea_core.evaluation import TinyEmbedder
from facea_core.evaluation.identity_encoder import load_attribute_probe
from facea_core.io.images import save_image


@pytest.fixture(scope="module")
def subject() -> Subject:
    return painted_subject(3, 2, 128, load_detector("tiny"))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(TinyEmbedder(), load_attribute_probe())


# Photographs


@pytest.fixture(scope="module")
def photographed(tmp_path_factory: pytest.TempPathFactory, subject: Subject) -> Path:
    """People and scenes as folders; painted ones, so that the small detector knows them."""
    folder = tmp_path_factory.mktemp("photographed")
    for place, photos in (("ada", subject.photos), ("ada/heldout", subject.heldout[:2])):
        for i, photo in enumerate(photos):
            save_image(photo.image, folder / "people" / place / f"{i}.png")
    (folder / "people" / "ada" / "about.json").write_text('{"noun": "woman"}')
    for i, scene in enumerate(subject.scenes):
        save_image(scene.image, folder / "scenes" / f"{i}.png")
    (folder / "scenes" / "1.txt").write_text("at sunset\n")
    return folder
