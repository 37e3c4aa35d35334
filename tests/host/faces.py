"""Graphs of this pack that several tests need, on the model that ships with it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .client import Client, Run
from .graph import Graph, Node

TINY = "facea-tiny.safetensors"


def photos(graph: Graph, person: int = 3, count: int = 3) -> tuple[Node, Node]:
    """Adds painted photos and what was detected in them: (samples, detected)."""
    samples = graph.add("FaceASamplePhotos", person=person, photos=count, size=128)
    return samples, detect(graph, samples)


def detect(graph: Graph, images: Any, **changes: Any) -> Node:
    settings = {
        "words": "male",
        "custom_words": "",
        "detector": "tiny",
        "face_order": "largest",
        "face_index": 0,
        "face_threshold": 0.35,
        "part_threshold": 0.25,
        "on_missing": "error",
    }
    return graph.add("FaceAAttributeDetect", images=images, **settings | changes)


def checkpoint(graph: Graph, file: str = TINY) -> tuple[Node, list[Any], list[Any]]:
    """Adds a model: (model, clip, vae)."""
    loader = graph.add("CheckpointLoaderSimple", ckpt_name=file)
    return loader, loader.out(1), loader.out(2)


def train(
    graph: Graph, images: Any, attributes: Any, model: tuple[Any, Any, Any], **changes: Any
) -> Node:
    """Adds a short training; `changes` are inputs of the trainer."""
    settings = {
        "name": "person",
        "class_noun": "man",
        "preset": "tiny",
        "steps": 8,
        "batch": 1,
        "rank": 4,
        "words_rate": 0.0,
        "lora_rate": 0.0,
        "seed": 0,
        "previews": 0,
        "save_words": True,
        "settings": '{"variants": 2, "preview_share": 1}',
    }
    wires = dict(zip(("model", "clip", "vae"), model, strict=True))
    return graph.add(
        "FaceAEmbeddingTrainer",
        **{"images": images, "attributes": attributes, **wires, **settings, **changes},
    )


def training(count: int = 3, **changes: Any) -> tuple[Graph, Node]:
    """A whole graph that trains on `count` photos, and its trainer."""
    graph = Graph()
    samples, found = photos(graph, count=count)
    return graph, train(graph, samples, found, checkpoint(graph), **changes)


def load(graph: Graph, model: tuple[Any, Any, Any], file: str = "none", **wires: Any) -> Node:
    """Adds the loader of a person, from a file or from an identity that is wired."""
    return graph.add(
        "FaceALoRALoader",
        **{"model": model[0], "clip": model[1], "file": file},
        **{"lora_strength": 1.0, "words_strength": 1.0, **wires},
    )


def compose(graph: Graph, image: Any, model: tuple[Any, Any, Any], **changes: Any) -> Node:
    """Adds a quick repainting, and shows it; `changes` are inputs of the composer."""
    settings = {
        "prompt": "a photo of a man",
        "negative_prompt": "",
        "seed": 0,
        "steps": 4,
        "cfg": 0.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1.0,
        "context_factor": 1.5,
        "grow": 0.1,
        "feather": 0.08,
        "neck": 0.3,
        "hair": True,
        "colour_match": 1.0,
        "lora_strength": 1.0,
    }
    wires = dict(zip(("model", "clip", "vae"), model, strict=True))
    made = graph.add("FaceAInpaintCompose", **{"image": image, **wires, **settings, **changes})
    graph.add("PreviewImage", images=made)
    return made


def outcome(run: Run, trainer: Node) -> dict[str, Any]:
    """What the trainer says in /history: path, steps_run, resumed_from, cached …"""
    (said,) = run.outputs[trainer.id]["facea"]
    return json.loads(said) if isinstance(said, str) else said


def shown(client: Client, graph: Graph, *nodes: Any) -> list[list[np.ndarray]]:
    """The pictures of each, as a person sees them."""
    looks = [graph.add("PreviewImage", images=node) for node in nodes]
    run = client.run(graph)
    return [pictures_of(client, run, look) for look in looks]


def told(client: Client, graph: Graph, node: Node, report: Any) -> tuple[list[np.ndarray], Any]:
    """The pictures of a node, as `shown`, and its report; `report` is that output."""
    look = graph.add("PreviewImage", images=node)
    said = graph.add("PreviewAny", source=report)
    run = client.run(graph)
    return pictures_of(client, run, look), json.loads(run.outputs[said.id]["text"][0])


def pictures_of(client: Client, run: Run, look: Node) -> list[np.ndarray]:
    return [
        np.asarray(client.view(one).convert("RGB")).astype(int)
        for one in run.outputs[look.id]["images"]
    ]
