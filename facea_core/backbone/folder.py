"""Folders that hold a model: which one is meant, and which files hold the weights of a module."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BackboneError, quoted, shortened

_VARIANTS = ("", ".fp16", ".bf16", ".fp32")
WEIGHTS = "diffusion_pytorch_model"
"""How diffusers names the file of a module's weights."""

_MODULES = ("unet", "vae", "text_encoder", "text_encoder_2")
_SCHEDULE = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012}


def find_checkpoint(path: Path) -> Path:
    """The diffusers folder, or the .safetensors file, that `path` means: itself for the most part.

    A folder of the hub's cache means its snapshot, a folder with one .safetensors file that file.
    Raises BackboneError, with what to give instead, for a part of a diffusers folder, and for
    folders that hold no model or several.
    """
    inside = path if path.is_dir() else path.parent
    if inside.name in _MODULES and all((inside.parent / name).is_dir() for name in _MODULES[:3]):
        raise BackboneError(
            f"{path} is only the {inside.name} of a model; give the folder around it, "
            f"{inside.parent}"
        )
    if not path.is_dir() or (path / "unet").is_dir():
        return path
    if (path / "snapshots").is_dir():
        return find_checkpoint(snapshot_of(path))
    files = sorted(path.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    near = files or [found.parent for found in sorted(path.glob("*/unet"))]
    near = near or sorted(path.glob("*/*.safetensors"))
    near = near or [found.parent for found in sorted(path.glob("*/snapshots"))]
    if near:
        names = ", ".join(str(found.relative_to(path)) for found in near[:3])
        raise BackboneError(
            f"{path} is no model but holds {len(near)}: {shortened(names)}; give one of them"
        )
    raise BackboneError(
        f"{path.name} holds no U-Net and no .safetensors file; give a whole Stable Diffusion 1.5, "
        "2 or XL checkpoint, best an inpainting one"
    )


def snapshot_of(path: Path) -> Path:
    """The snapshot that a folder of the hub's cache means: that of `main`, or the only one."""
    try:
        main = (path / "refs" / "main").read_text("utf-8").strip()
    except (OSError, ValueError):
        main = ""
    if main and (path / "snapshots" / main).is_dir():
        return path / "snapshots" / main
    snapshots = sorted(found for found in (path / "snapshots").iterdir() if found.is_dir())
    if len(snapshots) == 1:
        return snapshots[0]
    names = shortened(", ".join(found.name for found in snapshots)) or "none"
    raise BackboneError(
        f"{path.name} holds {len(snapshots)} snapshots ({names}) and does not say which is meant; "
        "give the folder of one of them, or download the model again"
    )


def other_schedule(config: Mapping[str, Any]) -> str | None:
    """What about a scheduler's config is not as in Stable Diffusion's training; None = nothing.

    What the config does not say is taken for Stable Diffusion's.
    """
    if config.get("rescale_betas_zero_snr"):
        return "zero terminal SNR"
    if "FlowMatch" in str(config.get("_class_name", "")):
        return "flow matching"
    if config.get("trained_betas"):
        return "betas of its own"
    kind = config.get("beta_schedule", "scaled_linear")
    if kind != "scaled_linear":
        return f"beta_schedule {quoted(kind)}"
    for name, usual in _SCHEDULE.items():
        value = config.get(name, usual)
        if not isinstance(value, int | float) or not math.isclose(value, usual, rel_tol=1e-6):
            return f"{name} {quoted(value)}"
    return None


@dataclass(frozen=True)
class Folder:
    """What `save_pretrained` wrote, or a download of it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def config(self, module: str, file: str) -> dict[str, Any]:
        """A module's JSON file; empty if there is none."""
        path = self.path / module / file
        if not path.is_file():
            return {}
        try:
            config = json.loads(path.read_text("utf-8"))
        except (ValueError, OSError) as error:
            raise BackboneError(f"{path} is no JSON ({error}); download it again") from error
        if not isinstance(config, dict):
            raise BackboneError(f"{path} is no JSON object; download it again")
        return config

    def files(self, module: str, stem: str) -> list[Path]:
        """The .safetensors files of a module, the full-size variant first; none = no such module.

        Raises BackboneError if there are only pickles, or shards are missing.
        """
        folder = self.path / module
        for variant in _VARIANTS:
            for name in (
                f"{stem}.safetensors.index{variant}.json",
                f"{stem}{variant}.safetensors.index.json",
            ):
                if (folder / name).is_file():
                    return self._shards(module, name)
            single = folder / f"{stem}{variant}.safetensors"
            if single.is_file():
                return [single]
        pickles = [path.name for path in folder.glob("*.bin")]
        if pickles:
            raise BackboneError(
                f"{self.name}/{module} holds only pickles ({pickles[0]}), which can run code; "
                "download its .safetensors files"
            )
        return []

    def _shards(self, module: str, index: str) -> list[Path]:
        names = set(self.config(module, index).get("weight_map", {}).values())
        shards = sorted(self.path / module / name for name in names)
        for shard in shards:
            if not shard.is_file():
                raise BackboneError(
                    f"{self.name}/{module} lacks {shard.name}, which {index} names; download it"
                )
        return shards
