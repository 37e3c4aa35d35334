"""People and hosts of the painter, and the painter as what paints people into hosts: a model that
is always right, or wrong in the way that a test asks for."""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from facea_core.composing import ComposeConfig
from facea_core.dataset.config import DatasetConfig
from facea_core.dataset.hosts import Host, host_of
from facea_core.dataset.people import Person, person_of
from facea_core.dataset.plan import plan_set
from facea_core.dataset.sample import Shared, Tools, Unit
from facea_core.detection import DetectConfig, detect_attributes, load_detector
from facea_core.evaluation import load_embedder
from facea_core.evaluation.identity_encoder import load_attribute_probe
from facea_core.io.hashes import image_sha256
from facea_core.seeds import seeded
from facea_core.synthetic.parameters import IDENTITY, SCENE
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Identity, IdentityMeta, Photo

SIZE = 128
_PARTS = DetectConfig("face, eyes, nose, mouth, hair", on_missing="pass")


@cache
def tools() -> Tools:
    return Tools(load_detector("tiny"), load_embedder("tiny"), load_attribute_probe())


@cache
def numbers(seed: int) -> Tensor:
    """Somebody, (1, IDENTITY_SIZE): a man, so that all hosts are for all people, without a beard,
    so that a smile is seen."""
    person = sample_people(1, seeded(0x5E70_0000 + seed))
    person[:, IDENTITY.index("gender")] = 0.2
    person[:, IDENTITY.index("beard")] = 0.1
    return person


def scene(seed: int) -> Tensor:
    return sample_scenes(1, seeded(0x5E71_0000 + seed), busy=True)


def identity(name: str) -> Identity:
    return Identity(
        name, (), {}, IdentityMeta("facea-tiny", "", "man", f"a photo of {name}", 1, 0, 4)
    )


@cache
def person(seed: int, label: int, photos: int = 3) -> Person:
    shown = [paint(numbers(seed), scene(1000 * seed + n), SIZE).image for n in range(photos)]
    found = detect_attributes(shown, tools().detector, _PARTS)
    name = f"person-{seed}"
    some = [Photo(image, face) for image, face in zip(shown, found, strict=True) if face]
    return person_of(name, label, "man", identity(name), f"{seed:064}", some, tools().embedder)


@cache
def hosts(count: int) -> tuple[Host, ...]:
    """Pictures of others, whose names are the seeds of their scenes."""
    made = []
    for seed in range(count):
        image = paint(numbers(500 + seed), scene(500_000 + seed), SIZE).image
        host = host_of(image, str(500_000 + seed), image_sha256(image), tools().detector, SIZE)
        assert isinstance(host, Host), host
        made.append(host)
    return tuple(made)


def plan(
    people: Sequence[int], config: DatasetConfig, count: int = 12
) -> tuple[Shared, list[Unit]]:
    """The set of these people, by as many hosts."""
    some = [person(seed, label) for label, seed in enumerate(people)]
    return plan_set(some, hosts(count), "tiny", config, ComposeConfig(), SIZE, "tiny")


Model = Callable[[Host, Tensor, Tensor | None, Sequence[str], int], Tensor]


def painter_of(seed: int) -> Model:
    """The person as the painter sees them in the host's scene, smiling if words say so."""

    def paint_into(
        host: Host, image: Tensor, keep: Tensor | None, words: Sequence[str], noise: int
    ) -> Tensor:
        around = scene(int(host.name)).clone()
        random = torch.rand(2, generator=seeded(noise))
        around[:, SCENE.index("smile")] = 0.95 if "smiling" in words else 0.3 * random[0]
        around[:, SCENE.index("mouth_open")] = 0.95 if "open mouth" in words else 0.3 * random[1]
        return paint(numbers(seed), around, SIZE).image

    return paint_into
