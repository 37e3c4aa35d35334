"""`python -m pretraining STAGE`: train the miniature, some minutes at a time.

Every call goes on where the last one in the run folder stopped; the first one starts from the
published weights, or from nothing with `--fresh`. On a CPU,
`torchrun --nproc-per-node 2 -m pretraining STAGE` shares a stage among processes.
The order: autoencoder, denoiser, decoder (latents stay as they are), detector, encoder, publish;
then control, beside what was published, and publish-control.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from facea_core.detection.painted_model import PartDetector, load_part_detector
from facea_core.evaluation.identity_encoder import (
    AttributeProbe,
    IdentityEncoder,
    load_attribute_probe,
)

from . import autoencoder as ae
from . import control, denoiser, detector, encoder, score
from .job import Job, slim
from .latents import encode_pictures
from .publish import publish, publish_control
from .repaint import reconstruct
from .sheets import reconstruction_sheet, write_sheets
from .train import Piece, worker

log = logging.getLogger("facea.pretrain")


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
    anew = job.fresh or job.scale != 1
    probe = AttributeProbe(IdentityEncoder(job.scale)) if anew else load_attribute_probe()
    probe = probe.to(job.device)
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
        probe = AttributeProbe(IdentityEncoder(job.scale))
        probe.load_state_dict(load_file(folder / "encoder.safetensors"))
        probe = probe.to(job.device).eval().requires_grad_(False)
        found = score.score_encoder(probe, job.device, lambda p: reconstruct(backbone, p), 50)
    elif stage == "control":
        found = control.score_control(job.control(backbone), backbone, job.piece)
    else:
        found = score.score_autoencoder(backbone)
        reconstruction_sheet(backbone, 32).save(folder / "facea-tiny-latents.jpg", quality=90)
    figures = json.loads((folder / stage / "figures.json").read_text("utf-8"))
    with (folder / "scores.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"stage": stage, **figures, **found}) + "\n")
    log.info("%s", found)


STAGES: dict[str, tuple[Callable[[Job], None], int]] = {
    "autoencoder": (train_autoencoder, 3000),
    "decoder": (train_decoder, 3000),
    "denoiser": (train_denoiser, 4500),
    "detector": (train_detector, 1200),
    "encoder": (train_encoder, 1200),
    "control": (train_control, 4500),
    "publish": (publish, 0),
    "publish-control": (publish_control, 0),
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
    parser.add_argument("--compile", action="store_true", help="compile networks first: minutes")
    parser.add_argument(
        "--half", action="store_true",
        help="compute in bfloat16, as a GPU always does: faster on a CPU that has units for it",
    )  # fmt: skip
    parser.add_argument(
        "--scale", type=float, default=1.0, choices=(0.5, 0.75, 1.0, 1.5),
        help="how wide the encoder's layers are; another than 1 makes a second one, to judge by",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="do not start from published weights")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if "cpu" in args.device:
        torch.set_num_threads(max(1, torch.get_num_threads() // worker()[1]))
    stage, people = STAGES[args.stage]
    args.folder.mkdir(parents=True, exist_ok=True)
    piece = Piece(
        args.folder, args.minutes, *args.rate, seed=args.seed, device=args.device, batch=args.batch,
        compiled=args.compile, half=args.half,
    )  # fmt: skip
    job = Job(piece, args.people or people, args.fresh, args.scale)
    stage(job)
    if people and worker()[0] == 0:
        look(job, args.stage)


if __name__ == "__main__":
    torch.set_flush_denormal(True)  # silent zeros instead of a tenfold slowdown on a CPU
    main()
