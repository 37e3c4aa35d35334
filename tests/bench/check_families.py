"""Full-size checkpoints of random weights, in the published layouts, through every door.

    python tests/bench/check_families.py [sd15 sd2 sdxl] [--work FOLDER] [--json FILE] [--train]

For each family ComfyUI's own modules are built and filled, and written as ComfyUI writes a
checkpoint, with the names beside it that the published files have; and as a diffusers folder, with
diffusers' own converters. Then both, and ComfyUI's MODEL, CLIP and VAE, are loaded by FaceA and
compared with what ComfyUI's modules make of the same file in float32. `--train` takes one step of
training. Every stage is a process of its own, with its peak of memory. SDXL needs 17 GB of memory,
16 GB of disk and ten minutes.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "host"))

from families.checkpoint import write
from families.doors import file, folder, train, wired
from families.full_size import UNET
from families.outputs import theirs

STAGES = {"write": write, "theirs": theirs, "file": file, "folder": folder, "wired": wired}
IN_COMFYUI = ("write", "theirs", "wired")


class Peak(threading.Thread):
    """The most memory of its own that this process held, pages of files left out."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.anonymous = 0
        self.stop = threading.Event()

    def run(self) -> None:
        status = Path("/proc/self/status")
        while not self.stop.wait(0.05):
            for line in status.read_text().splitlines():
                if line.startswith("RssAnon"):
                    self.anonymous = max(self.anonymous, int(line.split()[1]))


def one_stage(stage: str, family: str, work: Path) -> None:
    peak = Peak()
    peak.start()
    if stage in IN_COMFYUI:
        from inside import enter
        from install import find

        enter(find(), work / "comfyui")
    found = {**STAGES, "train": train}[stage](family, work)
    peak.stop.set()
    found["peak_gib"] = round(peak.anonymous / 2**20, 2)
    found["peak_with_file_pages_gib"] = round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2
    )
    (work / f"{stage}.json").write_text(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=list(UNET))
    parser.add_argument("--work", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--stages", nargs="*", default=list(STAGES))
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.stage:
        one_stage(flags.stage, flags.families[0], flags.work)
        return
    with tempfile.TemporaryDirectory() as temporary:
        base = flags.work or Path(temporary)
        found = {family: run(family, base / family, flags) for family in flags.families}
    if flags.json:
        known = json.loads(flags.json.read_text()) if flags.json.exists() else {}
        for family, stages in found.items():
            known[family] = {**known.get(family, {}), **stages}
        known["machine"] = machine()
        flags.json.write_text(json.dumps(known, indent=2) + "\n")


def run(family: str, work: Path, flags: Any) -> dict[str, Any]:
    work.mkdir(parents=True, exist_ok=True)
    found = {}
    for stage in [*flags.stages, *(["train"] if flags.train else [])]:
        command = [sys.executable, __file__, family, "--work", str(work), "--stage", stage]
        subprocess.run(command, check=True)
        found[stage] = json.loads((work / f"{stage}.json").read_text())
        print(family, stage, json.dumps(found[stage]), flush=True)
    return found


def machine() -> dict[str, str]:
    import diffusers
    import torch
    import transformers

    return {
        "cpu": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
    }


if __name__ == "__main__":
    main()
