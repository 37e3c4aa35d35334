"""The timesteps that are taken, and solvers that come back to what the model knows."""

import math
from dataclasses import replace
from itertools import pairwise

import diffusers
import pytest
import torch

from facea_core.backbone.backbone import SCHEDULE, alphas_cumprod
from facea_core.backbone.load import load_backbone
from facea_core.composing import ComposeConfig, inpaint
from facea_core.composing.solvers import END, SOLVERS, levels, timesteps
from facea_core.synthetic.render import paint, sample_people, sample_scenes

DENOISE = [0.02, 0.03, *(round(0.05 * i, 2) for i in range(1, 20)), 0.49, 0.81, 0.99, 0.9999, 1.0]
# With diffusers' trailing timesteps the last one was -1 here, and the picture noise.
ONCE_NOISE = [(61, 1.0), (103, 1.0), (122, 1.0), (30, 0.49), (40, 0.65), (50, 0.81)]
SCHEDULERS = {
    "ddim": ("DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": True}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
}


def test_every_number_of_steps_and_denoise_takes_so_many_falling_timesteps():
    for steps in range(1, 201):
        for denoise in DENOISE:
            times = timesteps(steps, denoise)
            assert len(times) == steps
            assert 0 <= times[-1] <= times[0] <= 999
            assert all(later < earlier for earlier, later in pairwise(times))
            if denoise == 1:
                assert times[0] == 999


def test_it_starts_as_noisy_as_it_was_asked_to():
    for steps in range(20, 201):
        for denoise in DENOISE:
            # One step more or less is what ComfyUI's rounding of steps / denoise may do.
            assert abs(timesteps(steps, denoise)[0] - 999 * denoise) <= 999 / steps * denoise + 1
    assert timesteps(100, 0.05)[0] == pytest.approx(49.5, abs=0.1)
    assert timesteps(200, 0.1)[0] == pytest.approx(99.5, abs=0.1)


def test_timesteps_are_whole_until_steps_are_shorter_than_one():
    assert timesteps(20) == [999.0 - 50 * i for i in range(20)]
    assert timesteps(50, 0.05) == [float(t) for t in range(49, -1, -1)]
    assert timesteps(100, 0.05)[-3:] == pytest.approx([2 * 999 / 1999, 999 / 1999, 0])


def test_levels_are_those_of_the_model_and_end_clean():
    alphas = alphas_cumprod()
    for steps, denoise in ((61, 1.0), (200, 0.02)):
        taken = levels(alphas, steps, denoise)
        assert len(taken) == steps + 1
        assert taken[-1] == END
        assert all(later.signal > earlier.signal for earlier, later in pairwise(taken))
        for timestep, signal, sigma in taken[:-1]:
            assert signal**2 + sigma**2 == pytest.approx(1)
            low, high = (float(alphas[i(timestep)].sqrt()) for i in (math.ceil, math.floor))
            assert low - 1e-6 <= signal <= high + 1e-6


@pytest.mark.parametrize("name", SOLVERS)
def test_a_model_that_knows_the_answer_is_sampled_back_to_it(name):
    alphas = alphas_cumprod()
    answer, noise = torch.tensor([0.7, -2.0]).double(), torch.tensor([1.3, 0.4]).double()
    every = range(1, 201) if name == "ddim" else (1, 2, 3, 7, 30, 35, 61, 103, 150, 200)
    asked: list[float] = []

    def model(latent, level):
        truth = level.signal * answer + level.sigma * noise
        asked.append(float((latent - truth).abs().max()))
        return answer

    for steps in every:
        for denoise in (1.0, 0.49, 0.05):
            asked.clear()
            taken = levels(alphas, steps, denoise)
            start = taken[0].signal * answer + taken[0].sigma * noise
            assert torch.allclose(SOLVERS[name](model, start, taken), answer, atol=1e-9)
            assert len(asked) == steps
            assert max(asked) < 1e-9


@pytest.mark.parametrize("steps", [2, 5, 20])
@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_where_diffusers_timesteps_are_right_the_result_is_that_of_diffusers(
    backbone, name, prediction, steps
):
    backbone = replace(backbone, spec=replace(backbone.spec, prediction=prediction))
    generator = torch.Generator().manual_seed(0)
    mix, start = torch.randn(16, 16, generator=generator) / 4, torch.randn(1, 4, 2, 2)

    def answer(latent, timestep):
        return torch.tanh(latent.flatten(1) @ mix + math.cos(timestep / 200)).view_as(latent)

    def model(latent, level):
        output = answer(latent, level.timestep)
        return backbone.clean(output, latent, level.signal, level.sigma)

    kind, options = SCHEDULERS[name]
    scheduler = getattr(diffusers, kind)(
        **SCHEDULE, prediction_type=prediction, timestep_spacing="trailing", **options
    )
    scheduler.set_timesteps(steps)
    latent = start
    for timestep in scheduler.timesteps:
        latent = scheduler.step(answer(latent, float(timestep)), timestep, latent).prev_sample
    ours = SOLVERS[name](model, start, levels(backbone.alphas_cumprod, steps))
    assert torch.allclose(ours, latent, atol=1e-4)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_whole_way_back_to_a_known_picture(backbone, monkeypatch, prediction):
    """In place of the miniature's U-Net one that answers what stands for a known latent."""
    backbone = replace(backbone, spec=replace(backbone.spec, prediction=prediction))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    known, alphas = backbone.encode_image(image).sample(), backbone.alphas_cumprod.double()
    said = backbone.text.encode(["a face"])

    def answer(sample, timesteps, **_):
        noisy, timestep = sample[:, :4], float(timesteps[0])
        below = min(int(timestep), 998)
        ratio = ((1 - alphas[below : below + 2]) / alphas[below : below + 2]).log() / 2
        ratio = torch.lerp(ratio[0], ratio[1], timestep - below).exp()
        signal, sigma = (1 / (1 + ratio**2).sqrt(), ratio / (1 + ratio**2).sqrt())
        noise = (noisy - signal * known) / sigma
        return ((noise if prediction == "epsilon" else signal * noise - sigma * known).float(),)

    monkeypatch.setattr(backbone.unet, "forward", answer)
    wanted = backbone.decode(known)
    for steps, denoise in [*ONCE_NOISE, (100, 0.05), (30, 1.0), (7, 0.3)]:
        config = ComposeConfig(steps=steps, denoise=denoise, cfg=1.0)
        made = inpaint(backbone, said, None, image, torch.ones(1, 1, 64, 64), config)
        assert torch.allclose(made, wanted, atol=2e-3)


def test_a_little_more_denoising_changes_the_picture_a_little():
    """The published miniature with the default sampler, on both sides of what once was noise."""
    backbone = load_backbone("tiny")
    generator = torch.Generator().manual_seed(3)
    image = paint(sample_people(1, generator), sample_scenes(1, generator), 64).image
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    said = backbone.text.encode(["a photo of a woman"])
    less, more = (
        inpaint(backbone, said, None, image, mask, ComposeConfig(steps=30, denoise=d, cfg=1.0))
        for d in (0.48, 0.49)
    )
    assert (more - less).abs().mean() < 0.02
