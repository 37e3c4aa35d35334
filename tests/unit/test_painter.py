"""Laws of the painter: the same numbers give the same picture, and everything is where it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from facea_core.synthetic import render
from facea_core.synthetic.backdrop import backdrop
from facea_core.synthetic.parameters import IDENTITY, SCENE
from facea_core.synthetic.sdf import circle, coverage

COUNT = 12


def _sample(count: int, seed: int = 3, *, busy: bool = False) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    people = render.sample_people(count, generator)
    return people, render.sample_scenes(count, generator, busy=busy)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small pictures gain nothing from threads that wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def painting() -> render.Painting:
    return render.paint(*_sample(COUNT))


def _middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def test_shapes_and_ranges(painting: render.Painting) -> None:
    assert painting.image.shape == (COUNT, 3, 128, 128)
    assert painting.image.dtype == torch.float32
    assert 0.0 <= float(painting.image.min()) < float(painting.image.max()) <= 1.0
    assert tuple(painting.masks) == render.PARTS
    for mask in painting.masks.values():
        assert mask.shape == (COUNT, 1, 128, 128)
        assert mask.dtype == torch.float32
        assert 0.0 <= float(mask.min()) <= float(mask.max()) <= 1.0


def test_same_seed_same_bytes_and_global_generator_untouched(painting: render.Painting) -> None:
    before = torch.random.get_rng_state()
    again = render.paint(*_sample(COUNT))
    assert torch.equal(again.image, painting.image)
    assert all(torch.equal(again.masks[part], painting.masks[part]) for part in render.PARTS)
    assert torch.equal(before, torch.random.get_rng_state())


def test_alone_equals_in_a_batch_bit_for_bit(painting: render.Painting) -> None:
    people, scenes = _sample(COUNT)
    for i in (0, 5, COUNT - 1):
        alone = render.paint(people[i : i + 1], scenes[i : i + 1])
        assert torch.equal(alone.image[0], painting.image[i])
        for part in render.PARTS:
            assert torch.equal(alone.masks[part][0], painting.masks[part][i])


@pytest.mark.parametrize("size", [50, 64])
def test_other_sizes_and_thread_counts(size: int) -> None:
    people, scenes = _sample(9)
    one = render.paint(people, scenes, size)
    try:
        torch.set_num_threads(2)
        two = render.paint(people, scenes, size)
    finally:
        torch.set_num_threads(1)
    assert one.image.shape == (9, 3, size, size)
    assert torch.equal(one.image, two.image)


def test_inputs_stay_untouched_and_wrong_shapes_are_refused() -> None:
    people, scenes = _sample(2)
    copies = people.clone(), scenes.clone()
    render.paint(people, scenes, 32)
    assert torch.equal(people, copies[0])
    assert torch.equal(scenes, copies[1])
    with pytest.raises(ValueError, match="people"):
        render.paint(people[:, :-1], scenes)
    with pytest.raises(ValueError, match="scenes"):
        render.paint(people, scenes[:1])
    assert render.paint(people[:0], scenes[:0], 32).image.shape == (0, 3, 32, 32)


def test_windows_cut_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    people, scenes = _sample(48, seed=8)
    chosen = [IDENTITY.index(name) for name in ("hair_style", "glasses", "beard", "freckles")]
    extreme = (people > 0.5).float()
    extreme[:, chosen] = people[:, chosen]
    scenes = (scenes > 0.5).float()
    cut = render.paint(extreme, scenes, 64)
    monkeypatch.setattr(render, "WINDOWS", dict.fromkeys(render.WINDOWS, (-1.0, -1.0, 1.0, 1.0)))
    whole = render.paint(extreme, scenes, 64)
    torch.testing.assert_close(cut.image, whole.image, rtol=0, atol=1e-5)
    for part in render.PARTS:
        assert torch.equal(cut.masks[part], whole.masks[part])


def test_features_lie_in_the_head(painting: render.Painting) -> None:
    head = torch.maximum(painting.masks["face"], painting.masks["hair"])
    near = torch.nn.functional.max_pool2d(head, 9, stride=1, padding=4) > 0.5
    for part in ("eyebrows", "eyes", "nose", "mouth"):
        inside = painting.masks[part] > 0.5
        assert inside.flatten(1).sum(1).min() > 8, part
        assert not (inside & ~near).any(), part
    assert (painting.masks["face"] + painting.masks["hair"]).max() <= 1.0 + 1e-6


def test_head_is_large_and_entirely_in_the_picture() -> None:
    painting = render.paint(*_sample(32), 64)
    for boxes in painting.boxes:
        tops = [boxes[part][1] for part in ("face", "hair") if part in boxes]
        height = (boxes["face"][3] - min(tops)) / 64
        assert 0.48 <= height <= 0.88  # the tallest is a bun
        assert boxes["face"][3] < 64


def test_boxes_enclose_exactly_what_is_visible(painting: render.Painting) -> None:
    for i, boxes in enumerate(painting.boxes):
        for part in render.PARTS:
            inside = painting.masks[part][i, 0] > 0.5
            assert (part in boxes) == bool(inside.any())
            if part in boxes:
                x0, y0, x1, y1 = boxes[part]
                assert inside[y0:y1, x0:x1].sum() == inside.sum()
                assert inside[y0].any()
                assert inside[y1 - 1].any()
                assert inside[:, x0].any()
                assert inside[:, x1 - 1].any()


def test_the_bald_have_no_hair() -> None:
    people, scenes = _sample(1)
    people[0, IDENTITY.index("hair_style")] = 0.0
    painting = render.paint(people, scenes)
    assert float(painting.masks["hair"].max()) == 0.0
    assert "hair" not in painting.boxes[0]
    assert render.describe_part(people[0], "hair") == "bald head"


def test_moving_the_head_moves_the_boxes() -> None:
    people, scenes = _sample(1)
    scenes = scenes.repeat(3, 1)
    scenes[:, SCENE.index("x")] = scenes[:, SCENE.index("y")] = 0.2
    scenes[1, SCENE.index("x")] = 0.9
    scenes[2, SCENE.index("y")] = 0.9
    still, right, low = render.paint(people.repeat(3, 1), scenes).boxes
    for part in ("face", "eyes", "nose", "mouth"):
        assert _middle(right[part])[0] > _middle(still[part])[0] + 5
        assert _middle(low[part])[1] > _middle(still[part])[1] + 3


@pytest.mark.parametrize(
    ("name", "part", "axis"),
    [
        ("head_width", "face", 0),
        ("mouth_width", "mouth", 0),
        ("nose_width", "nose", 0),
        ("nose_length", "nose", 1),
        ("eye_roundness", "eyes", 1),
        ("lower_lip", "mouth", 1),
    ],
)
def test_identity_shows_in_the_geometry(name: str, part: str, axis: int) -> None:
    people, scenes = (
        torch.full((2, render.IDENTITY_SIZE), 0.5),
        torch.full((2, render.SCENE_SIZE), 0.5),
    )
    people[:, IDENTITY.index("hair_style")] = 0.0
    people[:, IDENTITY.index("glasses")] = 0.0
    people[:, IDENTITY.index(name)] = torch.tensor([0.1, 0.9])
    small, large = (boxes[part] for boxes in render.paint(people, scenes).boxes)
    assert large[axis + 2] - large[axis] >= small[axis + 2] - small[axis] + 3


def test_people_differ_more_than_scenes_of_one_person() -> None:
    people, scenes = _sample(16, seed=4)
    # Only what a camera changes: with the pose fixed the pixels can be compared.
    for name in ("x", "y", "roll", "yaw", "scale"):
        scenes[:, SCENE.index(name)] = 0.5
    region = (slice(None), slice(None), slice(45, 100), slice(35, 93))
    others = render.paint(people, scenes[:1].repeat(16, 1)).image[region]
    same = render.paint(people[:1].repeat(16, 1), scenes).image[region]

    def spread(pictures: Tensor) -> float:
        return float((pictures - pictures.mean(0)).square().mean())

    assert spread(others) > 3.0 * spread(same)


def test_busy_backdrops_hold_more() -> None:
    _, calm = _sample(24, seed=6)
    busy = calm.clone()
    busy[:, SCENE.index("busy")] = 0.9
    line = torch.linspace(-1, 1, 64)

    def detail(scenes: Tensor) -> float:
        image = backdrop(scenes, line.view(1, 1, 1, -1), line.view(1, 1, -1, 1))
        return float(image.diff(dim=3).abs().mean() + image.diff(dim=2).abs().mean())

    assert detail(busy) > 1.3 * detail(calm)
    generator = torch.Generator().manual_seed(0)
    levels = render.sample_scenes(100, generator, busy=True)[:, SCENE.index("busy")]
    assert 0.6 <= float(levels.min()) <= float(levels.max()) <= 1.0


def test_every_caption_word_is_in_the_vocabulary() -> None:
    people, scenes = _sample(400, seed=9)
    vocabulary = set(render.VOCABULARY)
    assert len(vocabulary) == len(render.VOCABULARY)
    assert _words("man woman person face photo painting the a an of with and") <= vocabulary
    texts = [*render.describe_all(people), *render.describe_all(people, scenes)]
    for part in render.PARTS:
        texts += render.describe_part_all(people, part)
        assert render.describe_part(people[1], part) == texts[1 - len(people)]
    for text in texts:
        assert text == text.lower().strip()
        assert "  " not in text
        assert _words(text) <= vocabulary
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text), text
    with pytest.raises(KeyError):
        render.describe_part(people[0], "hand")


def test_captions_agree_with_the_labels(painting: render.Painting) -> None:
    people, scenes = _sample(COUNT)
    found = render.labels(people)
    assert list(found) == list(render.LABELS)
    for name, classes in found.items():
        assert classes.dtype == torch.int64
        assert classes.shape == (COUNT,)
        assert 0 <= int(classes.min()) <= int(classes.max()) < render.LABELS[name]
    for i, caption in enumerate(painting.captions):
        assert caption == render.describe(people[i], scenes[i])
        assert f"a photo of a {render.class_noun(people[i])} with " in caption
        assert ("glasses" in caption) == bool(found["glasses"][i])
    women = found["gender"] == 1
    assert not found["beard"][women].any()


def test_geometry_is_the_visible_numbers() -> None:
    people, _ = _sample(200)
    shape = render.geometry(people)
    assert shape.shape == (200, len(render.GEOMETRY))
    column = render.GEOMETRY.index("mouth_width")
    assert torch.equal(shape[:, column], people[:, IDENTITY.index("mouth_width")])
    bald = render.labels(people)["hair_style"] == 0
    assert (shape[bald, render.GEOMETRY.index("hairline")] == 0.5).all()


def test_coverage_is_the_share_of_a_pixel() -> None:
    line = (torch.arange(64) + 0.5) / 32 - 1
    disc = circle(line.view(1, -1), line.view(-1, 1), 0.5)
    area = float(coverage(disc, torch.tensor(2 / 64)).sum()) * (2 / 64) ** 2
    assert area == pytest.approx(torch.pi * 0.25, rel=1e-3)
