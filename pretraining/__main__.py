"""`python -m pretraining STAGE`: train the miniature, some minutes at a time.

Every call goes on where the last one in the run folder stopped; the first one starts from the
published weights, or from nothing with `--fresh`. On a CPU,
`torchrun --nproc-per-node 2 -m pretraining STAGE` shares a stage among processes.
The order: autoencoder, denoiser, decoder (latents stay as they are), detector, encoder, publish.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, ControlNetModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import facea_core
from facea_core import __version__
from facea_core.backbone import Backbone, load_backbone
from facea_core.backbone.load import TINY_FILE, move, random_backbone, single_file_state
from facea_core.detection.painted_model import DETECTOR_FILE, PartDetector, load_part_detector
from facea_core.evaluation.identity_encoder import (
    ENCODER_FILE,
    PROBE_FILE,
    AttributeProbe,
    load_attribute_probe,
)
from facea_core.synthetic.render import VOCABULARY

from . import autoencoder as ae
from . import control, denoiser, detector, encoder, score
from .dataset import Pool, paint_pool
from .latents import encode_pictures
from .repaint import reconstruct
from .sheets import reconstruction_sheet, write_sheets
from .tokenizer import write_tokenizer
from .train import Loss, Piece, train_piece, worker

log = logging.getLogger("facea.pretrain")
ASSETS = Path(facea_core.__file__).parent / "assets"
# Whole tokens for what people may type beside the painter's own words.
MORE_WORDS = "ears eye ear lips chin teeth child girl boy his her their old young , . ! ? : ; ' \""


@dataclass(frozen=True)
class Job:
    """One call: its piece, how many people each process paints for it, and how it starts."""

    piece: Piece
    people: int
    fresh: bool

    @property
    def device(self) -> str:
        return self.piece.device

    @property
    def folder(self) -> Path:
        return self.piece.folder

    @property
    def seed(self) -> int:
        """Another one for each process: each paints its own people."""
        return self.piece.seed * 1009 + worker()[0] + 1

    def pool(self) -> Pool:
        return paint_pool(self.people, 1, self.seed, self.device)

    def learn(self, name: str, network: nn.Module, loss: Loss, rate: float) -> None:
        figures = train_piece(name, network, loss, self.piece, rate)
        log.info("%s", figures)

    def write(self, name: str, state: dict[str, Tensor]) -> None:
        if worker()[0] == 0:
            write(state, self.folder / f"{name}.safetensors")

    def autoencoder(self) -> ae.NarrowAutoencoder:
        """As the run has it, or the published one."""
        path = self.folder / "autoencoder.safetensors"
        if path.exists():
            model = ae.NarrowAutoencoder()
            model.load_state_dict(load_file(path))
        else:
            published = load_backbone("tiny").vae
            assert isinstance(published, AutoencoderTiny)
            model = ae.narrow(published)
        return model.to(self.device).eval().requires_grad_(False)

    def backbone(self) -> Backbone:
        """As the run has it; what is not there yet is the published one's."""
        start = random_backbone(self.piece.seed) if self.fresh else load_backbone("tiny")
        start.vae.load_state_dict(ae.export(self.autoencoder().cpu()).state_dict())
        path = self.folder / "denoiser.safetensors"
        if path.exists():
            denoiser.networks(start).load_state_dict(load_file(path))
        return move(start, self.device, torch.float32)

    def control(self, backbone: Backbone) -> ControlNetModel:
        """As the run has it, or one that has learned nothing."""
        network = control.start_control(backbone)
        path = self.folder / "control.safetensors"
        if path.exists():
            network.load_state_dict(load_file(path))
        nn.Module.to(network, self.device)  # diffusers' own is typed for a dtype alone
        return network


def train_autoencoder(job: Job) -> None:
    pool = job.pool()
    sample, _ = pool.batch(torch.arange(min(512, len(pool))), job.device)
    if job.fresh:
        model = ae.NarrowAutoencoder().to(job.device)
        ae.start_at_linear_optimum(model, sample)
    else:
        model = job.autoencoder()
    job.learn("autoencoder", model, ae.autoencoder_loss(model, pool, job.piece), ae.RATE)
    ae.normalise(model, sample)
    job.write("autoencoder", model.state_dict())


def train_decoder(job: Job) -> None:
    """More of the decoder alone, at any time: latents stay valid."""
    model, pool = job.autoencoder(), job.pool()
    ae.wake(model.decoder)
    loss = ae.autoencoder_loss(model, pool, job.piece)
    job.learn("decoder", model.decoder, loss, ae.RATE / 2)
    job.write("autoencoder", model.state_dict())


def train_denoiser(job: Job) -> None:
    backbone = job.backbone()
    data, said = encode_pictures(job.people, job.seed, job.autoencoder(), job.piece)
    network = denoiser.networks(backbone)
    loss = denoiser.denoiser_loss(backbone, said, data, job.piece)
    job.learn("denoiser", network, loss, denoiser.RATE)
    job.write("denoiser", network.state_dict())


def train_detector(job: Job) -> None:
    model = PartDetector() if job.fresh else load_part_detector()
    model = model.to(job.device)
    loss = detector.detector_loss(model, job.pool(), job.piece)
    job.learn("detector", model, loss, detector.RATE)
    job.write("detector", model.state_dict())


def train_encoder(job: Job) -> None:
    """Sees what this run's backbone makes of faces as well."""
    backbone = slim(job.backbone())
    heads = encoder.paint_heads(
        job.people, job.seed, job.device, lambda painted: reconstruct(backbone, painted),
        every=encoder.REPAINTED,
    )  # fmt: skip
    probe = (AttributeProbe() if job.fresh else load_attribute_probe()).to(job.device)
    loss = encoder.encoder_loss(probe, heads, job.piece)
    job.learn("encoder", probe, loss, encoder.RATE)
    job.write("encoder", probe.state_dict())


def train_control(job: Job) -> None:
    """Beside this run's backbone, which stays as it is."""
    backbone = slim(job.backbone())
    data = control.encode_hints(job.people, job.seed, backbone, job.piece)
    network = job.control(backbone)
    loss = control.control_loss(network, backbone, data, job.piece)
    job.learn("control", network, loss, control.RATE)
    job.write("control", network.state_dict())


def publish(job: Job) -> None:
    """Write the asset files in float16, then score exactly what was written."""
    write_tokenizer(ASSETS / "tiny-tokenizer", [*VOCABULARY, *MORE_WORDS.split()])
    stages = {
        p.parent.name: json.loads(p.read_text("utf-8"))
        for p in sorted(job.folder.glob("*/figures.json"))
    }
    metadata = {"facea.recipe": json.dumps(stages), "facea.tool_version": __version__}
    backbone = {**metadata, "modelspec.architecture": "facea-tiny-inpainting"}
    write(single_file_state(job.backbone()), ASSETS / TINY_FILE, backbone, half=True)
    for stage, prefixes, file in (
        ("detector", {"": ""}, DETECTOR_FILE),
        ("encoder", {"encoder.": ""}, ENCODER_FILE),
        ("encoder", {"heads.": "heads.", "geometry.": "geometry."}, PROBE_FILE),
    ):
        path = job.folder / f"{stage}.safetensors"
        if path.exists():
            state = {
                new + key.removeprefix(old): value for key, value in load_file(path).items()
                for old, new in prefixes.items() if key.startswith(old)
            }  # fmt: skip
            write(state, ASSETS / file, metadata, half=True)
    report(job, stages)


def report(job: Job, stages: dict[str, dict[str, float]]) -> None:
    published, probe = load_backbone("tiny", job.device), load_attribute_probe().to(job.device)
    backbone = slim(published)
    write_sheets(backbone, job.folder)
    scores = {
        **score.score_autoencoder(published),
        **score.score_denoiser(backbone),
        **score.score_captions(backbone, probe),
        **score.score_detector(load_part_detector(), backbone),
        **score.score_encoder(probe, job.device, lambda painted: reconstruct(backbone, painted)),
    }
    device = f"{job.device}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    text = json.dumps({"device": device, "stages": stages, "scores": scores}, indent=2)
    (ASSETS / "facea-tiny.json").write_text(text + "\n", "utf-8")
    log.info("%s", text)


def look(job: Job, stage: str) -> None:
    """After a piece: how good its stage is now on people never seen. A line of `scores.jsonl`, and
    a sheet where there is something to see."""
    backbone, folder = slim(job.backbone()), job.folder
    if stage == "denoiser":
        found = score.score_denoiser(backbone, 64)
        write_sheets(backbone, folder)
    elif stage == "detector":
        model = load_part_detector(folder / "detector.safetensors")
        found = score.score_detector(model, backbone, 20)
    elif stage == "encoder":
        probe = AttributeProbe()
        probe.load_state_dict(load_file(folder / "encoder.safetensors"))
        probe = probe.to(job.device).eval().requires_grad_(False)
        found = score.score_encoder(probe, job.device, lambda p: reconstruct(backbone, p), 50)
    else:
        found = score.score_autoencoder(backbone)
        reconstruction_sheet(backbone, 32).save(folder / "facea-tiny-latents.jpg", quality=90)
    figures = json.loads((folder / stage / "figures.json").read_text("utf-8"))
    with (folder / "scores.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"stage": stage, **figures, **found}) + "\n")
    log.info("%s", found)


def slim(backbone: Backbone) -> Backbone:
    """The same function, several times as fast on a CPU."""
    assert isinstance(backbone.vae, AutoencoderTiny)
    model = ae.narrow(backbone.vae).to(backbone.device).eval().requires_grad_(False)
    vae: Any = ae.Slim(model)
    return replace(backbone, vae=vae)


def write(state, path: Path, metadata: dict[str, str] | None = None, *, half: bool = False) -> None:
    """Safetensors, readable by everybody: the library writes for the owner's eyes only."""
    kept = {k: v.detach().contiguous().cpu() for k, v in state.items()}
    save_file({k: v.half() for k, v in kept.items()} if half else kept, path, metadata)
    path.chmod(0o644)


STAGES: dict[str, tuple[Callable[[Job], None], int]] = {
    "autoencoder": (train_autoencoder, 3000),
    "decoder": (train_decoder, 3000),
    "denoiser": (train_denoiser, 4500),
    "detector": (train_detector, 1200),
    "encoder": (train_encoder, 1200),
    "control": (train_control, 4500),
    "publish": (publish, 0),
}
"""What each stage does, and how many people each process paints for it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--folder", type=Path, default=Path("runs/pretrain"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument(
        "--rate", type=float, nargs=2, default=(1.0, 1.0), metavar=("FIRST", "LAST"),
        help="the rate goes evenly from FIRST to LAST times its height; the last piece: 1 0",
    )  # fmt: skip
    parser.add_argument("--batch", type=int, help="of each process; for a GPU some hundreds")
    parser.add_argument("--people", type=int, help="how many each process paints")
    parser.add_argument("--seed", type=int, default=0, help="another one for every piece")
    parser.add_argument("--compile", action="store_true", help="compile networks first; untried")
    parser.add_argument("--fresh", action="store_true", help="do not start from published weights")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if "cpu" in args.device:
        torch.set_num_threads(max(1, torch.get_num_threads() // worker()[1]))
    stage, people = STAGES[args.stage]
    args.folder.mkdir(parents=True, exist_ok=True)
    piece = Piece(
        args.folder, args.minutes, *args.rate, seed=args.seed, device=args.device, batch=args.batch,
        compiled=args.compile,
    )  # fmt: skip
    job = Job(piece, args.people or people, args.fresh)
    stage(job)
    if stage is not publish and worker()[0] == 0:
        look(job, args.stage)


if __name__ == "__main__":
    torch.set_flush_denormal(True)  # silent zeros instead of a tenfold slowdown on a CPU
    main()
