"""The template that trains and paints, from photos to the picture, on a full-size SD 1.5 model.

    FACEA_FULL_SIZE=1 pytest tests/host/test_paint_yourself.py

Its weights are random, so the face that it paints is noise: what holds here is the way there. It
takes minutes on a processor, and is left out unless asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from facea_core.demo import draw_cast
from facea_core.io.images import save_image

from .client import Client
from .faces import pictures_of
from .fixtures import Tell
from .graph import Graph, only
from .install import ROOT
from .server import Server

pytestmark = pytest.mark.skipif(
    os.environ.get("FACEA_FULL_SIZE") != "1", reason="takes minutes; set FACEA_FULL_SIZE=1"
)

TEMPLATE = "2-train-and-paint-yourself"
SIZE = 256


@pytest.fixture(scope="module")
def ready(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with what the template asks for: a checkpoint, three photos, a picture."""
    base = tmp_path_factory.mktemp("yourself") / "base"
    checkpoints, photos = base / "models" / "checkpoints", base / "input" / "photos"
    checkpoints.mkdir(parents=True)
    photos.mkdir(parents=True)
    script = ROOT / "tests" / "gpu" / "checkpoints.py"
    command = [sys.executable, str(script), str(comfyui), str(checkpoints), "sd15-inpainting"]
    subprocess.run(command, check=True, capture_output=True, timeout=400)
    (checkpoints / "sd15-inpainting.safetensors").rename(
        checkpoints / "sd-v1-5-inpainting.safetensors"
    )
    cast = draw_cast(4, SIZE)
    for number, photo in enumerate(cast.photos.image, 1):
        save_image(photo[None], photos / f"photo-{number}.png")
    save_image(cast.context.image[:1], base / "input" / "my-picture.jpg")
    with Server(comfyui, base) as server:
        yield server
    (checkpoints / "sd-v1-5-inpainting.safetensors").unlink()


def test_three_photos_become_a_face_in_a_picture(
    ready: Server, graphs: Callable[[str], dict[str, Any]], tell: Tell
):
    graph = Graph(graphs(TEMPLATE))
    trainer, compose = (only(graph, f"FaceA{n}") for n in ("EmbeddingTrainer", "InpaintCompose"))
    few = {"variants": 1, "resolution": 128}
    graph[trainer.id]["inputs"].update(
        steps=1, batch=1, previews=0, preset="auto", settings=json.dumps(few)
    )
    graph[only(graph, "FaceAPhotoAudit").id]["inputs"]["resolution"] = SIZE
    graph[compose.id]["inputs"]["steps"] = 2
    mask = graph.add("MaskToImage", mask=compose.out(2))
    shown = graph.add("PreviewImage", images=mask)
    before = graph.add("PreviewImage", images=only(graph, "LoadImage"))
    began = time.monotonic()
    with Client(ready.url) as client:
        run = client.run(graph, timeout=3600)
        seconds = time.monotonic() - began
        after, mask, before = (
            pictures_of(client, run, node)[0]
            for node in (only(graph, "FaceASaveImage"), shown, before)
        )
    tell(f"{TEMPLATE} on a full-size SD 1.5, 1 step of 128 pixels: {seconds:.0f} s")
    inside = mask[..., 0] > 0
    changed = (after != before).any(axis=-1)
    assert 0.02 < inside.mean() < 0.9
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.5
    assert "models/loras/facea/person.safetensors" in ready.files()
