"""Seeds, steps, guidance and prompts; settings out of range."""

import math
from dataclasses import replace

import pytest
import torch

from facea_core.composing import ComposeConfig, inpaint
from facea_core.composing.solvers import SOLVERS
from facea_core.errors import BackboneError, ConfigError, MaskError

from .scenes import QUICK, paint


def test_the_same_seed_paints_the_same_and_the_callers_random_state_is_untouched(
    backbone, scene, prompts
):
    image, mask = (x[:1] for x in scene)
    state = torch.random.get_rng_state()
    first = paint(backbone, prompts, image, mask, QUICK)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(7)
    assert torch.equal(paint(backbone, prompts, image, mask, QUICK), first)
    assert not torch.equal(paint(backbone, prompts, image, mask, QUICK, seed=6), first)


def test_the_largest_seed_is_accepted(backbone, scene, prompts):
    image, mask = scene
    paint(backbone, prompts, image[:2], mask[:2], QUICK, seed=2**64 - 1)


@pytest.mark.parametrize("sampler", SOLVERS)
@pytest.mark.parametrize("denoise", [1.0, 0.6])
@pytest.mark.parametrize("steps", [1, 2])
def test_every_sampler_takes_the_steps_it_was_given(
    backbone, scene, prompts, fed, sampler, denoise, steps
):
    image, mask = (x[:1] for x in scene)
    config = ComposeConfig(steps=steps, sampler=sampler, denoise=denoise)
    seen = []
    painted = paint(backbone, prompts, image, mask, config, on_step=lambda *step: seen.append(step))
    assert seen == [(i, steps) for i in range(1, steps + 1)]
    assert len(fed) == steps
    assert painted.shape == image.shape
    assert 0 <= painted.min() <= painted.max() <= 1
    times = [float(timestep[0]) for _, timestep, _ in fed]
    assert times == sorted(times, reverse=True)


def test_less_denoising_starts_nearer_to_the_picture(backbone, scene, prompts, fed):
    image, mask = (x[:1] for x in scene)
    clean = backbone.encode_image(image).sample()
    distances, starts = [], []
    for denoise in (0.05, 0.3, 0.6, 1.0):
        fed.clear()
        paint(backbone, prompts, image, mask, ComposeConfig(steps=1, denoise=denoise))
        distances.append(float((fed[0][0][:1, :4] - clean).norm()))
        starts.append(float(fed[0][1][0]))
    assert distances == sorted(distances)
    assert starts == sorted(starts)
    assert distances[0] < 0.5 * distances[-1]


def test_guidance_of_one_asks_the_unet_only_once(backbone, scene, prompts, fed):
    image, mask = (x[:1] for x in scene)
    plain = paint(backbone, prompts, image, mask, ComposeConfig(steps=2, cfg=1.0))
    assert [len(sample) for sample, _, _ in fed] == [1, 1]
    without = paint(backbone, (prompts[0], None), image, mask, ComposeConfig(steps=2, cfg=1.0))
    assert torch.equal(plain, without)


def test_without_a_negative_prompt_guidance_is_away_from_the_empty_one(backbone, scene, prompts):
    image, mask = (x[:1] for x in scene)
    config = ComposeConfig(steps=2, cfg=4.0)
    without = paint(backbone, (prompts[0], None), image, mask, config)
    assert torch.equal(without, paint(backbone, prompts, image, mask, config))
    assert not torch.equal(without, paint(backbone, prompts, image, mask, replace(config, cfg=1.0)))


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_two_for_three_pictures_are_refused(backbone, scene, prompts, fed, cfg):
    image, mask = scene
    config = ComposeConfig(steps=2, cfg=cfg)
    two = backbone.text.encode(["a man", "a woman"])
    with pytest.raises(ConfigError, match="2 prompts for 3 pictures"):
        paint(backbone, (two, prompts[1]), image, mask, config)
    with pytest.raises(MaskError, match="2 masks for 3 pictures"):
        paint(backbone, prompts, image, mask[:2], config)
    with pytest.raises(ConfigError, match="2 seeds for 3 pictures"):
        paint(backbone, prompts, image, mask, config, seed=[1, 2])
    if cfg > 1:
        with pytest.raises(ConfigError, match="2 prompts for 3 pictures"):
            paint(backbone, (prompts[0], two), image, mask, config)
    assert not fed


def test_guidance_follows_its_formula(backbone, scene, prompts):
    image, mask = (x[:1] for x in scene)
    # Guided towards itself, a prompt gives what it gives alone.
    same = inpaint(backbone, prompts[0], prompts[0], image, mask, ComposeConfig(steps=2, cfg=6.0))
    plain = paint(backbone, prompts, image, mask, ComposeConfig(steps=2, cfg=1.0))
    assert torch.allclose(same, plain, atol=1e-4)


def test_a_long_prompt_meets_a_short_negative_one(backbone, scene, prompts):
    image, mask = (x[:1] for x in scene)
    long = backbone.text.encode(["a photo of a man " * 30])
    assert long.context.shape[1] > prompts[1].context.shape[1]
    assert torch.isfinite(inpaint(backbone, long, prompts[1], image, mask, QUICK)).all()


def test_an_exception_in_the_callback_cancels(backbone, scene, prompts):
    image, mask = (x[:1] for x in scene)

    class Cancelled(Exception):
        pass

    def cancel(step, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        paint(backbone, prompts, image, mask, QUICK, on_step=cancel)


def test_a_model_that_answers_nan_is_an_error(backbone, scene, prompts):
    image, mask = (x[:1] for x in scene)
    handle = backbone.unet.register_forward_hook(lambda m, a, out: (out[0] * math.nan,))
    try:
        with pytest.raises(BackboneError, match="NaN after 2 steps"):
            paint(backbone, prompts, image, mask, QUICK)
    finally:
        handle.remove()


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": 2.5},
        {"steps": True},
        {"cfg": 0.5},
        {"cfg": math.nan},
        {"denoise": 0.0},
        {"denoise": math.inf},
        {"seed": -1},
        {"sampler": "eular"},
        {"feather": "wide"},
        {"context_factor": 0.9},
        {"colour_match": 1.5},
    ],
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ComposeConfig(**wrong)


def test_whole_numbers_are_numbers():
    assert ComposeConfig(cfg=3, denoise=1).cfg == 3
