import math
from itertools import combinations

import pytest
import torch
import torch.nn.functional as F

from facea_core.dlib_models import landmarks_available
from facea_core.errors import AssetError, ConfigError, ImageError, MaskError
from facea_core.evaluation import (
    LandmarksEmbedder,
    TinyEmbedder,
    background_change,
    embedder_for,
    evaluate_identity,
    face_crop,
    face_photo,
    head_box,
    load_embedder,
)
from facea_core.evaluation.identity_encoder import IdentityEncoder
from facea_core.evaluation.metrics import _nearest
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box, FaceAttributes

FACE = Box(40, 40, 88, 100)


@pytest.fixture(scope="module")
def embedder():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TinyEmbedder(IdentityEncoder())


@pytest.fixture(scope="module")
def photos():
    """Six pictures of one painted person."""
    generator = torch.Generator().manual_seed(2)
    people = sample_people(1, generator).repeat(6, 1)
    painting = paint(people, sample_scenes(6, generator))
    return [
        face_photo(painting.image[i : i + 1], Box(*painting.boxes[i]["face"])) for i in range(6)
    ]


# Crops


def test_the_head_box_is_the_agreed_square():
    assert head_box(Box(100, 200, 200, 240)) == Box(70, 136, 230, 296)
    assert head_box(Box(100, 200, 140, 300)) == Box(40, 160, 200, 320)


@pytest.mark.parametrize(
    "face",
    [FACE, Box(0, 0, 10, 12), Box(-50, -50, 20, 20), Box(300, 300, 320, 330), Box(5, 5, 6, 6)],
)
def test_a_crop_has_its_size_wherever_the_face_lies(face):
    image = torch.rand(1, 3, 128, 100)
    for side in (64, 150):
        crop = face_crop(image, face, side)
        assert crop.shape == (1, 3, side, side)
        assert 0 <= crop.min() <= crop.max() <= 1


def test_a_crop_of_its_own_size_is_the_pixels():
    image = torch.rand(1, 3, 200, 200)
    face = Box(80, 80, 120, 120)
    box = head_box(face)
    assert torch.equal(face_crop(image, face, 64), image[:, :, box.y0 : box.y1, box.x0 : box.x1])


def test_a_crop_moves_and_scales_with_the_picture():
    image = torch.rand(1, 3, 240, 240)
    face = Box(90, 80, 130, 130)
    moved = face_crop(image.roll((7, 5), (2, 3)), face.shift(5, 7))
    assert torch.equal(moved, face_crop(image, face))
    double = F.interpolate(image, scale_factor=2, mode="nearest")
    assert torch.allclose(face_crop(double, face.scale(2, 2)), face_crop(image, face), atol=0.1)


@pytest.mark.parametrize(
    ("image", "face"),
    [
        (torch.rand(1, 3, 64, 64), Box(10, 10, 10, 20)),
        (torch.rand(1, 3, 64, 64), Box(20, 10, 10, 20)),
        (torch.rand(3, 64, 64), FACE),
        (torch.rand(1, 1, 64, 64), FACE),
        (torch.rand(1, 3, 0, 64), FACE),
    ],
)
def test_unusable_crops_are_refused(image, face):
    with pytest.raises(ImageError):
        face_crop(image, face)


# Embedders


def test_embeddings_are_unit_vectors_and_a_batch_is_its_items(embedder):
    crops = torch.rand(5, 3, 64, 64)
    vectors = embedder.embed(crops)
    assert vectors.shape == (5, 64)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(5), atol=1e-5)
    single = torch.cat([embedder.embed(crops[i : i + 1]) for i in range(5)])
    assert torch.allclose(vectors, single, atol=1e-5)
    assert not vectors.requires_grad


def test_embedders_take_crops_of_any_side(embedder):
    assert embedder.embed(torch.rand(2, 3, 150, 150)).shape == (2, 64)


def test_the_embedder_that_comes_with_the_pack_tells_painted_people_apart():
    generator = torch.Generator().manual_seed(9)
    people = sample_people(8, generator).repeat(2, 1)
    painting = paint(people, sample_scenes(16, generator))
    crops = [
        face_crop(painting.image[i : i + 1], Box(*painting.boxes[i]["face"])) for i in range(16)
    ]
    vectors = load_embedder("tiny").embed(torch.cat(crops))
    similarity = vectors[:8] @ vectors[8:].T
    assert torch.equal(similarity.argmax(dim=1), torch.arange(8))


@pytest.mark.parametrize(
    "crops", [torch.rand(3, 64, 64), torch.rand(0, 3, 64, 64), torch.full((1, 3, 64, 64), math.nan)]
)
def test_embedders_refuse_what_they_cannot_use(embedder, crops):
    with pytest.raises(ImageError):
        embedder.embed(crops)


def test_an_unknown_embedder_is_named():
    with pytest.raises(ConfigError, match="'insightface' is unknown; choose one of auto"):
        load_embedder("insightface")


def seen_by(*detectors: str) -> list[FaceAttributes]:
    box = Box(0, 0, 20, 20)
    return [FaceAttributes((40, 40), box, 0.9, detector=detector) for detector in detectors]


def test_who_tells_people_apart_goes_by_who_found_them():
    assert embedder_for(seen_by("tiny", "tiny", "own mask")).name == "tiny"
    if landmarks_available():
        assert embedder_for(seen_by("landmarks", "grounding-dino")).name == "landmarks"
        assert embedder_for(seen_by("own mask")).name == "landmarks"
    with pytest.raises(ConfigError, match="painted ones and some by landmarks.*name the"):
        embedder_for(seen_by("tiny", "landmarks"))


def test_the_landmarks_embedder_knows_a_person_again():
    pytest.importorskip("dlib")
    data = pytest.importorskip("skimage.data")
    picture = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)[None].float() / 255
    face = Box(179, 57, 273, 179)
    mirrored = Box(512 - face.x1, face.y0, 512 - face.x0, face.y1)
    embedder = LandmarksEmbedder()
    crops = [
        face_crop(picture, face, embedder.side),
        face_crop(picture.flip(3), mirrored, embedder.side),
        face_crop(F.interpolate(picture, scale_factor=0.5) * 0.7, face.scale(0.5, 0.5), 100),
        torch.full((1, 3, 256, 256), 0.5),
    ]
    vectors = torch.cat([embedder.embed(crop) for crop in crops])
    assert vectors.shape == (4, 128)
    to_first = vectors @ vectors[0]
    assert to_first[1:3].min() > 0.97
    assert to_first[3] < 0.9


# Metrics


def test_similarity_is_the_mean_cosine(embedder, photos):
    metrics = evaluate_identity(photos[:2], photos[2:4], photos[4:], embedder)
    crops = [face_crop(p.image, p.attributes.face) for p in photos]
    vectors = embedder.embed(torch.cat(crops))
    assert metrics.training == pytest.approx(float((vectors[:2] @ vectors[2:4].T).mean()), abs=1e-5)
    assert metrics.heldout == pytest.approx(float((vectors[:2] @ vectors[4:].T).mean()), abs=1e-5)
    assert metrics.count == 2


def test_a_copy_of_a_training_photo_is_called_one(embedder, photos):
    copied = evaluate_identity(photos[:1], photos[:3], photos[3:], embedder)
    honest = evaluate_identity(photos[3:4], photos[:3], photos[3:], embedder)
    assert copied.copy_paste > 0 > honest.copy_paste
    nearest = evaluate_identity(photos[:1], photos[:1], photos[3:4], embedder)
    assert nearest.training == pytest.approx(1, abs=1e-5)
    assert nearest.copy_paste == pytest.approx(1 - nearest.heldout, abs=1e-5)


def test_the_order_of_photos_does_not_matter(embedder, photos):
    one = evaluate_identity(photos[:1], photos[1:3], photos[3:], embedder)
    other = evaluate_identity(photos[:1], photos[2:0:-1], photos[:2:-1], embedder)
    assert one.copy_paste == pytest.approx(other.copy_paste, abs=1e-6)


def test_the_nearest_is_compared_at_equal_numbers():
    similarity = torch.rand(3, 5)
    for count in range(1, 6):
        subsets = [similarity[:, list(c)].amax(dim=1) for c in combinations(range(5), count)]
        assert torch.allclose(_nearest(similarity, count), torch.stack(subsets).mean(dim=0))


def test_what_is_not_given_is_nan(embedder, photos):
    metrics = evaluate_identity(photos[:1], photos[1:2], [], embedder)
    assert not math.isnan(metrics.training)
    assert all(math.isnan(v) for v in (metrics.heldout, metrics.copy_paste, metrics.background))


def test_background_change_counts_only_where_the_mask_is_zero(embedder, photos):
    original = photos[0].image
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    inside = face_photo(torch.where(mask > 0, 1 - original, original), FACE)
    assert evaluate_identity([inside], [], [], embedder, original, mask).background == 0
    outside = torch.where(mask > 0, original, (original + 0.5) % 1)
    assert background_change([outside], original, mask) == pytest.approx(0.5, abs=1e-5)
    # A soft edge is not background.
    assert background_change([inside.image], original, mask * 1e-3) == 0
    assert background_change([original, outside], original, mask) == pytest.approx(0.25, abs=1e-5)
    assert background_change([original], original) == 0
    assert math.isnan(background_change([outside], original, torch.ones_like(mask)))


def test_bad_input_is_named(embedder, photos):
    with pytest.raises(ConfigError, match="at least one"):
        evaluate_identity([], photos, photos, embedder)
    with pytest.raises(ImageError, match="one size"):
        background_change([torch.rand(1, 3, 64, 64)], photos[0].image)
    with pytest.raises(MaskError, match="64x64"):
        background_change([photos[0].image], photos[0].image, torch.zeros(1, 1, 64, 64))
    broken = face_photo(torch.full((1, 3, 64, 64), math.nan), Box(10, 10, 40, 40))
    with pytest.raises(ImageError, match="NaN"):
        evaluate_identity([broken], photos, [], embedder)


def test_a_missing_weight_file_is_an_asset_error(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "facea_core.evaluation.identity_encoder.asset", lambda name: tmp_path / name
    )
    with pytest.raises(AssetError):
        load_embedder("tiny")
