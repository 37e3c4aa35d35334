"""Asking Grounding-DINO: phrases alone, boxes in the picture's pixels, faces first."""

from contextlib import suppress

import pytest
import torch
import transformers
from torch import Tensor

from facea_core.detection.base import FACE
from facea_core.detection.grounding.detector import GroundingDinoDetector, candidates, view_of
from facea_core.detection.grounding.grounder import (
    LEAST,
    SHORTEST,
    Answer,
    LazyGrounder,
    TransformersGrounder,
    caption,
    load_grounder,
    load_tokenizer,
    one_view,
    prepare,
    read_answer,
    size_for,
)
from facea_core.detection.load import FirstFinding, load_detector
from facea_core.errors import AssetError, ConfigError
from facea_core.types import Box

from .grounding import save_small, see_less, small_model

PHRASES = ("face", "eyes", "strange eyeglasses", "mouth")


@pytest.fixture(autouse=True)
def small_views(monkeypatch):
    see_less(monkeypatch)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer()


@pytest.fixture
def view() -> Tensor:
    return torch.rand(1, 3, 60, 80, generator=torch.Generator().manual_seed(5))


def assert_same(answers, others, tolerance: float) -> None:
    assert len(answers) == len(others)
    for one, other in zip(answers, others, strict=True):
        torch.testing.assert_close(one.scores, other.scores, atol=tolerance, rtol=0)
        torch.testing.assert_close(one.boxes, other.boxes, atol=tolerance, rtol=0)


@pytest.mark.parametrize("batch", [2, 3, 4, 9])
def test_phrases_in_a_batch_answer_as_alone(model, tokenizer, view, batch):
    """Padding and neighbours change nothing."""
    alone = [TransformersGrounder(model, tokenizer, batch=1).ask(view, [p])[0] for p in PHRASES]
    together = TransformersGrounder(model, tokenizer, batch=batch).ask(view, PHRASES)
    assert_same(together, alone, 1e-5)
    assert any((a.boxes != b.boxes).any() for a, b in zip(alone, alone[1:], strict=False))


def test_the_picture_is_seen_once_per_batch(model, tokenizer, view):
    """Sharing the backbone's features changes nothing, and the model is given back as it was."""
    tokens = tokenizer([caption(one) for one in PHRASES[:2]], padding=True, return_tensors="pt")
    pixels = prepare(view)
    seen: list[int] = []
    backbone = model.model.backbone
    hook = backbone.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    with torch.no_grad():
        plain = model(pixels.expand(2, -1, -1, -1), **tokens)
        with one_view(model):
            shared = model(pixels.expand(2, -1, -1, -1), **tokens)
    hook.remove()
    assert seen == [2, 1]
    assert model.model.backbone is backbone
    torch.testing.assert_close(shared.pred_boxes, plain.pred_boxes, atol=1e-6, rtol=0)
    torch.testing.assert_close(shared.logits, plain.logits, atol=1e-5, rtol=1e-5)


def test_an_error_inside_gives_the_model_back(model):
    backbone = model.model.backbone
    with suppress(RuntimeError), one_view(model):
        raise RuntimeError
    assert model.model.backbone is backbone


def test_bfloat16_answers_like_float32(tokenizer, view):
    expected = TransformersGrounder(small_model(), tokenizer).ask(view, PHRASES)
    halved = TransformersGrounder(small_model().bfloat16(), tokenizer).ask(view, PHRASES)
    for one, other in zip(expected, halved, strict=True):
        assert one.boxes.dtype == other.boxes.dtype == torch.float32
        assert abs(one.scores.max() - other.scores.max()) < 0.05


def test_a_cancel_comes_out_of_the_middle_of_a_pass(model, tokenizer, view):
    calls = []

    def count() -> None:
        calls.append(1)
        if len(calls) == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TransformersGrounder(model, tokenizer, on_work=count).ask(view, PHRASES)
    assert len(calls) == 40
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_answers_are_what_transformers_reads_from_the_same_numbers(model, tokenizer, view):
    """Its keyword was `box_threshold` and is `threshold`: whichever this version has."""
    with torch.no_grad():
        tokens = tokenizer(["face."], return_tensors="pt")
        seen = model(prepare(view), **tokens)
    answer = read_answer(seen.logits[0], seen.pred_boxes[0])
    processor = transformers.GroundingDinoProcessor.__new__(transformers.GroundingDinoProcessor)
    processor.tokenizer = tokenizer
    read = processor.post_process_grounded_object_detection
    threshold = float(answer.scores.median())
    keyword = "threshold" if "threshold" in read.__code__.co_varnames else "box_threshold"
    (theirs,) = read(seen, tokens["input_ids"], **{keyword: threshold}, target_sizes=[(60, 80)])
    kept = answer.scores > threshold
    scores, order = theirs["scores"].sort(descending=True, stable=True)
    torch.testing.assert_close(answer.scores[kept], scores)
    centre, half = answer.boxes[kept].split(2, dim=1)
    corners = torch.cat([centre - half / 2, centre + half / 2], dim=1)
    torch.testing.assert_close(corners * torch.tensor([80, 60, 80, 60]), theirs["boxes"][order])


def test_padding_after_a_phrase_has_no_score():
    logits = torch.tensor([[-1.0, 2.0, float("-inf")], [0.0, -3.0, float("-inf")]])
    answer = read_answer(logits, torch.tensor([[0.1] * 4, [0.2] * 4]))
    torch.testing.assert_close(answer.scores, torch.tensor([2.0, 0.0]).sigmoid())
    assert answer.boxes[:, 0].tolist() == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((800, 800), (800, 800)),
        ((512, 512), (800, 800)),
        ((400, 600), (800, 1200)),
        ((600, 400), (1200, 800)),
        ((1080, 1920), (750, 1333)),
        ((100, 1000), (133, 1330)),
        ((16, 4096), (64, 16384)),
        ((4000, 1), (16384, 64)),
    ],
)
def test_the_sides_the_model_was_trained_with(size, expected):
    assert size_for(size) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("shortest", [LEAST, SHORTEST])
def test_every_shape_has_places_enough_for_the_model_s_queries(shortest):
    """900 of them, on four maps of an eighth of the view's side and half of the one before."""
    for high, wide in ((1, 1), (16, 4096), (4096, 16), (30, 500), (20, 21), (3, 100), (16, 333)):
        size = size_for((high, wide), shortest)
        maps = [(-(-size[0] // step), -(-size[1] // step)) for step in (8, 16, 32, 64)]
        places = sum(rows * columns for rows, columns in maps)
        assert 900 <= places <= 25_000, (high, wide)


def test_a_smaller_view_is_smaller_on_both_sides():
    assert size_for((100, 100), 480) == (480, 480)
    assert size_for((100, 400), 480) == pytest.approx((200, 800), abs=1)


def test_captions_are_lower_case_with_a_stop():
    assert caption(" Eyes ") == caption("eyes.") == caption("EYES .") == "eyes."


def test_boxes_come_back_in_the_picture_s_pixels():
    view = Box(100, 50, 300, 150)
    boxes = torch.tensor([[0.5, 0.5, 1.0, 1.0], [0.25, 0.5, 0.1, 0.2], [0.5, 0.5, 0.0, 0.1]])
    found = candidates(Answer(boxes, torch.tensor([0.9, 0.4, 0.3])), view)
    assert [box for box, _ in found] == [Box(100, 50, 300, 150), Box(140, 90, 160, 110)]
    assert [score for _, score in found] == pytest.approx([0.9, 0.4])
    assert candidates(Answer(boxes, torch.tensor([0.09, 0.04, 0.03])), view) == []


class Written:
    """Two faces in a 200x100 picture; remembers what it was asked in which view."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], tuple[str, ...], int]] = []

    def ask(self, view, phrases, shortest):
        self.asked.append((tuple(view.shape[-2:]), tuple(phrases), shortest))
        if view.shape[-1] == 200:
            boxes = torch.tensor([[0.2, 0.5, 0.2, 0.4], [0.8, 0.5, 0.1, 0.3], [0.5, 0.5, 1, 1]])
            return [Answer(boxes, torch.tensor([0.9, 0.6, 0.2]))] * len(phrases)
        return [Answer(torch.tensor([[0.5, 0.5, 0.5, 0.2]]), torch.tensor([0.7]))] * len(phrases)


def test_parts_are_asked_around_each_face_that_is_sure():
    asked = Written()
    found = GroundingDinoDetector(asked).detect(torch.rand(1, 3, 100, 200), (FACE, "eyes", "nose"))
    assert asked.asked == [
        ((100, 200), (FACE,), 800),
        ((80, 80), ("eyes", "nose"), 480),
        ((60, 60), ("eyes", "nose"), 480),
    ]
    faces = [one for one in found if one.phrase == FACE]
    assert [one.box for one in faces] == [
        Box(20, 30, 60, 70),
        Box(150, 35, 170, 65),
        Box(0, 0, 200, 100),
    ]
    eyes = [one.box for one in found if one.phrase == "eyes"]
    assert eyes == [Box(20, 42, 60, 58), Box(145, 44, 175, 56)]
    assert {one.source for one in found} == {"grounding-dino"}


def test_only_what_was_asked_comes_back_and_faces_alone_need_one_look():
    asked = Written()
    detector = GroundingDinoDetector(asked)
    image = torch.rand(1, 3, 100, 200)
    assert {one.phrase for one in detector.detect(image, ("nose",))} == {"nose"}
    asked.asked.clear()
    assert {one.phrase for one in detector.detect(image, (FACE,))} == {FACE}
    assert len(asked.asked) == 1


def test_the_view_of_a_face_stays_in_the_picture():
    assert view_of(Box(40, 40, 60, 70), (100, 100)) == Box(20, 25, 80, 85)
    assert view_of(Box(0, 0, 50, 50), (60, 60)) == Box(0, 0, 60, 60)


def test_a_model_is_loaded_at_the_first_question(tmp_path, view):
    loads = []

    def load():
        loads.append(1)
        return load_grounder(save_small(tmp_path / "small"))

    lazy = LazyGrounder(load)
    assert loads == []
    first = lazy.ask(view, ["face"])
    assert_same(lazy.ask(view, ["face"]), first, 0)
    assert loads == [1]


def test_detectors_are_chosen_by_name_and_by_what_is_on_disk(tmp_path, monkeypatch):
    folder = save_small(tmp_path / "small")
    assert load_detector("tiny").name == "tiny"
    assert load_detector("Grounding-DINO ", folders=[tmp_path]).name == "grounding-dino"
    assert load_detector("auto", model=folder).name == "grounding-dino"
    with_weights = load_detector("auto", folders=[tmp_path])
    without = load_detector("auto", folders=[])
    assert isinstance(with_weights, FirstFinding)
    assert isinstance(without, FirstFinding)
    names = [one.name for one in with_weights.detectors]
    assert [name for name in names if name != "grounding-dino"] == [
        one.name for one in without.detectors
    ]
    assert names[-2:] == ["grounding-dino", "tiny"]
    assert names[0] == "mesh"
    monkeypatch.setattr("facea_core.detection.load.landmarks_available", lambda: False)
    bare = load_detector("auto", folders=[])
    assert isinstance(bare, FirstFinding)
    assert [one.name for one in bare.detectors] == ["mesh", "tiny"]
    with pytest.raises(AssetError, match="no Grounding-DINO weights in .*nowhere; put"):
        load_detector("grounding-dino", folders=[tmp_path / "nowhere"])
    with pytest.raises(ConfigError, match="'dlib'.*landmarks.*grounding-dino"):
        load_detector("dlib")


def test_a_loaded_detector_searches_a_picture(tmp_path):
    """From a folder on disk to detections, with random weights: anything but an error."""
    folder = save_small(tmp_path / "small")
    detector = load_detector(model=folder)
    image = torch.rand(1, 3, 90, 120)
    found = detector.detect(image, (FACE, "eyes"))
    assert found
    assert {one.phrase for one in found} <= {FACE, "eyes"}
    assert all(0 <= one.score <= 1 and one.box.area > 0 for one in found)
