"""A training step inside ComfyUI against one of the core alone, the two taking turns.

    python tests/bench/bench_host.py [--rounds 4] [--steps 40] [--json FILE]

A real server trains for some steps, then this process does the same without it, and so on. Each
round has its own seed, so nothing is found instead of trained. Previews are off in both.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from facea_core.backbone import load_backbone
from facea_core.demo import draw_cast
from facea_core.detection.detect import DetectConfig, detect_attributes
from facea_core.detection.load import load_detector
from facea_core.identity.subject import Subject
from facea_core.training import TrainConfig, train_identity
from facea_core.types import Photo, StepReport
from tests.host.client import Client
from tests.host.install import find
from tests.host.server import Server

PERSON = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args()
    photos, noun = learn_from()
    backbone = load_backbone("tiny")
    inside, alone = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(find(), Path(folder) / "base") as server,
        Client(server.url) as client,
    ):
        for seed in range(flags.rounds + 1):
            run = client.run(graph(noun, flags.steps, seed), timeout=900)
            (record,) = run.entry["outputs"]["4"]["facea"]
            here = step_alone(photos, noun, backbone, flags.steps, seed)
            # The first round warms both up.
            if seed:
                inside.append(record["seconds_per_step"])
                alone.append(here)
                print(f"round {seed}: ComfyUI {inside[-1]:.4f} s, alone {alone[-1]:.4f} s")
    result = {
        "seconds_per_step_in_comfyui": inside,
        "seconds_per_step_alone": alone,
        "speed_in_comfyui": round(median(a / i for a, i in zip(alone, inside, strict=True)), 4),
        "steps": flags.steps,
        "torch": torch.__version__,
        "machine": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
    }
    print(f"speed in ComfyUI, core alone = 1: {result['speed_in_comfyui']}")
    if flags.json:
        flags.json.write_text(json.dumps(result, indent=2) + "\n")


def learn_from() -> tuple[list[Photo], str]:
    cast = draw_cast(PERSON)
    images = cast.photos.image.split(1)
    found = detect_attributes(images, load_detector("tiny"), DetectConfig("male"))
    faces = [face for face in found if face is not None]
    return [Photo(i, f) for i, f in zip(images, faces, strict=True)], cast.noun


def step_alone(photos, noun: str, backbone, steps: int, seed: int) -> float:
    """Seconds per step of the core's loop, as its last report says."""
    config = TrainConfig.from_preset("tiny", attributes="male", steps=steps, seed=seed)
    reports: list[StepReport] = []
    train_identity(photos, backbone, config, Subject("person", noun), on_step=reports.append)
    return reports[-1].seconds / steps


def graph(noun: str, steps: int, seed: int) -> dict:
    def node(kind: str, **inputs) -> dict:
        return {"class_type": kind, "inputs": inputs}

    return {
        "1": node("FaceASamplePhotos", person=PERSON, photos=3, size=128),
        "2": node(
            "FaceAAttributeDetect", images=["1", 0], words="male", custom_words="",
            detector="tiny", face_order="largest", face_index=0, face_threshold=0.35,
            part_threshold=0.25, on_missing="error",
        ),
        "3": node("CheckpointLoaderSimple", ckpt_name="facea-tiny.safetensors"),
        "4": node(
            "FaceAEmbeddingTrainer", images=["1", 0], attributes=["2", 0], model=["3", 0],
            clip=["3", 1], vae=["3", 2], name="bench", class_noun=noun, preset="tiny", steps=steps,
            batch=0, rank=0, words_rate=0.0, lora_rate=0.0, seed=seed, previews=0,
            save_words=False, settings="",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    main()
