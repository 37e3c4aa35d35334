"""A step in every way that it can be run: in pieces, computed twice, out of memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.backbone.prompts import TextEncoders
from facea_core.errors import BackboneError, TrainingError
from facea_core.identity import learnable_words, load_identity, save_identity
from facea_core.machine import is_out_of_memory
from facea_core.training import TrainConfig, loop, train_identity
from facea_core.training.gpu.footprint import checkpointed, on_device
from facea_core.training.state import saved_step
from facea_core.types import Identity, StepReport

from .photos import make_photo

CONFIG = TrainConfig(
    attributes="eyes,mouth", steps=4, batch=4, rank=2, variants=1, report_every=1, save_every=1
)


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return replace(backbone, spec=replace(backbone.spec, resolution=32))


def train(backbone: Backbone, **options) -> tuple[Identity, list[StepReport]]:
    reports: list[StepReport] = []
    passed = {key: options.pop(key) for key in ("run_dir", "resume", "previewer") if key in options}
    identity = train_identity(
        [make_photo()], backbone, replace(CONFIG, **options), on_step=reports.append, **passed
    )
    return identity, reports


@pytest.fixture(scope="module")
def whole() -> tuple[Identity, list[StepReport]]:
    """The run that nothing disturbs."""
    backbone = random_backbone(0)
    return train(replace(backbone, spec=replace(backbone.spec, resolution=32)))


def assert_close(one: Identity, other: Identity) -> None:
    assert one.lora.keys() == other.lora.keys()
    for layer, weights in one.lora.items():
        torch.testing.assert_close(weights.up, other.lora[layer].up, atol=2e-5, rtol=1e-2)
    for mine, theirs in zip(one.words, other.words, strict=True):
        torch.testing.assert_close(mine.vectors, theirs.vectors, atol=2e-5, rtol=1e-3)


# Ways to save memory


@pytest.mark.parametrize("way", [{"micro_batch": 1}, {"micro_batch": 3}, {"checkpointing": "on"}])
def test_saving_memory_learns_the_same(backbone: Backbone, whole, way: dict):
    identity, reports = whole
    spared, others = train(backbone, **way)
    assert_close(identity, spared)
    for mine, theirs in zip(reports, others, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-5)
    assert reports[0].plan != others[0].plan
    assert reports[0].mode == "eager: no CUDA graphs on cpu"


def test_no_more_pictures_are_on_their_way_than_asked(backbone: Backbone):
    sizes = []
    handle = backbone.unet.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    train(backbone, steps=2, micro_batch=3, local_extra=1)
    handle.remove()
    assert sizes == [3, 2] * 2


def test_checkpointing_keeps_less_and_is_switched_off_again(backbone: Backbone):
    flags = {n: vars(m).copy() for n, m in backbone.unet.named_modules()}
    kept = []
    x = torch.randn(2, 9, 8, 8, requires_grad=True)
    for wanted in (False, True):
        total = 0

        def pack(tensor: Tensor) -> Tensor:
            nonlocal total
            total += tensor.nbytes
            return tensor

        with (
            checkpointed(backbone.unet, wanted),
            torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        ):
            output = backbone.unet(x, 7, torch.randn(2, 7, 128)).sample
        kept.append(total)
        del output
    assert kept[1] < kept[0] / 2
    after = {n: vars(m) for n, m in backbone.unet.named_modules()}
    for name, before in flags.items():
        for key in ("gradient_checkpointing", "_gradient_checkpointing_func"):
            assert after[name].get(key) is before.get(key)


def test_a_module_comes_back_from_another_device():
    module = nn.Linear(2, 2)
    with on_device("meta", module):
        assert module.weight.is_meta
        # What is on meta has no values to come back with: only where it is counts here.
        module.to_empty(device="cpu")
    assert module.weight.device.type == "cpu"


def test_another_resolution_is_learned_on(backbone: Backbone):
    shapes = set()
    handle = backbone.unet.register_forward_pre_hook(
        lambda _, inputs: shapes.add(tuple(inputs[0].shape[-2:]))
    )
    train(backbone, steps=1, resolution=64)
    handle.remove()
    assert shapes == {(8, 8)}


def test_words_that_do_not_learn_are_read_once(backbone: Backbone):
    calls = []
    (encoder,) = backbone.text.encoders.values()
    handle = encoder.register_forward_pre_hook(lambda *_: calls.append(None))
    identity, _ = train(backbone, embedding_lr=0.0)
    handle.remove()
    assert len(calls) == 1
    starts = learnable_words(backbone, "person", attribute_table("eyes,mouth")).values()
    for word in identity.words:
        assert torch.equal(word.vectors["clip_l"], starts[f"{word.placeholder}.clip_l"])
    assert all(weights.up.any() for weights in identity.lora.values())


def test_words_that_do_not_learn_are_prepared_where_they_are_read(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
):
    """The encoder is put away for the training, on a GPU into other memory."""
    there, prepared, prepare = [], [], TextEncoders.prepare

    @contextmanager
    def watched(device, *modules: nn.Module) -> Iterator[None]:
        there.extend(modules)
        with on_device(device, *modules):
            yield
        there.clear()

    def watched_prepare(self: TextEncoders, prompts, words=None):
        prepared.append(all(encoder in there for encoder in self.encoders.values()))
        return prepare(self, prompts, words)

    monkeypatch.setattr(loop, "on_device", watched)
    monkeypatch.setattr(TextEncoders, "prepare", watched_prepare)
    train(backbone, embedding_lr=0.0)
    assert prepared == [True]


def test_a_model_without_mask_channels_is_refused_unless_asked_for(backbone: Backbone):
    plain = replace(backbone, spec=replace(backbone.spec, inpainting=False))
    with pytest.raises(BackboneError, match="no mask channels.*masked_latent"):
        train(plain)


# Out of memory


def out_of_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@contextmanager
def failing(register: Callable, at: int) -> Iterator[list[None]]:
    """Memory runs out at the call number `at` of whatever `register` hooks, once."""
    calls: list[None] = []

    def hook(*_) -> None:
        calls.append(None)
        if len(calls) == at:
            out_of_memory()

    handle = register(hook)
    try:
        yield calls
    finally:
        handle.remove()


def in_forward(backbone: Backbone) -> Callable:
    return backbone.unet.mid_block.register_forward_pre_hook


def in_backward(backbone: Backbone) -> Callable:
    return backbone.unet.mid_block.register_full_backward_hook


def in_update(_: Backbone) -> Callable:
    return register_optimizer_step_pre_hook


@pytest.mark.parametrize(("where", "at"), [(in_forward, 1), (in_backward, 3), (in_update, 4)])
def test_a_run_that_runs_out_of_memory_goes_on_and_loses_no_step(
    backbone: Backbone, whole, tmp_path: Path, where: Callable, at: int
):
    with failing(where(backbone), at):
        identity, reports = train(backbone, run_dir=tmp_path / "run")
    # Every step is reported once: none is lost, none is done twice.
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert "out of memory" in reports[-1].plan
    assert "2 at once" in reports[-1].plan
    assert_close(identity, whole[0])
    proof = save_identity(identity, tmp_path / "person.safetensors")
    assert proof.endswith("2/2 words")
    assert load_identity(tmp_path / "person.safetensors").name == "person"
    assert saved_step(tmp_path / "run") == 4


@contextmanager
def small_autoencoder(backbone: Backbone, most: int) -> Iterator[list[int]]:
    """There is no memory to encode a picture of more than `most` pixels a side."""
    sides: list[int] = []

    def hook(_, inputs) -> None:
        sides.append(inputs[0].shape[-1])
        if sides[-1] > most:
            out_of_memory()

    handle = backbone.vae.encoder.register_forward_pre_hook(hook)
    try:
        yield sides
    finally:
        handle.remove()


def test_photos_that_do_not_fit_are_made_smaller_and_nothing_else_is_given_up(backbone: Backbone):
    """Neither fewer at once nor checkpointing helps an autoencoder that takes one at a time."""
    large = replace(backbone, spec=replace(backbone.spec, resolution=288))
    with small_autoencoder(large, 192) as sides:
        _, reports = train(large, steps=2)
    assert list(dict.fromkeys(sides)) == [288, 256, 192]
    assert sides.count(288) == sides.count(256) == 1
    assert reports[-1].plan.startswith("facea-tiny 192 px, 4 pictures; about")
    assert reports[-1].plan.count("out of memory with") == 2


def test_after_smaller_photos_a_step_gives_up_what_a_step_can(backbone: Backbone):
    large = replace(backbone, spec=replace(backbone.spec, resolution=192))
    with small_autoencoder(large, 128) as sides, failing(in_forward(large), 1):
        _, reports = train(large, steps=1)
    assert sides[0] == 192
    assert set(sides[1:]) == {128}
    assert reports[-1].plan.startswith("facea-tiny 128 px, 4 pictures, 2 at once; about")


@pytest.mark.parametrize("options", [{"resolution": 64}, {}])
def test_photos_that_fit_in_no_way_are_an_error_at_once(backbone: Backbone, options: dict):
    said = pytest.raises(TrainingError, match="memory ran out.*px")
    with small_autoencoder(backbone, 8) as sides, said:
        train(backbone, **options)
    assert len(sides) == 1


def test_without_a_run_directory_it_goes_on_as_well(backbone: Backbone, whole):
    with failing(in_forward(backbone), 3):
        identity, reports = train(backbone)
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert_close(identity, whole[0])


def test_what_was_learned_at_one_resolution_goes_on_at_a_lower_one(backbone: Backbone):
    sides = []
    note = backbone.unet.register_forward_pre_hook(lambda _, x: sides.append(x[0].shape[-1]))
    spec = replace(backbone.spec, resolution=128)
    large = replace(backbone, spec=spec)
    options = {"micro_batch": 4, "checkpointing": "off", "steps": 2}
    with failing(in_forward(backbone), 2):
        _, reports = train(large, **options)
    note.remove()
    assert [report.step for report in reports] == [1, 2]
    assert sides == [16, 16, 8]


def test_when_nothing_cheaper_is_left_it_says_so_and_keeps_the_state(
    backbone: Backbone, whole, tmp_path: Path
):
    def always(*_) -> None:
        if saved_step(tmp_path) == 2:
            out_of_memory()

    handle = backbone.unet.mid_block.register_forward_pre_hook(always)
    with pytest.raises(TrainingError, match=r"memory ran out.*CUDA out of memory.*lower"):
        train(backbone, run_dir=tmp_path)
    handle.remove()
    assert saved_step(tmp_path) == 2
    identity, _ = train(backbone, run_dir=tmp_path, resume=True)
    assert_close(identity, whole[0])


def test_a_resumed_run_goes_on_in_the_way_it_was_run(backbone: Backbone, tmp_path: Path):
    with failing(in_forward(backbone), 2):
        _, reports = train(backbone, steps=2, run_dir=tmp_path)
    _, again = train(backbone, steps=2, run_dir=tmp_path, resume=True)
    assert again == []
    assert "2 at once" in reports[-1].plan


def test_a_resumed_run_does_what_is_stated_by_then(backbone: Backbone, tmp_path: Path):
    def stop(*_) -> None:
        if saved_step(tmp_path) == 1:
            raise KeyboardInterrupt

    handle = backbone.unet.mid_block.register_forward_pre_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        train(backbone, run_dir=tmp_path)
    handle.remove()
    _, reports = train(backbone, run_dir=tmp_path, resume=True, micro_batch=1, checkpointing="on")
    assert [report.step for report in reports] == [2, 3, 4]
    assert "1 at once, checkpointing" in reports[-1].plan


def test_previews_are_given_up_before_the_run_is(backbone: Backbone):
    painted = []

    def previewer(words) -> Tensor:
        painted.append(None)
        out_of_memory()
        return torch.zeros(1)

    _, reports = train(backbone, previewer=previewer, preview_every=1)
    assert len(painted) == 1
    assert [report.previews for report in reports] == [None] * 4
    assert "no previews" in reports[-1].plan
    assert "at once" not in reports[-1].plan


def test_what_counts_as_out_of_memory():
    for error in (
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to"),
    ):
        assert is_out_of_memory(error)
    for error in (RuntimeError("shape mismatch"), KeyboardInterrupt(), ValueError("out of memory")):
        assert not is_out_of_memory(error)
