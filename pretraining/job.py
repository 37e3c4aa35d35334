"""One call of the recipe: what it goes on from, and where it writes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, ControlNetModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facea_core.backbone import Backbone, load_backbone
from facea_core.backbone.load import move, random_backbone

from . import autoencoder as ae
from . import control, denoiser
from .dataset import Pool, paint_pool
from .train import Loss, Piece, train_piece, worker

log = logging.getLogger("facea.pretrain")


@dataclass(frozen=True)
class Job:
    """One call: its piece, how many people each process paints for it, and how it starts."""

    piece: Piece
    people: int
    fresh: bool
    scale: float = 1.0
    """How wide an encoder is, in the published one's layers; another than 1 begins from nothing."""

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
