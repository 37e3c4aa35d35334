"""A set of one person that another program paints: hashes, what is said, words painted twice."""

from dataclasses import replace

import pytest
import torch

from facea_core.composing import ComposeConfig, TargetFace
from facea_core.dataset import (
    DatasetConfig,
    Host,
    Sampled,
    Shared,
    hash_of_identity,
    hosts_of,
    kept_images,
    painter_by,
    person_photos,
    require_pictures,
    set_figures,
    shortage,
)
from facea_core.dataset.people import Band
from facea_core.dataset.values import Rejected
from facea_core.demo import draw_cast
from facea_core.detection import load_detector
from facea_core.errors import NoFaceError
from facea_core.io.generated_images import generated_bytes
from facea_core.io.images import from_pil, to_pil
from facea_core.types import DetectedFaces, Identity, IdentityMeta, LoraWeights, Word

from .small_set import smooth

META = IdentityMeta("facea-tiny", "0" * 16, "woman", "a photo of embedding:ada/eyes", 1, 0, 4)


def ada(scale: float = 1.0) -> Identity:
    word = Word("ada/eyes", "eyes", "eyes", {"clip_l": torch.full((1, 8), scale)})
    lora = {"mid.attn1.to_q": LoraWeights(torch.zeros(4, 8), torch.full((8, 4), scale), 4.0)}
    return Identity("ada", (word,), lora, META)


def shared(count: int = 4, **settings: float) -> Shared:
    config = DatasetConfig(count=count, **settings)  # pyright: ignore[reportArgumentType]
    band = Band(0.75, 0.98, 0.6, "usual")
    return Shared(config, (), (), {}, ("ada",), torch.eye(1), band, 128, "tiny", "0" * 16)


def rejected(*reasons: str) -> Sampled:
    said = tuple(Rejected("ada", "host 1", 0, {}, reason) for reason in reasons)
    return Sampled((), (), said, ("any: 3 paintings",), {"tries": float(len(said))})


def test_the_hash_is_that_of_what_paints():
    assert hash_of_identity(ada()) == hash_of_identity(ada())
    others = [ada(2.0), replace(ada(), name="eva"), replace(ada(), words=())]
    others.append(replace(ada(), meta=replace(META, prompt="a photo of her")))
    assert len({hash_of_identity(one) for one in [ada(), *others]}) == 5
    assert hash_of_identity(replace(ada(), meta=replace(META, created="today"))) == (
        hash_of_identity(ada())
    )


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("unlike the person (0.412)", "Set lower below 0.750"),
        ("a copy by likeness (0.990)", "Set upper above 0.980"),
        ("a copy of picture 2 (0.990)", "Give more and other host pictures"),
        ("the same look as a picture that is kept", "Give more and other host pictures"),
        ("2 faces", "one large, clear face"),
        ("the face is not where the host's was", "one large, clear face"),
    ],
)
def test_it_says_why_nothing_is_there_and_what_to_change(reason: str, advice: str):
    made = rejected("blurred (3.00)", reason, reason)
    with pytest.raises(NoFaceError, match=r"0 of 4 pictures passed; of 3 paintings") as raised:
        require_pictures(made, shared())
    assert advice in str(raised.value)
    assert "(2 times)" in str(raised.value)
    assert set_figures(made, shared())["short"] == ["any: 3 paintings"]


def test_a_reading_that_rejects_can_be_turned_off():
    said = shortage(rejected("yaw is left"), replace(shared(), config=DatasetConfig(strict=True)))
    assert "Turn strict off" in said


def test_pictures_are_those_of_their_files():
    jpeg, _ = generated_bytes(smooth(1), "JPEG", quality=95)
    (image,) = kept_images(Sampled((), (jpeg,)))
    assert image.shape == (1, 3, 160, 160)
    assert float((image - smooth(1)).abs().mean()) < 0.02
    assert torch.equal(image, from_pil(to_pil(image)))


def test_photos_and_hosts_are_those_with_a_face():
    cast, detector = draw_cast(3, 128, 2), load_detector("tiny")
    empty = torch.full((1, 3, 128, 128), 0.5)
    pictures = [*cast.photos.image.split(1), empty]
    photos, notes = person_photos(pictures, None, detector)
    assert len(photos) == 2
    assert notes == ["photo 3 left out: no face was found in it"]
    found = DetectedFaces("face", ((photos[0].attributes,), (), ()))
    assert person_photos(pictures, found, detector)[0][0].attributes is photos[0].attributes
    with pytest.raises(NoFaceError, match="none of the 1 photos"):
        person_photos([empty], None, detector)
    hosts, notes = hosts_of(pictures, detector, 128)
    assert [host.name for host in hosts] == ["host 1", "host 2"]
    assert [note.partition(":")[0] for note in notes] == ["host 3 left out"]


def test_words_about_a_part_are_painted_a_second_time_by_whatever_composes():
    cast, detector = draw_cast(3, 128, 1), load_detector("tiny")
    (host,), _ = hosts_of([cast.photos.image[:1]], detector, 128)
    painted: list[TargetFace] = []
    seeds: list[int] = []

    def compose(image: torch.Tensor, face: TargetFace, how: ComposeConfig) -> torch.Tensor:
        painted.append(face)
        seeds.append(how.seed)
        return image

    paint = painter_by(compose, ada(), detector, ComposeConfig())
    assert isinstance(host, Host)
    image, keep = host.read()
    made = paint(host, image, keep, ("smiling", "in the rain"), 7)
    assert torch.equal(made, image)
    whole, part = painted
    assert seeds == [7, 7]
    assert whole.prompt == "a photo of embedding:ada/eyes, smiling, in the rain"
    assert whole.edit is None
    assert part.edit is not None
    assert part.identity is not None
    assert part.prompt.endswith("smiling")
    assert 0 < float(part.mask.sum()) < float(whole.mask.sum())
