"""The bench: contenders in turns in one process, counts, curves, and what must hold of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any

import torch

from facea_core.backbone import load_backbone
from facea_core.errors import ConfigError
from facea_core.training.config import TrainConfig

from .config import BenchConfig
from .contenders import CAPTURED, DIFFUSERS, EAGER, KOHYA, KOHYA_ATTENTION, UPSTREAM, contenders
from .counting import Counts, Tally
from .curves import Nobody, compare_curves, curve_gates
from .end_to_end import end_to_end
from .fake_device import OURS, count_pretended
from .gates import Gate, agreement, counted, speed
from .machine import BATCHES, floor, machine
from .models import family_named, painted_photos, random_backbone
from .statistics import ratio, summary
from .task import Task, lay_open
from .timing import Block, Pattern, measure

Progress = Callable[[str], None]
AGREEING = 8
"""Steps whose losses are compared: more than a capture needs."""
RATIOS = (
    (DIFFUSERS, EAGER), (DIFFUSERS, CAPTURED), (KOHYA, EAGER), (KOHYA, CAPTURED),
    (KOHYA_ATTENTION, EAGER), (KOHYA_ATTENTION, CAPTURED), (EAGER, CAPTURED),
)  # fmt: skip


def families(config: BenchConfig, device: torch.device) -> tuple[str, ...]:
    """The models that are timed. Raises `ConfigError` for one that is unknown."""
    automatic = "sd15, sdxl" if device.type == "cuda" else "narrow"
    return _names(automatic if config.models == "auto" else config.models)


def run_bench(config: BenchConfig, device: str = "cpu", say: Progress = print) -> dict[str, Any]:
    """Everything that `config` asks for, as plain values; `passed` says whether all gates held.

    On a CPU one thread is used, and its own seconds are measured, for they do not depend on what
    else the machine is doing. Raises `ConfigError` for an unknown model or device.
    """
    place = torch.device(device)
    models = families(config, place)
    pretended = _names(config.counts)
    threads = torch.get_num_threads()
    if place.type == "cpu":
        torch.set_num_threads(1)
    elif place.type == "cuda":
        torch.cuda.set_device(place if place.index is not None else 0)
    else:
        raise ConfigError(f"device {device!r} has no clock that is known here; give cpu or cuda")
    gates: list[Gate] = []
    result: dict[str, Any] = {
        "machine": machine(place),
        "settings": asdict(config),
        "contenders": UPSTREAM,
    }
    try:
        if config.timing:
            result["runs"] = [_timed(config, model, place, gates, say) for model in models]
        if pretended:
            result["pretended"] = {name: _pretended(config, name, gates, say) for name in pretended}
        if config.curves:
            result["curves"] = _curves(config, place, gates, say)
        if config.end_to_end:
            result["end_to_end"] = {}
            for model in models:
                say(f"{model}: from photos to a saved identity")
                training = replace(_training(config, model), steps=800, variants=16)
                result["end_to_end"][model] = end_to_end(family_named(model), training, place)
                _let_go(place)
    finally:
        torch.set_num_threads(threads)
    result["gates"] = [gate.to_dict() for gate in gates]
    result["passed"] = all(gate.passed for gate in gates)
    return result


def _timed(
    config: BenchConfig, model: str, device: torch.device, gates: list[Gate], say: Progress
) -> dict[str, Any]:
    on_cuda = device.type == "cuda"
    dtype = torch.bfloat16 if on_cuda else torch.float32
    steps = config.steps or (30 if on_cuda else 4)
    pattern = Pattern(warm=6, steps=steps, alone=6) if on_cuda else Pattern(warm=1, steps=steps)
    family = family_named(model)
    say(f"{model}: random weights")
    backbone = random_backbone(family, device, dtype)
    photos = painted_photos(1, family.spec.resolution)
    training = replace(_training(config, model), steps=pattern.total)
    task = lay_open(photos, backbone, training)
    blocks: dict[str, list[Block]] = {}
    for turn in range(config.rounds):
        for name, contender in contenders(task).items():
            say(f"{model}: round {turn + 1} of {config.rounds}, {name}")
            block = measure(contender, device, pattern)
            # Whoever stops it keeps these.
            say(f"{1000 * median(block.seconds):.1f} ms, {block.mode}")
            blocks.setdefault(name, []).append(block)
    told = replace(training, steps=min(AGREEING, pattern.total))
    short = contenders(replace(task, config=told, draws=task.draws[: told.steps]), every_loss=True)
    losses = {name: of[0].losses or short[name](Nobody()).losses for name, of in blocks.items()}
    rows = {name: summary(of, training.batch) for name, of in blocks.items()}
    best = floor(device, model, training.batch)
    for row in rows.values():
        row["of_floor"] = best / row["median_ms"] if best else None
    ratios = {
        f"{slow} / {fast}": ratio(blocks[slow], blocks[fast])
        for slow, fast in RATIOS
        if fast in blocks
    }
    gates += agreement(losses, model, str(dtype).removeprefix("torch."))
    counts = {} if on_cuda else _counts(task, say, model)
    if counts:
        gates += counted(counts[EAGER], counts[DIFFUSERS], model)
    gates += speed(rows, ratios, machine(device)["device"], model)
    notes = () if on_cuda else (f"{CAPTURED} is missing: CUDA graphs need a CUDA device",)
    del task, backbone
    _let_go(device)
    return {
        "model": model,
        "resolution": family.spec.resolution,
        "batch": training.batch,
        "dtype": str(dtype).removeprefix("torch."),
        "clock": "CUDA events" if on_cuda else "processor seconds of one thread",
        "floor_ms": best,
        "rows": rows,
        "ratios": ratios,
        "losses": {name: list(values[:AGREEING]) for name, values in losses.items()},
        "counts": {name: asdict(count) for name, count in counts.items()},
        "notes": notes,
    }


def _counts(task: Task, say: Progress, model: str) -> dict[str, Counts]:
    """Counts of a step in the middle: neither the first one nor the last, which reports."""
    say(f"{model}: counting")
    config = replace(task.config, steps=3)
    short = replace(task, config=config, draws=task.draws[: config.steps])
    found = {}
    for name, contender in contenders(short).items():
        with Tally(task.backbone) as tally:
            contender(tally)
        found[name] = tally.steps[1]
    return found


def _pretended(config: BenchConfig, model: str, gates: list[Gate], say: Progress) -> dict[str, Any]:
    say(f"{model}: counting on a GPU that is pretended")
    counts = count_pretended(family_named(model), _training(config, model))
    gates += counted(counts[OURS], counts[DIFFUSERS], f"{model} on CUDA, pretended")
    return {name: asdict(count) for name, count in counts.items()}


def _curves(
    config: BenchConfig, device: torch.device, gates: list[Gate], say: Progress
) -> list[dict[str, Any]]:
    found = []
    narrow = family_named("narrow")
    cases = {
        "narrow": (
            lambda dtype: random_backbone(narrow, device, dtype),
            narrow.spec.resolution,
            _training(config, "narrow"),
        ),
        "facea-tiny": (
            lambda dtype: load_backbone("tiny", device, dtype),
            128,
            TrainConfig.from_preset("tiny", seed=config.seed),
        ),
    }
    for model, (make, size, training) in cases.items():
        say(f"{model}: 50 steps in float32 and in bfloat16")
        training = replace(training, steps=50)
        found.append(compare_curves(model, make, painted_photos(1, size), training))
        gates += curve_gates(found[-1])
    return found


def _training(config: BenchConfig, model: str) -> TrainConfig:
    # Few crops: a step takes as long with many, and only the set-up would grow.
    batch = config.batch or BATCHES.get(model, 4)
    return TrainConfig(batch=batch, rank=config.rank, seed=config.seed, variants=2)


def _names(text: str) -> tuple[str, ...]:
    names: Sequence[str] = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        family_named(name)
    return tuple(names)


def _let_go(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
