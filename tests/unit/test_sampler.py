import math
from dataclasses import replace

import pytest
import torch

from facea_core.backbone import latent_mask, masked_image
from facea_core.backbone.load import empty_backbone, random_backbone
from facea_core.backbone.spec import TINY
from facea_core.composing import ComposeConfig, inpaint, most_together
from facea_core.composing.solvers import SOLVERS
from facea_core.errors import BackboneError, ConfigError, MaskError

QUICK = ComposeConfig(steps=2, seed=5)


@pytest.fixture(scope="module")
def backbone():
    """One for all: painting leaves it as it is."""
    return random_backbone(0)


@pytest.fixture(scope="module")
def blind():
    """One of four channels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return empty_backbone(TINY, TINY.variant(inpainting=False))


@pytest.fixture(scope="module")
def scene():
    """Three pictures (3, 3, 64, 64) and masks, one of them soft."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 3, 64, 64, generator=generator)
    mask = torch.zeros(3, 1, 64, 64)
    mask[0, :, 16:48, 16:48] = 1
    mask[1, :, :, :32] = 1
    mask[2] = torch.linspace(0, 1, 64).view(1, 1, 64)
    return image, mask


@pytest.fixture(scope="module")
def prompts(backbone):
    both = backbone.text.encode(["a photo of a man", ""])
    return both.select(torch.tensor([0])), both.select(torch.tensor([1]))


def paint(backbone, prompts, image, mask, config, **more):
    conditioning, negative = prompts
    return inpaint(backbone, conditioning, negative, image, mask, config, **more)


@pytest.fixture
def fed(backbone):
    """What the U-Net is fed: a list of (sample (B, 9, h, w), timestep (B,), context (B, L, D))."""
    calls = []

    def record(_module, args, kwargs):
        calls.append((args[0].clone(), args[1].clone(), kwargs["encoder_hidden_states"].clone()))

    handle = backbone.unet.register_forward_pre_hook(record, with_kwargs=True)
    yield calls
    handle.remove()


def test_the_unet_is_fed_noise_mask_and_masked_latent(backbone, scene, prompts, fed):
    image, mask = scene
    paint(backbone, prompts, image, mask, QUICK)
    wanted = latent_mask(mask, 8)
    masked = backbone.encode_image(masked_image(image, mask)).sample()
    for sample, _, context in fed:
        assert sample.shape == (6, 9, 8, 8)
        assert torch.equal(sample[:3], sample[3:])
        assert torch.equal(sample[:3, 4:5], wanted)
        assert torch.equal(sample[:3, 5:], masked)
        assert torch.equal(context[0], prompts[0].context[0])
        assert torch.equal(context[5], prompts[1].context[0])


def test_it_starts_from_pure_noise_of_each_items_own_seed(backbone, scene, prompts, fed):
    image, mask = scene
    paint(backbone, prompts, image, mask, QUICK)
    for i in range(3):
        noise = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(5 + i))
        assert torch.equal(fed[0][0][i, :4], noise)


def test_a_batch_gives_what_its_items_give_alone(backbone, scene, prompts):
    image, mask = scene
    batch = paint(backbone, prompts, image, mask, QUICK)
    listed = paint(backbone, prompts, image, mask, QUICK, seed=[5, 6, 7])
    assert torch.equal(batch, listed)
    for i in range(3):
        one = slice(i, i + 1)
        single = paint(backbone, prompts, image[one], mask[one], QUICK, seed=5 + i)
        assert torch.allclose(single, batch[one], atol=1e-4)


@pytest.mark.parametrize("sampler", SOLVERS)
@pytest.mark.parametrize("denoise", [1.0, 0.6])
def test_a_model_that_sees_no_surroundings_keeps_them(
    blind, scene, prompts, monkeypatch, sampler, denoise
):
    image, mask = scene
    masked = latent_mask(mask, 8) > 0
    clean = blind.encode_image(image).sample()
    seen, decoded = [], []
    handle = blind.unet.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    monkeypatch.setattr(
        type(blind),
        "decode",
        lambda self, latent: decoded.append(latent) or torch.zeros(len(latent), 3, 8, 8),
    )
    paint(blind, prompts, image, mask, ComposeConfig(steps=4, sampler=sampler, denoise=denoise))
    handle.remove()
    latent = torch.cat(decoded)
    keep = ~masked.expand_as(clean)
    assert torch.equal(latent[keep], clean[keep])
    assert not torch.isclose(latent[~keep], clean[~keep]).any(dim=0).all()
    # What it is shown around the mask comes nearer to the picture with every step.
    assert {sample.shape[1] for sample in seen} == {4}
    far = [float((sample[:3][keep] - clean[keep]).norm()) for sample in seen]
    assert far == sorted(far, reverse=True)
    assert far[-1] < 0.7 * far[0]


@pytest.fixture
def encoded(backbone):
    """How many images the autoencoder encodes: one number for each call."""
    counts = []
    handle = backbone.vae.encoder.register_forward_pre_hook(
        lambda _module, args: counts.append(len(args[0]))
    )
    yield counts
    handle.remove()


SEEDS = [5, 2**40, 9, 7, 6]


@pytest.mark.parametrize("sampler", SOLVERS)
@pytest.mark.parametrize("denoise", [1.0, 0.6])
def test_many_seeds_paint_one_image_which_is_encoded_once(
    backbone, scene, prompts, encoded, fed, sampler, denoise
):
    image, mask = (x[:1] for x in scene)
    config = ComposeConfig(steps=2, sampler=sampler, denoise=denoise)
    batch = paint(backbone, prompts, image, mask, config, seed=SEEDS[:3])
    assert encoded == [1] * (1 if denoise == 1 else 2)
    assert [len(sample) for sample, _, _ in fed] == [2 * len(SEEDS[:3])] * 2
    for seed, painted in zip(SEEDS[:3], batch.split(1), strict=True):
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
