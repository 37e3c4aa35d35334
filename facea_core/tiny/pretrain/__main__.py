"""`python -m facea_core.tiny.pretrain`: rebuild the miniature, stage by stage, from a seed.

Each stage leaves its result in the run folder; a stage whose result is there is not run again, and
the long one goes on from its last state. The finished files are written to the asset folder.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ... import __version__
from ...backbone import Backbone, load_backbone
from ...backbone.load import TINY_FILE, move, single_file_state
from ..model import (
    DETECTOR_FILE,
    ENCODER_FILE,
    IdentityEncoder,
    PartDetector,
    load_identity_encoder,
    load_part_detector,
    random_backbone,
)
from ..painter import VOCABULARY
from ..tokenizer import write_tokenizer
from . import score
from .autoencoder import NarrowAutoencoder, export, train_autoencoder
from .captions import describe_pool
from .dataset import draw_pool, paint_pool
from .denoiser import Encoded, encode_pool, train_denoiser
from .detector import train_detector
from .encoder import train_encoder

log = logging.getLogger("facea.pretrain")
Model = TypeVar("Model", bound=nn.Module)
ASSETS = Path(__file__).parents[2] / "assets"
# Whole tokens for what people may type beside the painter's own words.
MORE_WORDS = "ears eye ear lips chin teeth child girl boy his her their old young , . ! ? : ; ' \""


@dataclass(frozen=True)
class Recipe:
    """Everything the weights depend on."""

    seed: int = 0
    autoencoder_rounds: tuple[tuple[int, int], ...] = (
        (650, 130),
        (350, 60),
        (0, 350),
        (0, 600),
    )
    people: int = 4000
    pictures_each: int = 2
    denoiser_steps: int = 1000
    detector_steps: int = 450
    encoder_groups: int = 1500
    encoder_steps: int = 400


class Run:
    """A run folder; every stage is a method that makes its file if it is missing."""

    def __init__(self, folder: Path, recipe: Recipe, device: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.recipe, self.device = folder, recipe, device

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add what passes to `<name>.seconds`: a stage may take several runs."""
        path, start = self.folder / f"{name}.seconds", time.time()
        try:
            yield
        finally:
            spent = float(path.read_text()) if path.exists() else 0.0
            path.write_text(f"{spent + time.time() - start:.0f}")

    @property
    def seconds(self) -> dict[str, int]:
        return {path.stem: int(path.read_text()) for path in sorted(self.folder.glob("*.seconds"))}

    def stage(self, name: str, model: Model, train: Callable[[], nn.Module]) -> Model:
        path = self.folder / f"{name}.safetensors"
        if not path.exists():
            with self.timed(name):
                _write(train().state_dict(), path)
        model.load_state_dict(load_file(path))
        return model.to(self.device).eval().requires_grad_(False)

    def autoencoder(self) -> NarrowAutoencoder:
        r = self.recipe
        model = NarrowAutoencoder()
        for number, (steps, decoder_steps) in enumerate(r.autoencoder_rounds):

            def train(
                n: int = number, all_steps: int = steps, decoder: int = decoder_steps
            ) -> nn.Module:
                pool = paint_pool(1500, 2, r.seed + 1, self.device)
                return train_autoencoder(
                    model, pool, all_steps, decoder, r.seed + n, self.device, fresh=n == 0
                )

            self.stage(f"autoencoder-{number}", model, train)
            model.requires_grad_(True)
        return model.requires_grad_(False)

    def detector(self) -> PartDetector:
        r = self.recipe

        def train() -> nn.Module:
            pool = paint_pool(1200, 2, r.seed + 3, self.device)
            return train_detector(pool, r.detector_steps, r.seed, self.device)

        return self.stage("detector", PartDetector(), train)

    def encoder(self) -> IdentityEncoder:
        r = self.recipe
        autoencoder = self.autoencoder()

        def rebuild(image: Tensor) -> Tensor:
            return autoencoder.decode(autoencoder.encode(image))

        return self.stage(
            "encoder", IdentityEncoder(),
            lambda: train_encoder(r.encoder_groups, r.encoder_steps, r.seed, self.device, rebuild),
        )  # fmt: skip

    def backbone(self) -> Backbone:
        """The trained backbone; trains what is still to train of it."""
        r = self.recipe
        autoencoder = self.autoencoder()
        start = random_backbone(r.seed)
        start.vae.load_state_dict(export(autoencoder.cpu()).state_dict())
        backbone = move(start, self.device, torch.float32)
        path = self.folder / "latents.safetensors"
        if not path.exists():
            pool = paint_pool(r.people, r.pictures_each, r.seed + 2, self.device)
            with self.timed("encode"):
                data = encode_pool(pool, autoencoder.to(self.device), r.seed, self.device)
            _write(vars(data), path)
        said = describe_pool(*draw_pool(r.people, r.pictures_each, r.seed + 2))
        data = Encoded(**load_file(path))
        with self.timed("denoiser"):
            train_denoiser(backbone, said, data, r.denoiser_steps, r.seed, self.folder)
        return backbone


def _write(state, path: Path, metadata: dict[str, str] | None = None) -> None:
    save_file({k: v.detach().contiguous().cpu() for k, v in state.items()}, path, metadata)
    path.chmod(0o644)  # safetensors writes for the owner's eyes only


def publish(run: Run, backbone: Backbone) -> None:
    """Write the asset files in float16, then score exactly what was written."""
    ASSETS.mkdir(exist_ok=True)
    recipe = json.dumps(asdict(run.recipe), sort_keys=True)
    metadata = {"facea.recipe": recipe, "facea.tool_version": __version__}
    half = {k: v.half() for k, v in single_file_state(backbone).items()}
    _write(
        half, ASSETS / TINY_FILE, {**metadata, "modelspec.architecture": "facea-tiny-inpainting"}
    )
    for name, model in ((DETECTOR_FILE, run.detector()), (ENCODER_FILE, run.encoder())):
        _write({k: v.half() for k, v in model.state_dict().items()}, ASSETS / name, metadata)


def scores(device: str) -> dict[str, float]:
    backbone = load_backbone("tiny", device)
    score.sample_sheet(backbone).save(ASSETS / "facea-tiny.jpg", quality=88)
    return {
        **score.score_autoencoder(backbone),
        **score.score_denoiser(backbone),
        **score.score_detector(load_part_detector()),
        **score.score_encoder(load_identity_encoder().to(device), device),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/pretrain"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", choices=["autoencoder", "detector", "encoder", "backbone"])
    parser.add_argument("--recipe", type=json.loads, default={}, help='JSON, e.g. {"seed": 1}')
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recipe = Recipe(**args.recipe)
    run = Run(args.run, recipe, args.device)
    if args.only:
        getattr(run, args.only)()
        return
    write_tokenizer(ASSETS / "tiny-tokenizer", [*VOCABULARY, *MORE_WORDS.split()])
    publish(run, run.backbone())
    report = {
        "recipe": asdict(recipe),
        "device": f"{args.device}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        "seconds": run.seconds,
        "scores": scores(args.device),
    }
    (ASSETS / "facea-tiny.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    log.info("%s", json.dumps(report["scores"], indent=2))


if __name__ == "__main__":
    torch.set_flush_denormal(True)  # silent zeros instead of a tenfold slowdown on a CPU
    main()
