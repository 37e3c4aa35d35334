"""FaceA Doctor in ComfyUI: it tells of this host, and finds what is wired and wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from facea_core.identity import save_identity
from facea_core.types import Identity, IdentityMeta, LoraWeights, Word

from .client import Client
from .graph import Graph
from .server import PACK, Server

SCRIPT = Path(__file__).with_name("late.py")
LARGE = ("diffusers", "transformers", "peft", "dlib", "groundingdino", "scipy")


def examined(client: Client, **wires: Any) -> tuple[dict[str, Any], float]:
    """The report of the doctor with these checkpoints wired, by input, and how long it took."""
    graph = Graph()
    loaded = {
        name: graph.add("CheckpointLoaderSimple", ckpt_name=ckpt) for name, ckpt in wires.items()
    }
    outputs = {"model": 0, "clip": 1, "vae": 2}
    wired = {name: node.out(outputs[name]) for name, node in loaded.items()}
    node = graph.add("FaceADoctor", **wired)
    began = time.monotonic()
    run = client.run(graph)
    (report,) = run.outputs[node.id]["facea"]
    return report, time.monotonic() - began


def lines(report: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {line["topic"]: line for line in report["lines"]}


def test_it_tells_of_this_host(client: Client, tell):
    report, seconds = examined(client)
    said = lines(report)
    tell(f"FaceA Doctor: {seconds:.1f} s, {len(said)} lines")
    assert report["healthy"], [line for line in report["lines"] if line["state"] == "problem"]
    for topic in ("ComfyUI", "options", "relied on", "torch", "device", "facea-tiny", "tiny"):
        assert topic in said
    assert said["relied on"]["state"] == "ok"
    assert "--cpu" in said["options"]["text"]
    for topic in ("people (LoRAs)", "words (embeddings)", "output", "unfinished trainings"):
        assert "can be written" in said[topic]["text"]
    json.dumps(report)


def test_it_looks_again_each_time(client: Client):
    graph = Graph()
    node = graph.add("FaceADoctor")
    assert node.id in client.run(graph).executed
    assert node.id in client.run(graph).executed


def test_it_says_what_is_wired(client: Client):
    tiny = "facea-tiny.safetensors"
    report, _ = examined(client, model=tiny, clip=tiny, vae=tiny)
    said = lines(report)
    assert "facea-tiny" in said["MODEL"]["text"]
    assert [said[name]["state"] for name in ("MODEL", "CLIP", "VAE")] == ["ok", "ok", "ok"]


def test_the_pack_starts_quickly_and_says_nothing(host: Server, tell):
    started, *_ = host.log.split("To see the GUI")
    found = re.search(rf"([\d.]+) seconds:? .*{PACK}", started)
    assert found
    tell(f"the pack adds {found[1]} s to ComfyUI's start")
    assert not [line for line in started.splitlines() if line.startswith("FaceA")]


@pytest.fixture(scope="module")
def started(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("late")
    people = base / "models" / "loras" / "facea"
    people.mkdir(parents=True)
    word = Word("ada/eyes", "eyes", "eyes", {"clip_l": torch.zeros(1, 8)})
    lora = {"mid.attn1.to_q": LoraWeights(torch.zeros(4, 8), torch.zeros(8, 4), 4.0)}
    meta = IdentityMeta("sd15", "0" * 16, "woman", "a photo of embedding:ada/eyes", 1, 0, 4)
    save_identity(Identity("ada", (word,), lora, meta), people / "ada.safetensors")
    command = [sys.executable, str(SCRIPT), str(comfyui), str(base)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_loading_the_pack_and_its_schemas_imports_no_large_library(started: dict[str, Any], tell):
    tell(f"the pack and its schemas: {started['seconds']} s CPU")
    assert len(started["nodes"]) == 23
    assert started["warnings"] == []
    assert not set(LARGE) & {name.partition(".")[0] for name in started["new"]}


def test_schemas_load_of_the_core_only_what_needs_no_torch(started: dict[str, Any]):
    """What nodes work with is imported when they run; the files of people are told by headers."""
    assert "facea/ada.safetensors" in started["people"]
    assert "facea-net.facea_core.training.config" in started["new"]
    assert started["at work"] == []


def test_a_host_that_lacks_something_is_told_of(started: dict[str, Any]):
    assert started["healthy"] == []
    (ill,) = started["ill"]
    assert "_try_get_embedding" in ill
    assert "words" in ill
