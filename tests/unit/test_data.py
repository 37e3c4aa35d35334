"""Crops of the photos as latents, and the hash that tells trainings apart."""

import hashlib
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone, LatentDistribution, latent_mask, masked_image
from facea_core.errors import MaskError
from facea_core.training import TrainConfig
from facea_core.training.data import build_cache, crop_example
from facea_core.training.origin import photos_hash
from facea_core.types import Box, FaceAttributes, Part, Photo

from ..narrow import quick
from .photos import EYES, FACE, make_photo
from .test_tasks import drawn, with_masks, with_part

GLOBAL = 1
CACHE, HASH = "9884867b4b6cef51", "83c6a7113bdd6c66"


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at half of its resolution: the same laws in less time."""
    return quick(backbone, 64)


class Variational(Backbone):
    """The miniature with an autoencoder that has a deviation, as SD's has."""

    def encode_image(self, image: Tensor) -> LatentDistribution:
        mean = super().encode_image(image).mean
        return LatentDistribution(mean, torch.full_like(mean, 0.5))


def test_the_cache_holds_what_the_autoencoder_says(backbone: Backbone):
    photo, config = make_photo(), TrainConfig(attributes="female", variants=2)
    random = torch.Generator().manual_seed(0)
    cache = build_cache([photo], backbone, config, random)
    crop = crop_example(photo, backbone, config)
    image, holes = crop.image, crop.masks
    assert list(holes) == ["global", "eyes", "mouth"]
    rows = torch.tensor([int(cache.rows.face[0, 0]), *cache.rows.parts[0, 0, :2].tolist()])
    latent, mask, masked = cache.gather(rows, torch.empty(0))
    tasks = [GLOBAL, GLOBAL + 1, GLOBAL + 3]
    assert cache.rows.tasks[rows].tolist() == tasks
    for i, hole in enumerate(holes.values()):
        assert torch.equal(mask[i : i + 1], latent_mask(hole))
        assert torch.equal(latent[i], backbone.encode_image(image).mean[0])
        expected = backbone.encode_image(masked_image(image, hole)).mean[0]
        assert torch.equal(masked[i], expected)
    assert cache.mask.flatten(1).any(1).all()


def test_without_own_masks_the_cache_is_what_it_always_was(backbone: Backbone):
    """The sums were taken before own masks and outlines were known."""
    config = TrainConfig(attributes="female", variants=2, outline_share=0.0)
    hair = Part("hair", Box(30, 10, 100, 60), 0.9)
    photo = make_photo()
    found = replace(photo.attributes, parts=(*photo.attributes.parts, hair))
    photos = [replace(photo, attributes=found), make_photo(1, 90, 160)]
    whole = quick(backbone, 128)
    cache = build_cache(photos, whole, config, torch.Generator().manual_seed(2))
    digest = hashlib.sha256()
    for tensor in (cache.mask, cache.crop_of, cache.rows.face, cache.rows.parts, cache.rows.tasks):
        digest.update(tensor.numpy().tobytes())
    assert digest.hexdigest()[:16] == CACHE
    assert photos_hash(photos) == HASH


def test_latents_of_a_variational_autoencoder_stay_random(backbone: Backbone):
    varied = Variational(**vars(backbone))
    config = TrainConfig(attributes="female", variants=1, batch=2)
    random = torch.Generator().manual_seed(0)
    cache = build_cache([make_photo()], varied, config, random)
    draw = cache.draw(config, random)
    assert draw.noise.shape == (3, 2, 4, 8, 8)
    latent, _, masked = cache.gather(draw.rows, draw.noise[1:])
    mean, _, masked_mean = cache.gather(draw.rows, torch.zeros(2, 2, 4, 8, 8))
    torch.testing.assert_close(latent - mean, 0.5 * draw.noise[1])
    torch.testing.assert_close(masked - masked_mean, 0.5 * draw.noise[2])


def test_a_photo_without_parts_is_learned_as_a_face(backbone: Backbone):
    photo = make_photo()
    bare = replace(photo, attributes=replace(photo.attributes, parts=()))
    config = TrainConfig(attributes="female", variants=1, local_ratio=1.0)
    random = torch.Generator().manual_seed(0)
    cache = build_cache([bare, photo], backbone, config, random)
    rows = torch.cat([cache.draw(config, random).rows for _ in range(20)])
    from_bare = rows[cache.crop_of[rows] == 0]
    assert len(from_bare) > 0
    assert (cache.rows.tasks[from_bare] == GLOBAL).all()
    assert (cache.rows.tasks[rows] > GLOBAL).any()


def test_the_hash_sees_own_masks():
    photo = make_photo()
    same = [with_masks(photo, eyes=drawn(EYES)) for _ in range(2)]
    other = with_masks(photo, eyes=drawn(EYES) * 0.9)
    swapped = with_masks(photo, mouth=drawn(EYES))
    assert photos_hash(same[:1]) == photos_hash(same[1:])
    assert len({photos_hash([one]) for one in (photo, same[0], other, swapped)}) == 4


def test_the_hash_sees_pictures_and_boxes_but_no_names():
    photo = make_photo()
    moved = replace(photo, attributes=replace(photo.attributes, face=FACE.shift(1, 0)))
    assert photos_hash([photo]) == photos_hash([replace(photo, name="other")])
    others = [[make_photo(1)], [moved], [photo, photo], [with_part(photo, Part("eyes", EYES, 1.0))]]
    assert len({photos_hash(photos) for photos in [[photo], *others]}) == 5


@pytest.mark.parametrize(
    ("steps", "batch", "photos", "crops"),
    [(1, 1, 3, 1), (5, 1, 3, 2), (5, 4, 3, 7), (100, 6, 3, 16), (1000, 4, 1, 16)],
)
def test_no_more_crops_are_encoded_than_a_run_can_use(
    backbone: Backbone, steps: int, batch: int, photos: int, crops: int
):
    config = TrainConfig(attributes="female", steps=steps, batch=batch, variants=16)
    assert config.crops(photos) == crops
    if crops < 3:
        random = torch.Generator().manual_seed(0)
        cache = build_cache([make_photo()] * photos, backbone, config, random)
        assert cache.rows.face.shape == (photos, crops)
        assert len(cache.clean.mean) == photos * crops


def test_a_face_too_narrow_to_be_seen_is_refused(backbone: Backbone):
    found = FaceAttributes((20, 20_000), Box(0, 0, 20_000, 20), 1.0, ())
    photo = Photo(torch.rand(1, 3, 20, 20_000), found, name="wide.jpg")
    random = torch.Generator().manual_seed(0)
    with pytest.raises(MaskError, match="wide.jpg of 20000 x 20 pixels"):
        build_cache([photo], backbone, TrainConfig(attributes="female", variants=2), random)
