"""The whole demo over several people: how much each one gains, and in how long.

    python tests/bench/bench_demo.py --seeds 101 110 --out demo-bench
    python tests/bench/bench_demo.py --seeds 301 303 --set rank=32 steps=200 --out wide-bench

Writes each seed's files below `--out` and the table as `scores.json`.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from pathlib import Path

import torch

from facea_core.demo import run_demo

KEYS = ("identity_before", "identity_after", "heldout_before", "heldout_after", "copy_paste")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(101, 110), help="first and last")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="SETTING=VALUE", help="training settings to change"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("demo-bench"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    changes = {key: json.loads(value) for key, value in (one.split("=", 1) for one in args.set)}
    rows = []
    print("seed  before   after    gain  copy-paste  outside  seconds  person")
    for seed in range(args.seeds[0], args.seeds[1] + 1):
        report = run_demo(args.out / f"seed-{seed}", seed=seed, **changes)
        gain = report["heldout_after"] - report["heldout_before"]
        outside, seconds = report["outside_mask_max_abs_diff"], report["seconds"]["total"]
        rows.append({"seed": seed, "gain": gain, "outside": outside, "seconds": seconds}
                    | {key: report[key] for key in KEYS})  # fmt: skip
        print(
            f"{seed:4}  {report['heldout_before']:+.3f}  {report['heldout_after']:+.3f}  "
            f"{gain:+.3f}  {report['copy_paste']:+10.3f}  {outside:7g}  {seconds:7.1f}  "
            f"{report['person']}",
            flush=True,
        )
    gains = [row["gain"] for row in rows]
    summary = {
        "mean_gain": statistics.mean(gains),
        "sd_gain": statistics.stdev(gains) if len(gains) > 1 else math.nan,
        "positive": sum(gain > 0 for gain in gains),
        "people": len(gains),
        "worst_seconds": max(row["seconds"] for row in rows),
        "largest_outside": max(row["outside"] for row in rows),
        "torch": torch.__version__,
        "threads": args.threads,
        "changes": changes,
    }
    (args.out / "scores.json").write_text(json.dumps({"rows": rows, **summary}, indent=2) + "\n")
    print(json.dumps(summary, indent=2))


if __name__ == "__main__":
    main()
