"""`facea demo`: the whole way on synthetic people."""

from __future__ import annotations

from collections.abc import Sequence

from .flags import parse
from .forms import Demo


def run(arguments: Sequence[str]) -> None:
    flags, _ = parse("facea demo", Demo, arguments)
    from ..demo import run_demo
    from .talk import say, stage_bars

    with stage_bars() as on_progress:
        result = run_demo(flags.out, seed=flags.seed, steps=flags.steps, on_progress=on_progress)
    seconds = result["seconds"]
    say(f"{result['person']}, {result['steps']} steps, {seconds['total']:.0f} s")
    for about, key in (("three photos", "identity"), ("photos never trained on", "heldout")):
        before, after = result[f"{key}_before"], result[f"{key}_after"]
        say(f"likeness to the {about}: {before:.2f} before, {after:.2f} after training")
    say(f"copy-paste {result['copy_paste']:+.2f}, largest change outside the mask "
        f"{result['outside_mask_max_abs_diff']:g}")  # fmt: skip
    say(f"look at {flags.out / 'sheet.png'}")
