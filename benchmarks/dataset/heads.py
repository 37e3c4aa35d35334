"""Heads that recognisers learn and are tested on: of painted people, and of a set."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from facea_core.dataset.grid import MEASURED, number_of
from facea_core.dataset.manifest import read_manifest
from facea_core.dataset.reading import Measures, measures_of
from facea_core.detection import DetectConfig, detect_attributes
from facea_core.detection.base import Detector
from facea_core.errors import AssetError
from facea_core.evaluation import face_crop
from facea_core.io.files import atomic_path
from facea_core.io.hashes import sha256_of
from facea_core.io.images import load_image
from facea_core.seeds import seeded
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box

from ..likeness.subjects import HELDOUT, PHOTOS, UNSEEN

SIDE, SIZE = 64, 128
"""Of a head crop and of a painted picture, in pixels."""

_KEYS: tuple[str, ...] = ("crops", "labels", "measures")
_PARTS = DetectConfig("face, eyes, nose, mouth, hair", on_missing="pass")


class Shown(NamedTuple):
    """An image `(1, 3, H, W)` of somebody, by `label`, and where the face is: where it is `cut`,
    or only where to cut if no face is found."""

    image: Tensor
    face: Box
    label: int
    cut: bool = False


@dataclass(frozen=True, eq=False)
class Heads:
    """N head crops `(N, 3, 64, 64)` uint8 with `labels (N,)` from 0, and `measures (N, 5)`, the
    numbers of the axes in `MEASURED`, NaN where one could not be read. `source` is a hash of what
    they were made from."""

    crops: Tensor
    labels: Tensor
    measures: Tensor
    source: str

    def of(self, label: int) -> Tensor:
        """The numbers of a person's heads."""
        return (self.labels == label).nonzero().flatten()

    def read(self, number: int) -> Measures:
        """What could be measured of a head."""
        values = zip(MEASURED, self.measures[number].tolist(), strict=True)
        return {name: value for name, value in values if not math.isnan(value)}


def heads_of(shown: Iterable[Shown], total: int, detector: Detector, source: str) -> Heads:
    """The heads of pictures in which faces are searched as a user's would be."""
    crops, labels, measures = [], [], []
    for one in tqdm(shown, desc="heads", total=total, disable=None, leave=False):
        (found,) = detect_attributes([one.image], detector, _PARTS)
        assert found is not None  # "pass" answers for every picture
        seen = found.score > 0
        read = measures_of(one.image, found) if seen else {}
        face = found.face if seen and not one.cut else one.face
        crops.append((face_crop(one.image, face, SIDE)[0] * 255).round().byte())
        labels.append(one.label)
        measures.append([read.get(name, math.nan) for name in MEASURED])
    return Heads(torch.stack(crops), torch.tensor(labels), torch.tensor(measures), source)


def kept(folder: Path, name: str, source: str, make: Callable[[], Heads]) -> Heads:
    """The heads called `name` that lie in `folder`, made and put there if they are not of `source`.

    Raises AssetError if they cannot be written.
    """
    path = folder / f"{name}.safetensors"
    with suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
        if (file.metadata() or {}).get("source") == source:
            crops, labels, measures = (file.get_tensor(key) for key in _KEYS)
            return Heads(crops, labels, measures, source)
    heads = make()
    folder.mkdir(parents=True, exist_ok=True)
    tensors = dict(zip(_KEYS, (heads.crops, heads.labels, heads.measures), strict=True))
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, {"source": source})
    return heads


def person_numbered(number: int) -> Tensor:
    """The painted person `(1, IDENTITY_SIZE)` whom the other benchmarks know by the number."""
    return sample_people(1, seeded(UNSEEN + number))


def photos_of(number: int) -> tuple[Tensor, Tensor]:
    """The person and the scenes `(3, SCENE_SIZE)` of the photos that they are learned from."""
    generator = seeded(UNSEEN + number)
    person = sample_people(1, generator)
    return person, sample_scenes(PHOTOS + HELDOUT, generator)[:PHOTOS]


def anywhere(number: int, count: int) -> tuple[Tensor, Tensor]:
    """The person and `count` random scenes, every other one busy; none is that of a photo."""
    generator = seeded(number_of("anywhere", number))
    scenes = sample_scenes(count, generator)
    busy = sample_scenes(count, generator, busy=True)
    scenes[1::2] = busy[1::2]
    return person_numbered(number), scenes


def painted(people: Iterable[tuple[Tensor, Tensor]]) -> Iterator[Shown]:
    """The pictures of people `(1, IDENTITY_SIZE)` in scenes `(n, SCENE_SIZE)`, labels from 0."""
    for label, (person, scenes) in enumerate(people):
        made = paint(person.expand(len(scenes), -1), scenes, SIZE)
        for image, boxes in zip(made.image.split(1), made.boxes, strict=True):
            yield Shown(image, Box(*boxes["face"]), label)


def set_of(folder: Path) -> tuple[Iterator[Shown], int, str]:
    """The pictures that a set in `folder` lists, how many, and a hash of the list.

    Raises AssetError or ConfigError for a folder without a set, and for a picture that is not what
    was listed.
    """
    pictures = read_manifest(folder)
    digest = hashlib.sha256("".join(one.sha256 for one in pictures).encode()).hexdigest()[:16]
    names = {name: i for i, name in enumerate(dict.fromkeys(p.identity for p in pictures))}

    def shown() -> Iterator[Shown]:
        for one in pictures:
            path = folder / one.path
            if sha256_of(path) != one.sha256:
                raise AssetError(f"{path} is not the picture that the set lists; sample it again")
            yield Shown(load_image(path)[0], Box(*one.box), names[one.identity], cut=True)

    return shown(), len(pictures), digest
