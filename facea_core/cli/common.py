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
        "auto, mesh or landmarks (photographs), tiny (painted faces), grounding-dino; "
        "auto = the first that finds a face",
    )
    detector_model: Path | None = flag(
        None,
        "weights of Grounding-DINO; none = those in models/grounding-dino or in a cache, if any",
        "FILE|DIR",
    )
    detector_download: str | None = flag(
        None,
        "fetch Grounding-DINO's weights now, if they are not there: swint 694 MB, swinb 938 MB",
        "|".join(RELEASES),
    )


def config_flag() -> Any:
    return flag(None, "flags from a JSON file", "FILE.json")


def device_flag(names: str = "auto, cpu, cuda, cuda:1, mps") -> Any:
    return flag("auto", names, "DEVICE")


def embedder_flag() -> Any:
    return flag(
        "auto",
        "tiny (painted people) or landmarks (photographs); auto goes by who found the faces",
        "NAME",
    )


def prediction_flag() -> Any:
    return flag(
        None,
        "what the model predicts; none = as its file says, or as models of its family do",
        "|".join(PREDICTIONS),
    )


def vae_flag() -> Any:
    return flag(
        None,
        "a file or folder with the autoencoder, for a model without one; none = the model's own",
        "FILE|DIR",
    )


def own_masks_flag() -> Any:
    return flag(
        None,
        "masks you drew, which outweigh what is found: DIR/PHOTO.ATTRIBUTE.png, white = the part",
        "DIR",
    )
