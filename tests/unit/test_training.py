"""Photos to identity: what learns, what stays, and what a cancel leaves."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone
from facea_core.backbone.load import move
from facea_core.composing.config import ComposeConfig
from facea_core.composing.sampler import inpaint
from facea_core.errors import ConfigError, ImageError, MaskError, TrainingError
from facea_core.identity import apply_identity, learnable_words, save_identity
from facea_core.identity.subject import Subject
from facea_core.training import TrainConfig, face_previewer, train_identity
from facea_core.training.report import PREVIEW_SHARE, PREVIEW_SHARE_CPU, within_budget
from facea_core.training.state import saved_step
from facea_core.training.writer import settle
from facea_core.types import StepReport

from ..narrow import quick
from .photos import make_photo

CONFIG = TrainConfig(
    attributes="eyes,mouth", steps=3, batch=2, rank=2, variants=1, prompt_drop=0.0, report_every=1
)


class Cancel(Exception):
    """What a host raises."""


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return quick(backbone, 32)


def bits(backbone: Backbone) -> list[Tensor]:
    modules = (backbone.unet, backbone.vae, *backbone.text.encoders.values())
    return [value.clone() for module in modules for value in module.state_dict().values()]


def test_words_and_lora_learn_and_the_backbone_does_not(backbone: Backbone):
    before, reports = bits(backbone), []
    torch.manual_seed(5)
    untouched = torch.get_rng_state()
    identity = train_identity(
        [make_photo()], backbone, CONFIG, Subject("ada", "woman"), on_step=reports.append
    )
    assert torch.equal(torch.get_rng_state(), untouched)
    assert all(torch.equal(a, b) for a, b in zip(before, bits(backbone), strict=True))
    assert not any(p.requires_grad or p.grad is not None for p in backbone.unet.parameters())

    assert all(weights.up.abs().max() > 0 for weights in identity.lora.values())
    starts = learnable_words(backbone, "ada", attribute_table("eyes,mouth")).values()
    for word in identity.words:
        start = starts[f"{word.placeholder}.clip_l"]
        assert not torch.equal(word.vectors["clip_l"], start)
    assert (identity.meta.family, identity.meta.rank) == ("facea-tiny", 2)
    assert identity.meta.prompt == "a photo of a woman with embedding:ada/eyes embedding:ada/mouth"
    assert TrainConfig.from_dict(identity.meta.config) == CONFIG
    with apply_identity(backbone, identity) as words:
        backbone.text.encode([identity.meta.prompt], words)

    assert [r.step for r in reports] == [1, 2, 3]
    for report in reports:
        assert report.total == 3
        assert report.loss > 0
        assert set(report.task_losses) <= {"global", "local"}
        assert set(report.attribute_losses) <= {"eyes", "mouth"}
        assert report.rates == {"words": 2e-3, "lora": 1.2e-4}
    assert reports[-1].eta == 0.0


def test_two_runs_give_the_same_bytes_whatever_the_previews(backbone: Backbone, tmp_path: Path):
    photo, files, previews = make_photo(), [], []

    def keep(report: StepReport) -> None:
        if report.previews is not None:
            previews.append(report.previews)

    settings = ComposeConfig(steps=1, cfg=1.0)
    config = replace(CONFIG, preview_every=2, preview_share=1.0)
    previewer = face_previewer(inpaint, settings, photo, backbone, config)
    for i, option in enumerate((None, previewer)):
        torch.manual_seed(i)
        identity = train_identity([photo], backbone, config, on_step=keep, previewer=option)
        save_identity(identity, tmp_path / f"{i}.safetensors")
        files.append((tmp_path / f"{i}.safetensors").read_bytes())
    assert files[0] == files[1]
    assert [p.shape for p in previews] == [(1, 3, 32, 32)] * 2
    assert not torch.equal(previews[0], previews[1])


@pytest.mark.parametrize("share", [PREVIEW_SHARE, PREVIEW_SHARE_CPU, 1.0])
def test_previews_take_no_more_than_their_share(share: float):
    took, spent, latest, painted, last = 0.9, 0.0, 0.0, 0, 0
    for step in range(1, 101):
        if within_budget(share, spent, latest, seconds=step, eta=100 - step):
            spent, latest, painted, last = spent + took, took, painted + 1, step
    assert 100 * share - took < spent <= 100 * share or painted == 100
    assert last > 70, "the end of the run is not seen"


def test_the_first_preview_is_painted_whatever_it_takes():
    assert within_budget(PREVIEW_SHARE, 0.0, 0.0, seconds=0.1, eta=1)
    assert not within_budget(PREVIEW_SHARE, 60.0, 60.0, seconds=60, eta=600)


class Count(TorchDispatchMode):
    """Counts operators by name."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen[str(func)] += 1
        return func(*args, **(kwargs or {}))


def test_a_step_reads_nothing_back_and_needs_no_autoencoder(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
):
    vae_calls = []
    for name in ("encode", "decode"):
        whole = getattr(type(backbone.vae), name)

        def counted(*args, _whole=whole, **options):
            vae_calls.append(None)
            return _whole(*args, **options)

        monkeypatch.setattr(type(backbone.vae), name, counted)
    reads, calls = [], []
    for steps in (1, 3):
        vae_calls.clear()
        with Count() as count:
            config = replace(CONFIG, steps=steps, report_every=100)
            train_identity([make_photo()], backbone, config, on_step=lambda report: None)
        reads.append(count.seen["aten._local_scalar_dense.default"])
        calls.append(len(vae_calls))
    assert reads[0] == reads[1] > 0
    assert calls[0] == calls[1] > 0


def test_one_example_is_learned_by_heart(backbone: Backbone):
    losses = []
    config = replace(
        CONFIG, steps=16, local_ratio=0.0, targets="wide", lora_lr=5e-3, report_every=8
    )
    train_identity([make_photo()], backbone, config, on_step=lambda r: losses.append(r.loss))
    assert losses[-1] < 0.9 * losses[0]


def test_a_half_precision_backbone_learns_in_float32(backbone: Backbone):
    # Not a quarter: attention to a single place has no gradient to round.
    large = quick(backbone, 64)
    half = move(replace(large, vae=deepcopy(large.vae)), "cpu", torch.bfloat16)
    identity = train_identity([make_photo()], half, replace(CONFIG, steps=1, batch=1))
    assert {w.up.dtype for w in identity.lora.values()} == {torch.float32}
    assert all(w.up.isfinite().all() and w.up.abs().max() > 0 for w in identity.lora.values())


def test_training_works_inside_a_hosts_inference_mode(backbone: Backbone):
    photo = make_photo()
    with torch.inference_mode():
        photo = replace(photo, image=photo.image.clone())
        identity = train_identity([photo], backbone, replace(CONFIG, steps=1))
    assert all(w.up.abs().max() > 0 for w in identity.lora.values())


def test_a_cancel_passes_through_and_leaves_the_backbone_whole(backbone: Backbone):
    def cancel(report: StepReport) -> None:
        raise Cancel

    before = bits(backbone)
    with pytest.raises(Cancel):
        train_identity([make_photo()], backbone, CONFIG, on_step=cancel)
    assert all(torch.equal(a, b) for a, b in zip(before, bits(backbone), strict=True))


def test_every_picture_that_is_encoded_and_every_step_is_a_tick(backbone: Backbone):
    events = []
    handle = backbone.vae.encoder.register_forward_pre_hook(lambda *_: events.append("encode"))
    config = replace(CONFIG, steps=2, batch=1, report_every=2)
    try:
        train_identity(
            [make_photo(0), make_photo(1)],
            backbone,
            config,
            on_encode=lambda done, total: events.append((done, total)),
            on_tick=lambda done, total: events.append((done, total)),
            on_step=lambda report: events.append(f"report {report.step}"),
        )
    finally:
        handle.remove()
    # Each photo whole, and with each of its three holes.
    assert events[:16] == [(0, 2), "encode"] * 4 + [(1, 2), "encode"] * 4
    assert events[16:] == [(1, 2), (2, 2), "report 2"]


def cancel_at(step: int) -> Callable[[int, int], None]:
    def tick(done: int, total: int) -> None:
        if done == step:
            raise Cancel

    return tick


def test_a_cancel_while_pictures_are_encoded_leaves_nothing(backbone: Backbone, tmp_path: Path):
    with pytest.raises(Cancel):
        train_identity(
            [make_photo()], backbone, CONFIG, on_encode=cancel_at(0), run_dir=tmp_path / "run"
        )
    assert list(tmp_path.iterdir()) == []
    assert not any(p.requires_grad for p in backbone.unet.parameters())


@torch.inference_mode()
def test_a_cancel_in_a_tick_keeps_its_step_and_goes_on_also_inside_a_hosts_inference_mode(
    backbone: Backbone, tmp_path: Path
):
    before, ticks = bits(backbone), []
    with pytest.raises(Cancel):
        train_identity([make_photo()], backbone, CONFIG, on_tick=cancel_at(2), run_dir=tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(before, bits(backbone), strict=True))
    assert saved_step(tmp_path) == 2
    train_identity(
        [make_photo()],
        backbone,
        CONFIG,
        on_tick=lambda done, total: ticks.append(done),
        run_dir=tmp_path,
        resume=True,
    )
    assert [done for done in ticks if done] == [3]


def test_a_loss_that_is_not_finite_stops_with_its_step_and_keeps_the_last_good_state(
    backbone: Backbone, tmp_path: Path
):
    steps = []

    def poison(report: StepReport) -> None:
        steps.append(report.step)
        if report.step == 2:
            with torch.no_grad():
                backbone.unet.get_parameter("conv_out.bias").fill_(torch.inf)

    config = replace(CONFIG, steps=8, save_every=1)
    with pytest.raises(TrainingError, match=r"step 3;.*state\.safetensors"):
        train_identity([make_photo()], backbone, config, on_step=poison, run_dir=tmp_path)
    assert steps == [1, 2]
    settle()
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]
    state = load_file(tmp_path / "state.safetensors")
    assert state["moment:step:words"] == 2


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"photos": []}, TrainingError, "no photos"),
        ({"config": replace(CONFIG, attributes="eyes,lips")}, ConfigError, "lips"),
        ({"photos": [replace(make_photo(), image=torch.ones(1, 3, 8, 8))]}, ImageError, "photo"),
    ],
)
def test_what_cannot_be_trained_is_one_clear_error(
    backbone: Backbone, tmp_path: Path, options: dict, error: type[Exception], named: str
):
    options = {"photos": [make_photo()], "config": CONFIG, **options}
    with pytest.raises(error, match=named):
        train_identity(backbone=backbone, run_dir=tmp_path / "run", **options)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_mask_is_one_clear_error(backbone: Backbone, tmp_path: Path):
    photo = make_photo()
    part = replace(photo.attributes.parts[0], mask=torch.zeros(1, 1, 128, 128))
    photo = replace(photo, attributes=replace(photo.attributes, parts=(part,)))
    with pytest.raises(MaskError, match="'photo0'.*'eyes' is empty"):
        train_identity([photo], backbone, CONFIG, run_dir=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
