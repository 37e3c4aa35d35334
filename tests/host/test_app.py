"""The app template, from three photos, a name and a picture to the result, with the small model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from facea_core.demo import draw_cast
from facea_core.io.images import to_pil

from .client import Client
from .faces import TINY, outcome, pictures_of
from .graph import Graph, only

APP = "6-a-person-into-a-picture.app"


def test_the_app_paints_the_person_into_the_picture(
    client: Client, graphs: Callable[[str], dict[str, Any]]
):
    cast = draw_cast(6, 128)
    names = [
        client.upload(to_pil(one[None]), f"app-{i}.png") for i, one in enumerate(cast.photos.image)
    ]
    names.append(client.upload(to_pil(cast.context.image[:1]), "app-picture.png"))
    graph = Graph(graphs(APP))
    places = [node for node in graph.values() if node["class_type"] == "LoadImage"]
    for place, name in zip(places, names, strict=True):
        place["inputs"]["image"] = name
    trainer, compose = (only(graph, f"FaceA{n}") for n in ("EmbeddingTrainer", "InpaintCompose"))
    graph[only(graph, "CheckpointLoaderSimple").id]["inputs"]["ckpt_name"] = TINY
    graph[trainer.id]["inputs"].update(preset="auto", steps=4, batch=1, previews=2, name="app")
    graph[compose.id]["inputs"]["steps"] = 4
    mask = graph.add("MaskToImage", mask=compose.out(2))
    shown = graph.add("PreviewImage", images=mask)
    run = client.run(graph, timeout=300)
    assert outcome(run, trainer)["steps_run"] == 4
    made, mask = (
        pictures_of(client, run, node)[0] for node in (only(graph, "FaceASaveImage"), shown)
    )
    before = np.asarray(to_pil(cast.context.image[:1])).astype(int)
    inside = mask[..., 0] > 0
    changed = (made != before).any(axis=-1)
    assert 0.05 < inside.mean() < 0.8
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.5
