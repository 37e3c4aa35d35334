"""A step in every way that saves memory: in pieces, computed twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone
from facea_core.backbone.prompts import TextEncoders
from facea_core.errors import BackboneError
from facea_core.identity import learnable_words
from facea_core.training import loop
from facea_core.training.gpu.footprint import checkpointed, on_device

from .training import assert_close, train


def test_what_the_model_keeps_is_the_same_in_pieces(backbone: Backbone):
    options = {"steps": 2, "prior_extra": 3, "prompt_drop": 0.0}
    whole, reports = train(backbone, **options)
    for micro_batch in (1, 5):
        spared, others = train(backbone, micro_batch=micro_batch, **options)
        assert_close(whole, spared)
        for mine, theirs in zip(reports, others, strict=True):
            assert mine.task_losses == pytest.approx(theirs.task_losses, rel=1e-4, abs=1e-9)
    # Before anything is learned the model paints what it paints.
    assert reports[0].task_losses["prior"] == pytest.approx(0, abs=1e-9)
    assert reports[1].task_losses["prior"] > 0


@pytest.mark.parametrize("way", [{"micro_batch": 3}, {"checkpointing": "on"}])
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
