"""FaceA in a real ComfyUI on a CUDA machine, at both of its allocators: `make gpu`.

    python -m tests.gpu [--json FILE] [--launch default|native|alone] [--rehearse]

For each way to launch ComfyUI: the first template on facea-tiny, then SD 1.5 and SDXL of random
weights, with previews and without, stopped and gone on with, ten prompts on end, after another
model. Then the core alone, also on cards that are told to be smaller: `alone.py`. Each row says
what it took beside what was planned, and whether ComfyUI is alive after it; then what has to hold.
One --launch takes less than ten minutes. COMFYUI_PATH names the checkout. Without CUDA one line
says so; --rehearse does facea-tiny's rows on the CPU.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from ..host.client import Client, Run
from ..host.faces import checkpoint, detect, outcome, train
from ..host.graph import Graph, Node
from ..host.install import location
from ..host.server import Server

LAUNCHES = {"default": (), "native": ("--disable-cuda-malloc",)}
ALONE = "alone"
CHECKPOINTS = ("sd15-inpainting", "sdxl-inpainting", "sdxl-base")
CUDA = torch.cuda.is_available()
SIZES = {"facea-tiny": 128, "sd15-inpainting": 512, "sdxl-inpainting": 1024}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--launch", choices=[*LAUNCHES, ALONE], action="append")
    parser.add_argument("--rehearse", action="store_true")
    flags = parser.parse_args()
    if not torch.cuda.is_available() and not flags.rehearse:
        print("there is no CUDA device: the tests on a GPU are left out (--rehearse: on the CPU)")
        return 0
    rows: list[dict[str, Any]] = []
    launches = flags.launch or [*LAUNCHES, ALONE]
    if ALONE in launches:
        rows += alone(flags.rehearse)
        launches.remove(ALONE)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "checkpoints"
        models.mkdir()
        if launches and not flags.rehearse:
            script = str(Path(__file__).with_name("checkpoints.py"))
            command = [sys.executable, script, str(location()), str(models), *CHECKPOINTS]
            subprocess.run(command, check=True)
        for launch in launches:
            # A folder of its own: nothing is found that another launch has learned.
            base = Path(folder) / launch
            place = base / "models" / "checkpoints"
            place.mkdir(parents=True)
            for file in models.iterdir():
                (place / file.name).symlink_to(file)
            with Server(location(), base, *LAUNCHES[launch], cpu=flags.rehearse) as server:
                rows += every_row(launch, server, flags.rehearse)
    held = {law: holds for law, holds in laws(rows).items() if holds is not None}
    for law, holds in held.items():
        print(f"{'holds' if holds else 'FAILS'}: {law}")
    about = {"machine": machine(), "rows": rows, "laws": held}
    if flags.json:
        flags.json.write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    bad = [row for row in rows if not row["alive"] or row.get("error")]
    print(f"{len(rows)} rows, {len(bad)} of them failed or ended ComfyUI")
    return bool(bad) or not all(held.values())


def alone(rehearse: bool) -> list[dict[str, Any]]:
    """The rows of `alone.py`, a process of its own that gives all of its memory back."""
    command = [sys.executable, "-m", "tests.gpu.alone", *(["--rehearse"] if rehearse else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, end="", flush=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def laws(rows: list[dict[str, Any]]) -> dict[str, bool | None]:
    """What has to hold, by these rows; None for what they do not tell."""

    def told(key: str) -> list[Any]:
        return [row[key] for row in rows if row.get(key) is not None]

    def steps(launch: str) -> float | None:
        found = [r for r in rows if r["launch"] == launch and r["what"] == "1000 steps"]
        return found[0].get("step_ms") if found else None

    inside, outside = steps("native"), steps(ALONE)
    tens = [r["card_gb"] for r in rows if "of 10" in r["what"] and r.get("card_gb")]
    over = [r["torch_gb"] / r["planned_gb"] for r in rows if r.get("torch_gb")]
    shares = [share for share in told("previews_share") if share]
    return {
        "ComfyUI lives": all(row["alive"] for row in rows),
        "no more memory than planned, nor 15 % less": all(0.85 <= o <= 1 for o in over)
        if over
        else None,
        "previews take 5 % at most": max(shares) <= 0.05 if CUDA and shares else None,
        "a stop is heard in 0.5 s": max(told("stop_s")) <= 0.5 if told("stop_s") else None,
        "inside ComfyUI 0.95 as fast": outside / inside >= 0.95 if inside and outside else None,
        "ten prompts, memory flat": max(tens[3:]) - tens[2] <= 0.2 if len(tens) > 9 else None,
    }


def every_row(launch: str, server: Server, rehearse: bool) -> Iterator[dict[str, Any]]:
    """The table of one launch. After ComfyUI's death it is started anew."""
    rows = [
        ("first template", Trial("facea-tiny", 100, preset="tiny", batch=0, rank=0, previews=8)),
        ("stopped", Trial("facea-tiny", 400, preset="tiny", stop_after=5)),
        ("gone on with", Trial("facea-tiny", 400, preset="tiny")),
        *((f"prompt {n + 1} of 10", Trial("facea-tiny", 5, seed=n)) for n in range(10)),
        ("another model", Trial("facea-tiny", 0)),
        ("after it", Trial("facea-tiny", 5, seed=11)),
    ]  # fmt: skip
    if not rehearse:
        rows += [
            ("warm", Trial("sd15-inpainting", 10, seed=90)),
            ("without previews", Trial("sd15-inpainting", 200, seed=1)),
            ("8 previews", Trial("sd15-inpainting", 200, seed=2, previews=8)),
            ("stopped", Trial("sd15-inpainting", 400, seed=4, stop_after=8)),
            ("gone on with", Trial("sd15-inpainting", 400, seed=4)),
            ("another model", Trial("sdxl-base", 0)),
            ("after it", Trial("sd15-inpainting", 10, seed=5)),
            ("60 steps", Trial("sdxl-inpainting", 60, batch=1, previews=4)),
            ("4 pictures", Trial("sdxl-inpainting", 20, batch=4)),
        ]
    if launch == "native" and not rehearse:  # eager, it would take minutes
        rows.append(("1000 steps", Trial("sd15-inpainting", 1000, seed=3, previews=8)))
    for name, trial in rows:
        row = {"launch": launch, "model": trial.model, "what": name, **measured(server, trial)}
        print(json.dumps(row), flush=True)
        if not row["alive"]:
            server.restart()
        yield row


class Trial:
    """One training: inputs of the trainer, and after how many seconds it is stopped.

    With 0 steps it is a picture by ComfyUI's own nodes, whose model then stays on the card.
    """

    def __init__(self, model: str, steps: int, stop_after: float = 0, **changes: Any) -> None:
        self.model, self.steps, self.stop_after = model, steps, stop_after
        given = {"preset": "paper", "batch": 4 if model != "facea-tiny" else 1, "rank": 48}
        self.changes = {**given, "steps": steps, "settings": "", "name": "gpu", **changes}

    def graph(self) -> tuple[Graph, Node]:
        graph = Graph()
        if not self.steps:
            return graph, picture(graph, f"{self.model}.safetensors")
        side = SIZES[self.model]
        samples = graph.add("FaceASamplePhotos", person=3, photos=3, size=side)
        model = checkpoint(graph, f"{self.model}.safetensors")
        return graph, train(graph, samples, detect(graph, samples), model, **self.changes)


def measured(server: Server, trial: Trial) -> dict[str, Any]:
    graph, trainer = trial.graph()
    began, row, stopped = monotonic(), {}, []
    try:
        with Client(server.url) as client, watched() as peak:
            prompt = client.queue(graph)
            if trial.stop_after:
                threading.Timer(trial.stop_after, lambda: interrupt(server, stopped)).start()
            run = client.wait(prompt, timeout=330)
        row = figures(run, trainer) if trial.steps or run.error else {}
        if stopped:
            row["stop_s"] = round(monotonic() - stopped[0], 2)
        row["card_gb"] = max(peak, default=None)
    except Exception as error:  # whatever it is, the next row is wanted too
        row = {"error": f"{type(error).__name__}: {error}"[:300]}
    return {**row, "wall_s": round(monotonic() - began, 2), "alive": server.alive}


def picture(graph: Graph, file: str) -> Node:
    """Adds a picture of two steps by ComfyUI's own nodes."""
    model, clip, vae = checkpoint(graph, file)
    text = graph.add("CLIPTextEncode", clip=clip, text="a face")
    empty = graph.add("EmptyLatentImage", width=512, height=512, batch_size=1)
    latent = graph.add(
        "KSampler", model=model, positive=text, negative=text, latent_image=empty,
        seed=0, steps=2, cfg=1.0, sampler_name="euler", scheduler="normal", denoise=1.0,
    )  # fmt: skip
    return graph.add("PreviewImage", images=graph.add("VAEDecode", samples=latent, vae=vae))


def interrupt(server: Server, stopped: list[float]) -> None:
    with Client(server.url) as client:
        stopped.append(monotonic())
        client.interrupt()


def figures(run: Run, trainer: Node) -> dict[str, Any]:
    if run.error is not None:
        return {"error": str(run.error)[:300]}
    if run.interrupted:
        return {"interrupted": True}
    said = outcome(run, trainer)
    planned = re.search(r"about ([\d.]+)", said["plan"])
    return {
        **{key: said[key] for key in ("steps_run", "resumed_from", "seconds", "mode", "plan")},
        "step_ms": round(1000 * said["seconds_per_step"], 1),
        "previews_share": round(said["seconds_of_previews"] / max(said["seconds"], 1e-3), 4),
        "planned_gb": float(planned[1]) if planned else None,
        "notes": said["notes"],
    }


@contextmanager
def watched() -> Iterator[list[float]]:
    """GB in use on the card, looked at four times a second."""
    found: list[float] = []
    over = threading.Event()

    def look() -> None:
        while torch.cuda.is_available() and not over.wait(0.25):
            free, total = torch.cuda.mem_get_info()
            found.append(round((total - free) / 1e9, 2))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def machine() -> dict[str, str]:
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    return {"device": card, "torch": torch.__version__, "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main())
