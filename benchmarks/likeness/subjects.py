"""Who is learned and where they are painted: people of the painter, of whom everything is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facea_core.attributes import PRESETS
from facea_core.detection.base import Detector
from facea_core.detection.detect import DetectConfig, detect_attributes
from facea_core.evaluation import face_photo
from facea_core.seeds import seeded
from facea_core.synthetic.captions import place
from facea_core.synthetic.parameters import IDENTITY, OPEN, SCENE, SMILING, circumstance
from facea_core.synthetic.render import (
    class_noun,
    describe,
    labels,
    paint,
    sample_people,
    sample_scenes,
)
from facea_core.types import Box, FaceAttributes, Photo

PHOTOS, HELDOUT = 3, 8
UNSEEN = 0xBE00_0000
"""Neither pre-training nor the demo draws its people from here: pre-training's pools have the seeds
1009 n + 1 and on for pieces n, the demo's people those from 0x5EED_0000 on."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture `(1, 3, H, W)` of somebody else, whose face is the `target`.

    `prompt` is asked for beside the person, `wanted` is what that should look like, by question of
    the probe. `face` is where the new face should come out. With a painter there is an `answer`,
    the best picture there could be, and `free (1, 1, H, W)`, where it does not matter who is in it.
    """

    name: str
    image: Tensor
    target: FaceAttributes
    face: Box
    prompt: str = ""
    wanted: Mapping[str, int] | None = None
    answer: Tensor | None = None
    free: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A person: photos to learn from, others to measure by, and scenes to be painted into.

    `number` seeds what is random about them. `caption` is the best that words can say of them,
    `captions` say what each photo shows beside them, or "". `truth` is their label by question of
    the probe. `made_of` is another text for other pictures.
    """

    name: str
    number: int
    noun: str
    attributes: str
    photos: Sequence[Photo]
    heldout: Sequence[Photo]
    scenes: Sequence[Scene]
    caption: str
    captions: Sequence[str]
    truth: Mapping[str, int] | None = None
    made_of: str = ""


def painted_subject(number: int, scenes: int, size: int, detector: Detector) -> Subject:
    """Person `number` with that many scenes, pictures of `size` pixels; same numbers, same bytes.

    Photos and scenes are searched for faces as a user's would be. The person of one number is the
    same for any count of scenes, and so are the scenes that both have.
    """
    generator = seeded(UNSEEN + number)
    person = sample_people(1, generator)
    around = sample_scenes(PHOTOS + HELDOUT, generator)
    learned = paint(person.expand(PHOTOS, -1), around[:PHOTOS], size)
    noun = class_noun(person[0])
    preset = PRESETS["female" if noun == "woman" else "male"]
    # A bald woman has no hair to learn.
    names = ", ".join(a for a in preset if all(a in boxes for boxes in learned.boxes))
    return Subject(
        name=f"person-{number}",
        number=number,
        noun=noun,
        attributes=names,
        photos=searched_photos(learned.image, detector),
        heldout=known_photos(person, around[PHOTOS:], size),
        scenes=[_scene(person, i, generator, size, detector) for i in range(scenes)],
        caption=describe(person[0]),
        captions=[", ".join(expression_words(one)) for one in around[:PHOTOS].split(1)],
        truth={name: int(label) for name, label in labels(person).items()},
        made_of=f"painted {UNSEEN + number}",
    )


def searched_photos(images: Tensor, detector: Detector) -> list[Photo]:
    """Photos of (N, 3, H, W) in which faces are searched as in a user's, N of them."""
    # Arms may learn other parts than the preset's, or fewer.
    parts = DetectConfig(", ".join(PRESETS["female"]), on_missing="pass")
    found = detect_attributes(images.split(1), detector, parts)
    return [
        Photo(image, face, f"photo {number}")
        for number, (image, face) in enumerate(zip(images.split(1), found, strict=True), start=1)
        if face is not None  # "pass" answers for every picture
    ]


def known_photos(person: Tensor, scenes: Tensor, size: int) -> list[Photo]:
    """The person (1, IDENTITY_SIZE) painted in scenes (N, SCENE_SIZE): where the face is is known,
    and no more."""
    painted = paint(person.expand(len(scenes), -1), scenes, size)
    return [
        face_photo(image, Box(*boxes["face"]))
        for image, boxes in zip(painted.image.split(1), painted.boxes, strict=True)
    ]


def _scene(
    person: Tensor, number: int, generator: torch.Generator, size: int, detector: Detector
) -> Scene:
    other, around = sample_people(1, generator), sample_scenes(1, generator, busy=True)
    # A picture to paint into is asked for by the same class noun.
    gender = IDENTITY.index("gender")
    other[:, gender] = person[:, gender]
    context, answer = paint(other, around, size), paint(person, around, size)
    (face,) = detect_attributes([context.image], detector, DetectConfig("face"))
    assert face is not None  # without a face there is an error
    return Scene(
        name=f"scene-{number}",
        image=context.image,
        target=face,
        face=Box(*answer.boxes[0]["face"]),
        prompt=", ".join(_asked(around)),
        wanted=expression_labels(around),
        answer=answer.image,
        free=(context.image == answer.image).all(dim=1, keepdim=True).float(),
    )


def expression_labels(scene: Tensor) -> dict[str, int]:
    """What the probe should answer about the expression in a scene `(1, SCENE_SIZE)`."""
    return {
        "smile": int(circumstance(scene, "smile") >= SMILING),
        "open_mouth": int(circumstance(scene, "mouth_open") >= OPEN),
    }


def expression_words(scene: Tensor) -> list[str]:
    """What a caption says of the expression in a scene."""
    said = ["smiling"] if circumstance(scene, "smile") >= SMILING else []
    return said + (["an open mouth"] if circumstance(scene, "mouth_open") >= OPEN else [])


def _asked(scene: Tensor) -> list[str]:
    """What the picture should show beside the person, as captions say it."""
    return [*expression_words(scene), place(float(scene[0, SCENE.index("backdrop")]))]
