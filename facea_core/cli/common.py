"""The flags that several commands have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..backbone.spec import PREDICTIONS
from ..detection.grounding.releases import RELEASES
from .flags import Form, flag


@dataclass(frozen=True)
class DetectorFlags(Form):
    detector: str = flag(
        "auto",
        "mesh or landmarks (photographs), tiny (synthetic faces), grounding-dino; auto = the "
        "first that finds a face",
    )
    detector_model: Path | None = flag(
        None,
        "Grounding-DINO weights; none = those in models/grounding-dino or in a cache, if any",
        "FILE|DIR",
    )
    detector_download: str | None = flag(
        None,
        "download Grounding-DINO's weights if they are missing: swint 694 MB, swinb 938 MB",
        "|".join(RELEASES),
    )


def config_flag() -> Any:
    return flag(None, "read flags from a JSON file", "FILE.json")


def device_flag(names: str = "auto, cpu, cuda, cuda:1, mps") -> Any:
    return flag("auto", names, "DEVICE")


def embedder_flag() -> Any:
    return flag(
        "auto",
        "tiny (synthetic people) or landmarks (photographs); auto chooses by the detector of the"
        " faces",
        "NAME",
    )


def prediction_flag() -> Any:
    return flag(
        None,
        "what the model predicts; none = as its file says, or the family's default",
        "|".join(PREDICTIONS),
    )


def vae_flag() -> Any:
    return flag(
        None,
        "a file or folder with the VAE, for a model without one; none = the model's own",
        "FILE|DIR",
    )


def own_masks_flag() -> Any:
    return flag(
        None,
        "masks you drew, which override detection: DIR/PHOTO.ATTRIBUTE.png, white = the part",
        "DIR",
    )
