"""Which settings of the `tiny` preset learn a painted person best, and in how long.

    python tests/bench/bench_preset.py --seeds 301 302 --out tests/bench/results/preset.jsonl

Every arm trains the same people; one line per demo, and what is in the file already is not run
again, so processes may share it. Prints the table of what is there, best first.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch

from facea_core.demo import run_demo

ARMS: dict[str, dict[str, Any]] = {
    "200 steps": {"steps": 200, "decay": "constant"},
    "200 steps, falling": {"steps": 200, "decay": "linear"},
    "200 steps, lora x 2": {"steps": 200, "decay": "constant", "lora_rate": 2e-3},
    "400 steps, falling, lora x 2": {"steps": 400, "decay": "linear", "lora_rate": 2e-3},
}
"""What each changes in the preset."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(301, 302), help="first and last")
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=ARMS, metavar="ARM")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("preset.jsonl"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for seed in range(args.seeds[0], args.seeds[1] + 1):
        for arm in args.arms:
            if any(row["arm"] == arm and row["seed"] == seed for row in _rows(args.out)):
                continue
            with tempfile.TemporaryDirectory() as folder:
                report = run_demo(folder, seed=seed, **ARMS[arm])
            row = {
                "arm": arm, "settings": ARMS[arm], "seed": seed,
                "gain": report["heldout_after"] - report["heldout_before"],
                "after": report["heldout_after"], "copy_paste": report["copy_paste"],
                "train_seconds": report["seconds"]["train"], "threads": args.threads,
            }  # fmt: skip
            with args.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    print(_table(_rows(args.out)))


def _rows(path: Path) -> list[dict[str, Any]]:
    return (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    )


def _table(rows: list[dict[str, Any]]) -> str:
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        means = [
            statistics.mean(row[k] for row in mine)
            for k in ("after", "gain", "copy_paste", "train_seconds")
        ]
        least = min(row["gain"] for row in mine)
        cells = [f"{value:.3f}" for value in (*means[:2], least, means[2])] + [f"{means[3]:.0f}"]
        lines.append((means[0], f"| {arm} | {len(mine)} | " + " | ".join(cells) + " |"))
    head = (
        "| Arm | People | Held-out after | Gain | Least gain | Copy-paste | Seconds of training |"
    )
    return "\n".join(
        [head, "|---|---|---|---|---|---|---|", *(line for _, line in sorted(lines, reverse=True))]
    )


if __name__ == "__main__":
    main()
