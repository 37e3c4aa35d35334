"""The asset files, of what a run folder holds."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import torch
from safetensors.torch import load_file

import facea_core
from facea_core import __version__
from facea_core.backbone import load_backbone
from facea_core.backbone.control import original_state
from facea_core.backbone.load import single_file_state
from facea_core.backbone.spec import CONTROL_FILE, TINY, TINY_FILE
from facea_core.detection.painted_model import DETECTOR_FILE, load_part_detector
from facea_core.evaluation.identity_encoder import (
    ENCODER_FILE,
    PROBE_FILE,
    load_attribute_probe,
)
from facea_core.synthetic.render import VOCABULARY

from . import score
from .job import Job, slim, write
from .repaint import reconstruct
from .sheets import write_sheets
from .tokenizer import write_tokenizer

log = logging.getLogger("facea.pretrain")
ASSETS = Path(facea_core.__file__).parent / "assets"
# Whole tokens for what people may type beside the painter's own words.
MORE_WORDS = "eye ear lips chin teeth child girl boy his her their old young , . ! ? : ; ' \""


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


def publish_control(job: Job) -> None:
    """The ControlNet alone, with the hash of the published backbone that it belongs to."""
    backbone = load_backbone("tiny")
    figures = json.loads((job.folder / "control" / "figures.json").read_text("utf-8"))
    metadata = {
        "modelspec.architecture": f"{TINY.plain}/controlnet",
        "facea.family": TINY.spec.family,
        "facea.base_hash": backbone.hash,
        "facea.recipe": json.dumps({"control": figures}),
        "facea.tool_version": __version__,
    }
    path = ASSETS / CONTROL_FILE
    path.parent.mkdir(exist_ok=True)
    write(original_state(job.control(backbone)), path, metadata, half=True)
