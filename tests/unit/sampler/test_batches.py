"""Many pictures and many seeds at once, as memory allows."""

import pytest
import torch

from facea_core.composing import ComposeConfig, inpaint, most_together
from facea_core.composing.solvers import SOLVERS

from .scenes import QUICK, SEEDS, paint


@pytest.mark.parametrize("sampler", SOLVERS)
@pytest.mark.parametrize("denoise", [1.0, 0.6])
def test_many_seeds_paint_one_image_which_is_encoded_once(
    backbone, scene, prompts, encoded, fed, sampler, denoise
):
    image, mask = (x[:1] for x in scene)
    config = ComposeConfig(steps=2, sampler=sampler, denoise=denoise)
    batch = paint(backbone, prompts, image, mask, config, seed=SEEDS[:2])
    assert encoded == [1] * (1 if denoise == 1 else 2)
    assert [len(sample) for sample, _, _ in fed] == [2 * len(SEEDS[:2])] * 2
    for seed, painted in zip(SEEDS[:2], batch.split(1), strict=True):
        alone = paint(backbone, prompts, image, mask, config, seed=seed)
        assert torch.allclose(alone, painted, atol=1e-5)


class SmallCard:
    """A device with memory for some items at once, as the U-Net finds it."""

    def __init__(self, unet, most):
        self.most, self.tried = most, []
        self.handle = unet.register_forward_pre_hook(self.check)

    def check(self, _module, args):
        self.tried.append(len(args[0]))
        if len(args[0]) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def __enter__(self):
        return self.tried

    def __exit__(self, *_):
        self.handle.remove()


def test_the_result_does_not_depend_on_how_memory_splits_a_batch(backbone, scene, prompts, encoded):
    image, mask = (x[:1] for x in scene)
    config = ComposeConfig(steps=2, cfg=1.0)
    whole = paint(backbone, prompts, image, mask, config, seed=SEEDS)
    for most, tried in ((3, [5, 2, 2, 2, 2, 1, 1]), (1, [5, 2, *[1] * 10])):
        encoded.clear()
        reported, again = [], []
        for seen in (reported, again):
            with SmallCard(backbone.unet, most) as calls:
                seen.append(paint(backbone, prompts, image, mask, config, seed=SEEDS,
                                  on_step=lambda *step, seen=seen: seen.append(step)))  # fmt: skip
            assert calls == tried
        *steps, painted = reported
        assert steps[-1] == (10, 10)
        assert steps == sorted(steps)
        assert encoded == [1, 1]
        assert torch.allclose(painted, whole, atol=1e-5)
        # Split alike, a CPU gives the same bytes.
        assert torch.equal(painted, again[-1])


def test_an_image_that_does_not_fit_alone_is_an_error(backbone, scene, prompts):
    image, mask = (x[:1] for x in scene)
    with SmallCard(backbone.unet, 0) as tried, pytest.raises(torch.OutOfMemoryError):
        paint(backbone, prompts, image, mask, ComposeConfig(steps=2, cfg=1.0), seed=SEEDS)
    assert tried == [5, 2, 1]


def test_each_row_of_a_batch_has_its_own_image_and_prompt_however_it_is_split(backbone, scene):
    image, mask = scene
    said = backbone.text.encode(["a man", "a woman", "a child"])
    config = ComposeConfig(steps=2, cfg=2.0)
    whole = inpaint(backbone, said, None, image, mask, config)
    with SmallCard(backbone.unet, 2):
        assert torch.allclose(inpaint(backbone, said, None, image, mask, config), whole, atol=1e-5)


def test_as_many_are_painted_together_as_suits_the_device():
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert [most_together(cpu, (side, side)) for side in (64, 128, 512)] == [16, 4, 1]
    assert [most_together(gpu, (side, side)) for side in (128, 512, 768, 1024, 2048)] == [
        64, 4, 1, 1, 1
    ]  # fmt: skip


def test_one_mask_serves_a_batch(backbone, scene, prompts):
    image, mask = scene
    shared = paint(backbone, prompts, image, mask[:1], QUICK)
    assert torch.equal(shared, paint(backbone, prompts, image, mask[:1].repeat(3, 1, 1, 1), QUICK))
