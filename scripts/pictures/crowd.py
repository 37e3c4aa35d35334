"""Pictures of trainings of many people."""

from __future__ import annotations

import tempfile
from pathlib import Path

from queue_workflow import Graph

from .studio import DOCS, Studio, card, jpg, look_at, poster, save

PEOPLE = {"ada": (3, "woman"), "ben": (4, "man"), "eve": (5, "woman")}


def train_folder(studio: Studio) -> None:
    """Three painted people in folders of their own, and each of them in one picture."""
    graph: Graph = {}
    for name, (person, _) in PEOPLE.items():
        graph[f"{name} painted"] = {
            "class_type": "FaceASamplePhotos",
            "inputs": {"person": person, "photos": 3, "size": 128},
            "_meta": {"title": f"{name} painted"},
        }
        look_at(graph, name, f"{name} painted", 0)
    photos = studio.run(graph)
    with tempfile.TemporaryDirectory() as place:
        for name, (_, noun) in PEOPLE.items():
            folder = Path(place) / name
            folder.mkdir()
            for number, photo in enumerate(photos[name]):
                photo.save(folder / f"{number}.png")
            (folder / "class.txt").write_text(noun, "utf-8")
        shown = studio.run(_everybody(place))
    rows = [[photos[name][0] for name in PEOPLE], shown["The result"]]
    captions = ["a folder of photos for each,", "and each in one picture"]
    card("19-train-folder", rows, captions)
    save(poster(rows, captions), DOCS / jpg("TrainFolder"))


def _everybody(folder: str) -> Graph:
    """Learns them on the small model, and paints each into the same picture."""
    graph: Graph = {}

    def add(key: str, kind: str, **inputs: object) -> None:
        graph[key] = {"class_type": kind, "inputs": inputs, "_meta": {"title": key}}

    add("base", "CheckpointLoaderSimple", ckpt_name="facea-tiny.safetensors")
    wires = {"model": ["base", 0], "clip": ["base", 1], "vae": ["base", 2]}
    add(
        "train", "FaceATrainFolder", **wires, folder=folder, class_noun="person", preset="auto",
        steps=0, seed=0, policy="skip", words="male", detector="tiny", on_missing="skip",
        previews=0, settings="",
    )  # fmt: skip
    add(
        "load", "FaceALoRALoader", model=["base", 0], clip=["base", 1], file="none",
        identity=["train", 0], lora_strength=1.0, words_strength=1.0,
    )  # fmt: skip
    add("picture", "FaceASamplePhotos", person=12, photos=1, size=128)
    words = {"words": "custom", "custom_words": "face", "detector": "tiny", "on_missing": "error"}
    order = {"face_order": "largest", "face_index": 0, "face_threshold": 0.35}
    add(
        "found", "FaceAAttributeDetect", images=["picture", 1], part_threshold=0.25, **words,
        **order,
    )  # fmt: skip
    add(
        "paint", "FaceAInpaintCompose", image=["picture", 1], model=["load", 0], clip=["load", 1],
        vae=["base", 2], prompt=["load", 2], attributes=["found", 0], negative_prompt="", seed=1,
        steps=20, cfg=0.0, sampler_name="dpmpp_2m", scheduler="karras", denoise=1.0,
        context_factor=1.5, grow=0.1, feather=0.08, neck=0.3, hair=True, colour_match=1.0,
        lora_strength=1.0,
    )  # fmt: skip
    look_at(graph, "The result", "paint", 0)
    return graph
