"""What a training step needs: predicted, counted without values, and measured on this CPU.

    python tests/bench/bench_memory.py [--table] [--json FILE] [--skip-measured]

predicted: `training.memory.predict_bytes`, what plans are made from.
counted:   the real step (`training.loop.make_step`) of the real full-size modules on torch's device
           "meta", where tensors have sizes and no values. Every operation's results are followed
           from birth to death; the peak is that of an allocator without fragments. Attention is the
           flash kernel, as CUDA takes it, and a convolution that has to change its input's layout
           counts the copy. It is a prediction of a GPU's peak, not a measurement.
measured:  the same step with real tensors on the CPU in float32; torch's profiler reports each
           allocation. Random weights: memory does not depend on values.

`--table` prints the table of `training/costs.py` as counted now. Measuring SDXL needs 18 GB.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone, LatentDistribution
from facea_core.backbone.backbone import alphas_cumprod
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import FAMILIES
from facea_core.identity.lora import lora
from facea_core.identity.subject import SOMEBODY
from facea_core.identity.targets import TARGETS
from facea_core.identity.words import by_placeholder, learnable_words
from facea_core.training.config import TrainConfig
from facea_core.training.data import LatentCache
from facea_core.training.draws import Draw
from facea_core.training.gpu.attention import lean_attention
from facea_core.training.gpu.footprint import checkpointed
from facea_core.training.loop import make_step
from facea_core.training.losses import Losses
from facea_core.training.memory import PHOTOS, predict_bytes
from facea_core.training.optimiser import make_optimiser
from facea_core.training.tasks import task_prompts

BLOCK = 512
"""Sizes are rounded up to it, as CUDA's allocator does."""


@dataclass(frozen=True)
class Setting:
    """One way to train."""

    family: str
    resolution: int
    batch: int
    micro_batch: int
    checkpointing: bool = False
    targets: str = "attention"
    rank: int = 48
    dtype: torch.dtype = torch.float32

    @property
    def config(self) -> TrainConfig:
        return TrainConfig(batch=self.batch, rank=self.rank, targets=self.targets)

    def predicted(self) -> int:
        spec = FAMILY[self.family].spec
        return predict_bytes(
            spec, self.config, self.dtype, self.resolution, self.micro_batch, self.checkpointing
        )

    def __str__(self) -> str:
        twice = " checkpointing" if self.checkpointing else ""
        kind = str(self.dtype).removeprefix("torch.")
        return (
            f"{self.family} {self.resolution} px {self.batch} as {self.micro_batch} "
            f"{self.targets} r{self.rank}{twice} {kind}"
        )


FAMILY = {family.spec.family: family for family in FAMILIES}

CUDA = [
    replace(setting, dtype=torch.bfloat16)
    for setting in (
        Setting("sd15", 512, 4, 4),
        Setting("sd15", 512, 4, 2),
        Setting("sd15", 512, 4, 4, True),
        Setting("sd15", 512, 4, 4, targets="wide", rank=16),
        Setting("sd15", 384, 1, 1),
        Setting("sd2", 512, 4, 4),
        Setting("sd2", 768, 4, 1),
        Setting("sdxl", 1024, 1, 1),
        Setting("sdxl", 1024, 4, 1),
        Setting("sdxl", 1024, 4, 4, True),
        Setting("sdxl", 1024, 1, 1, True),
        Setting("sdxl", 512, 1, 1, targets="wide"),
    )
]
"""Full size, as a GPU runs them."""

CPU = [
    Setting("facea-tiny", 128, 6, 6, targets="wide", rank=16),
    Setting("sd15", 256, 1, 1),
    Setting("sd15", 256, 4, 4),
    Setting("sd15", 256, 4, 2),
    Setting("sd15", 256, 4, 4, True),
    Setting("sd15", 384, 2, 2, targets="wide", rank=16),
    Setting("sd15", 512, 2, 2),
    Setting("sd2", 256, 2, 2),
    Setting("sdxl", 256, 1, 1),
    Setting("sdxl", 256, 2, 2, True),
    Setting("sdxl", 384, 1, 1),
]
"""Full-size modules at latents that a CPU can do."""


class Meter(TorchDispatchMode):
    """Follows the bytes of every tensor on "meta" from birth to death; `peak` is their maximum."""

    def __init__(self, *known: Tensor) -> None:
        super().__init__()
        self.seen: weakref.WeakSet[Any] = weakref.WeakSet()
        self.live = 0
        self._watch(known)
        self.peak = self.start = self.live

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self._watch(leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor))
        hidden = _layout_copies(str(func), args)
        self.peak = max(self.peak, self.live + hidden)
        return out

    def _watch(self, tensors: Any) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if tensor.device.type == "meta" and storage not in self.seen:
                self.seen.add(storage)
                size = -(-storage.nbytes() // BLOCK) * BLOCK
                self.live += size
                weakref.finalize(storage, self._gone, size)

    def _gone(self, size: int) -> None:
        self.live -= size


def _layout_copies(name: str, args: tuple[Any, ...]) -> int:
    """What a convolution with channels_last weights copies for itself."""
    if not name.startswith("aten.convolution"):
        return 0
    backward = "backward" in name
    *inputs, weight = args[:3] if backward else args[:2]
    last = torch.channels_last
    if not weight.is_contiguous(memory_format=last):
        return 0
    return sum(x.nbytes for x in inputs if not x.is_contiguous(memory_format=last))


def _flash(q: Tensor, k: Tensor, v: Tensor, *_: Any, is_causal: bool = False, **__: Any) -> Tensor:
    return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, is_causal)[0]


@contextmanager
def _no_math_attention(device: str) -> Iterator[None]:
    """On "meta" torch would take the way with L x L matrices, which no GPU takes."""
    before = F.scaled_dot_product_attention
    try:
        if device == "meta":
            F.scaled_dot_product_attention = _flash
        yield
    finally:
        F.scaled_dot_product_attention = before


def build(family: str, device: str, dtype: torch.dtype) -> Backbone:
    """Full-size modules with random weights."""
    with torch.device("meta"):
        backbone = empty_backbone(FAMILY[family])
    to: Any = torch.nn.Module.to  # diffusers' own warns at every cast
    for module in backbone.modules:
        to(module, dtype=dtype)
        if device == "meta":
            to(module, memory_format=torch.channels_last)
            continue
        torch.nn.Module.to_empty(module, device=device)
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.data.uniform_(-0.03, 0.03)
            else:
                tensor.copy_(torch.arange(tensor.numel()).view(tensor.shape))
    return replace(backbone, alphas_cumprod=alphas_cumprod().to(device))


def peak_of(setting: Setting, backbone: Backbone) -> tuple[int, int]:
    """(bytes at the fullest moment of the second step, those of the frozen weights)."""
    config, device = setting.config, backbone.device
    table = attribute_table(config.attributes)
    side = setting.resolution // backbone.spec.latent_factor
    crops, holes = PHOTOS * config.variants, PHOTOS * config.variants * (1 + len(table))
    shape = (backbone.spec.latent_channels, side, side)
    count = config.batch

    def latents(number: int) -> LatentDistribution:
        mean = torch.zeros(number, *shape, device=device)
        return LatentDistribution(mean, torch.zeros_like(mean))

    with ExitStack() as stack:
        words = learnable_words(backbone, "person", table)
        adapter = stack.enter_context(lora(backbone.unet, config.rank, config.targets))
        stack.enter_context(lean_attention(backbone.unet))
        stack.enter_context(checkpointed(backbone.unet, setting.checkpointing))
        stack.enter_context(_no_math_attention(device.type))
        cache = LatentCache(
            clean=latents(crops), masked=latents(holes),
            mask=torch.ones(holes, 1, side, side, device=device),
            crop_of=torch.zeros(holes, dtype=torch.long, device=device),
            rows=None,  # type: ignore[arg-type]  # drawn from on the host, before the step
        )  # fmt: skip
        optimiser = make_optimiser(words.parameter, adapter.flat.parameter, config)
        if device.type == "meta":
            optimiser.step = lambda: None  # type: ignore[method-assign]  # fused: in place
        prompts = task_prompts(config, SOMEBODY)
        losses = Losses(list(prompts), device)
        step = make_step(
            backbone, config, cache,
            backbone.text.prepare(list(prompts.values()), by_placeholder(words.views())),
            words, adapter, optimiser, losses, setting.micro_batch,
        )  # fmt: skip
        zeros = torch.zeros(count, dtype=torch.long, device=device)
        draw = Draw(zeros, zeros + 1, zeros + 1, zeros,
                    torch.zeros(3, count, *shape, device=device))  # fmt: skip
        moments = [v for s in optimiser.state.values() for v in s.values() if v.numel() > 1]
        weights = [p for m in (backbone.unet, *backbone.text.encoders.values())
                   for p in (*m.parameters(), *m.buffers())]  # fmt: skip
        known = [
            *weights, *moments, words.parameter, adapter.flat.parameter, *draw_tensors(draw),
            cache.clean.mean, cache.clean.std, cache.masked.mean, cache.masked.std, cache.mask,
        ]  # fmt: skip
        frozen = sum({w.untyped_storage(): w.nbytes for w in weights}.values())
        if device.type == "meta":
            peak = _counted(lambda: step(draw), known)
        else:
            base = sum({k.untyped_storage(): k.nbytes for k in known if k is not None}.values())
            peak = base + _measured(lambda: step(draw))
        return peak, frozen


def draw_tensors(draw: Draw) -> list[Tensor]:
    return [draw.rows, draw.prompts, draw.tasks, draw.timestep, draw.noise]


def _counted(work: Callable[[], object], known: list[Any]) -> int:
    gc.collect()
    with torch.device("meta"), Meter(*known) as meter:
        work()
    return meter.peak


def _measured(work: Callable[[], object]) -> int:
    """Most bytes that torch's CPU allocator gave out at once while `work` ran."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    changes = [
        (event["ts"], event["args"]["Bytes"])
        for event in events
        if event.get("name") == "[memory]" and event["args"].get("Device Type") == 0
    ]
    live = peak = 0
    for _, change in sorted(changes, key=lambda pair: pair[0]):
        live += change
        peak = max(peak, live)
    return peak


def table_row(family: str) -> dict[str, Any]:
    """A row of `COSTS` as it is counted now."""
    backbone = build(family, "meta", torch.bfloat16)
    spec, size = backbone.spec, 2
    pixels = (spec.resolution // spec.latent_factor) ** 2

    def numbers(*found: torch.nn.Module) -> int:
        return sum(p.numel() for m in found for p in m.parameters())

    def activations(targets: str, twice: bool) -> tuple[int, int]:
        per = []
        for rank in (8, 48):
            setting = Setting(family, spec.resolution, 4, 4, twice, targets, rank, torch.bfloat16)
            small = replace(setting, batch=2, micro_batch=2)
            large, little = peak_of(setting, backbone)[0], peak_of(small, backbone)[0]
            per.append((large - little) / 2 / pixels / size)
        ranked = max((per[1] - per[0]) / 40, 0)
        return round(per[0] - 8 * ranked), round(ranked)

    def sizes(targets: str) -> int:
        with lora(backbone.unet, 1, targets) as adapter:
            return adapter.flat.parameter.numel()

    return {
        "unet": numbers(backbone.unet),
        "text": numbers(*backbone.text.encoders.values()),
        "vae": numbers(backbone.vae),
        "lora": {targets: sizes(targets) for targets in TARGETS},
        "step": {
            f"{targets}, {twice}": activations(targets, twice)
            for targets in TARGETS
            for twice in (False, True)
        },
        "prompt": round(_prompt(backbone) / size),
        "encode": round(_encode(backbone) / pixels / size),
    }


def _prompt(backbone: Backbone) -> float:
    """Bytes of one prompt more in the text encoders, with a word to learn."""
    table = attribute_table("male")
    words = learnable_words(backbone, "person", table)

    def encode(count: int) -> int:
        prompts = ["embedding:person/eyes"] * count
        prepared = backbone.text.prepare(list(prompts.values()), by_placeholder(words.views()))
        known = [
            p for m in backbone.text.encoders.values() for p in (*m.parameters(), *m.buffers())
        ]
        with _no_math_attention("meta"):
            return _counted(
                lambda: backbone.text.encode_prepared(prepared, by_placeholder(words.views())),
                known,
            )  # fmt: skip

    return (encode(5) - encode(1)) / 4


def _encode(backbone: Backbone) -> int:
    side = backbone.spec.resolution
    image = torch.zeros(1, 3, side, side, device="meta")
    known = [image, *backbone.vae.parameters(), *backbone.vae.buffers()]
    weights = sum(p.nbytes for p in backbone.vae.parameters())
    with _no_math_attention("meta"):
        return _counted(lambda: backbone.encode_image(image), known) - weights


def rows(settings: list[Setting], device: str) -> Iterator[dict[str, Any]]:
    """Predicted against counted ("meta") or measured ("cpu"); GB, and errors as shares."""
    kept: dict[tuple[str, torch.dtype], Backbone] = {}
    for setting in settings:
        key = setting.family, setting.dtype
        if key not in kept:
            kept.clear()
            kept[key] = build(setting.family, device, setting.dtype)
        found, frozen = peak_of(setting, kept[key])
        predicted = setting.predicted()
        row = {
            "setting": str(setting),
            "predicted_gb": round(predicted / 1e9, 3),
            "measured_gb" if device == "cpu" else "counted_gb": round(found / 1e9, 3),
            "weights_gb": round(frozen / 1e9, 3),
            "error": round(predicted / found - 1, 4),
            "error_beyond_weights": round((predicted - frozen) / (found - frozen) - 1, 4),
        }
        print(json.dumps(row), flush=True)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a training step.")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--skip-measured", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        print(json.dumps({name: table_row(name) for name in FAMILY}, indent=2))
        return
    result = {
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {platform.system()}, {torch.get_num_threads()} threads",
        "counted": list(rows(CUDA, "meta")),
        "measured": [] if arguments.skip_measured else list(rows(CPU, "cpu")),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
