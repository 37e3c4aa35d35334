"""The whole demo over several people: how much each one gains, and in how long.

    python tests/bench/bench_demo.py --seeds 101 110 --out demo-bench
    python tests/bench/bench_demo.py --seeds 301 303 --set rank=32 steps=200 --out wide-bench

Writes each seed's files below `--out`, the table as `scores.json`, and everybody as `people.jpg`: a
photo, the person in somebody else's picture, and how the painter would do it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from pathlib import Path

import torch
from PIL import Image

from facea_core.demo import draw_cast, run_demo
from facea_core.io.images import load_image, to_pil

SIDE = 150
IRIS, UNLIKE = 3.5, 0.2
"""Pixels about the middle of an eye, and from which distance of colours on two eyes differ."""
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
    print("seed  before   after    gain  copy-paste  outside  eyes  seconds  person")
    for seed in range(args.seeds[0], args.seeds[1] + 1):
        report = run_demo(args.out / f"seed-{seed}", seed=seed, **changes)
        gain = report["heldout_after"] - report["heldout_before"]
        outside, seconds = report["outside_mask_max_abs_diff"], report["seconds"]["total"]
        eyes = eyes_differ(seed, args.out)
        rows.append(
            {"seed": seed, "gain": gain, "outside": outside, "seconds": seconds, "eyes": eyes}
            | {key: report[key] for key in KEYS}
        )
        print(
            f"{seed:4}  {report['heldout_before']:+.3f}  {report['heldout_after']:+.3f}  "
            f"{gain:+.3f}  {report['copy_paste']:+10.3f}  {outside:7g}  {eyes:.2f}  "
            f"{seconds:7.1f}  {report['person']}",
            flush=True,
        )
    people_sheet([row["seed"] for row in rows], args.out).save(args.out / "people.jpg", quality=88)
    gains = [row["gain"] for row in rows]
    summary = {
        "mean_gain": statistics.mean(gains),
        "sd_gain": statistics.stdev(gains) if len(gains) > 1 else math.nan,
        "positive": sum(gain > 0 for gain in gains),
        "people": len(gains),
        "eyes_alike": sum(row["eyes"] < UNLIKE for row in rows),
        "worst_seconds": max(row["seconds"] for row in rows),
        "largest_outside": max(row["outside"] for row in rows),
        "torch": torch.__version__,
        "threads": args.threads,
        "changes": changes,
    }
    (args.out / "scores.json").write_text(json.dumps({"rows": rows, **summary}, indent=2) + "\n")
    print(json.dumps(summary, indent=2))


def eyes_differ(seed: int, folder: Path) -> float:
    """How far the colours of both irises are apart, in [0, 1], where the painter has them."""
    made, _ = load_image(folder / f"seed-{seed}" / "result.png", longest=None)
    shown = draw_cast(seed).answer.masks["eyes"][0, 0] > 0.5
    ys, xs = shown.nonzero(as_tuple=True)
    middle = float(xs.float().mean())
    colours = []
    for mine in (xs < middle, xs >= middle):
        cy, cx = ys[mine].float().mean(), xs[mine].float().mean()
        near = ((ys - cy).square() + (xs - cx).square() < IRIS**2) & mine
        colours.append(made[0][:, ys[near], xs[near]].mean(dim=1))
    return float((colours[0] - colours[1]).abs().max())


def people_sheet(seeds: list[int], folder: Path) -> Image.Image:
    """A column per seed, whose results are in `folder`."""
    sheet = Image.new("RGB", (SIDE * len(seeds), SIDE * 3))
    for column, seed in enumerate(seeds):
        cast = draw_cast(seed)
        made, _ = load_image(folder / f"seed-{seed}" / "result.png", longest=None)
        for row, image in enumerate((cast.photos.image[:1], made, cast.answer.image)):
            tile = to_pil(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (column * SIDE, row * SIDE))
    return sheet


if __name__ == "__main__":
    main()
