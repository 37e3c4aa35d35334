"""The penalty on what a LoRA changes outside the hole, and the share of local tasks over a run."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.identity.adapters import frozen
from facea_core.identity.lora import Lora, lora
from facea_core.training import TrainConfig, train_identity
from facea_core.training.draws import Rows, draw_step, local_share
from facea_core.training.outside import Outside, watching
from facea_core.types import Box, FaceAttributes, Identity, Photo

SIDE = 4
CONFIG = TrainConfig(
    attributes="face", steps=4, batch=4, rank=2, variants=2, local_ratio=0.0, context=4.0
)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    backbone = random_backbone(0)
    return replace(backbone, spec=replace(backbone.spec, resolution=32))


@pytest.fixture
def watched(backbone: Backbone) -> Iterator[tuple[Lora, Outside]]:
    with frozen(*backbone.modules), lora(backbone.unet, 2) as adapter, watching(adapter) as outside:
        assert outside is not None
        yield adapter, outside


def look(backbone: Backbone, adapter: Lora, outside: Outside, mask: Tensor) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    count = len(mask)
    latent = torch.randn(count, 4, SIDE, SIDE, generator=draw)
    conditioning = backbone.encode_prompts(["a photo"] * count)
    adapter.bind()
    with outside.looking(mask):
        backbone.predict(latent, torch.full((count,), 500), conditioning, mask, latent)
        return outside.share()


def stir(adapter: Lora) -> None:
    with torch.no_grad():
        adapter.flat.parameter.normal_(generator=torch.Generator().manual_seed(2))


def test_an_untrained_lora_changes_nothing_and_its_gradient_is_a_number(backbone, watched):
    adapter, outside = watched
    share = look(backbone, adapter, outside, torch.zeros(1, 1, SIDE, SIDE))
    assert share.tolist() == [0]
    share.sum().backward()
    assert adapter.flat.parameter.grad is not None
    assert adapter.flat.parameter.grad.isfinite().all()


def test_only_what_lies_outside_the_hole_counts(backbone, watched):
    adapter, outside = watched
    stir(adapter)
    mask = torch.zeros(3, 1, SIDE, SIDE)
    mask[1, :, :, : SIDE // 2] = 1
    mask[2] = 1
    nothing, half, everything = look(backbone, adapter, outside, mask).tolist()
    assert nothing > 0
    assert half > 0
    assert everything == 0


def test_the_share_is_that_of_the_frozen_layer(watched):
    adapter, outside = watched
    stir(adapter)
    adapter.bind()
    layer = next(layer for path, layer in adapter.layers.items() if path.endswith(".to_out.0"))
    x = torch.randn(1, SIDE * SIDE, layer.base.weight.shape[1])
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., :2] = 1
    with outside.looking(mask):
        y, share = layer(x), outside.share()
    out = mask.flatten() == 0
    frozen_y = layer.base(x)
    wanted = (y - frozen_y)[:, out].norm() / frozen_y[:, out].norm()
    torch.testing.assert_close(share, wanted[None])


def make_photo() -> Photo:
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    return Photo(image, FaceAttributes((128, 128), Box(56, 56, 70, 72), 0.9))


def learn(backbone: Backbone, **changes) -> Identity:
    config = replace(CONFIG, **changes)
    return train_identity([make_photo()], backbone, config)


def test_in_pieces_or_computed_twice_it_is_the_same_penalty(backbone):
    whole = learn(backbone, outside_penalty=1.0)
    for changes in ({"micro_batch": 1}, {"checkpointing": "on"}):
        other = learn(backbone, outside_penalty=1.0, **changes)
        for path, weights in whole.lora.items():
            torch.testing.assert_close(weights.up, other.lora[path].up, rtol=1e-2, atol=2e-5)


def test_with_the_penalty_less_changes_outside(backbone):
    spilt = []
    for penalty in (0.0, 1.0):
        found = learn(backbone, outside_penalty=penalty, steps=12, lora_rate=1e-2).lora
        with frozen(*backbone.modules), lora(backbone.unet, CONFIG.rank) as adapter:
            values = adapter.flat.views()
            with torch.no_grad():
                for path, weights in found.items():
                    values[f"{path}.lora_down"].copy_(weights.down)
                    values[f"{path}.lora_up"].copy_(weights.up)
            with watching(adapter) as outside:
                assert outside is not None
                mask = torch.zeros(1, 1, SIDE, SIDE)
                spilt.append(float(look(backbone, adapter, outside, mask).detach()))
    assert spilt[1] < spilt[0] / 2


def test_without_a_penalty_nothing_watches(backbone):
    with frozen(*backbone.modules), lora(backbone.unet, 2) as adapter:
        with watching(adapter, wanted=False) as outside:
            assert outside is None
        with watching(adapter):
            assert any(layer._forward_hooks for layer in adapter.layers.values())
        assert not any(layer._forward_hooks for layer in adapter.layers.values())


def test_the_share_of_local_items_rises_over_the_curriculum():
    config = TrainConfig(local_ratio=0.5, curriculum=0.5, steps=100)
    assert [local_share(config, done) for done in (0, 25, 50, 99)] == [0, 0.25, 0.5, 0.5]
    assert local_share(replace(config, curriculum=0.0), 0) == 0.5


def test_a_run_with_a_curriculum_begins_with_whole_faces():
    rows = Rows(
        face=torch.tensor([[0]]), parts=torch.tensor([[[1]]]), counts=torch.tensor([1]),
        tasks=torch.tensor([1, 2]),
    )  # fmt: skip
    config = TrainConfig(local_ratio=1.0, curriculum=1.0, steps=10, batch=8)

    def drawn(done: int) -> list[int]:
        generator = torch.Generator().manual_seed(0)
        return draw_step(rows, config, (4, 2, 2), generator, done=done).rows.tolist()

    assert drawn(0) == [0] * 8
    assert drawn(10) == [1] * 8
    assert set(drawn(5)) == {0, 1}
