"""`facea slider`: from prompts to a LoRA file."""

from __future__ import annotations

from time import perf_counter

from ...backbone import inspect_checkpoint, load_backbone
from ...errors import TrainingError
from ...io.output_files import require_writable_folder
from ...sliders.config import SliderConfig
from ...sliders.file import save_slider
from ...sliders.train import train_slider
from ...types import StepReport
from ..forms import Slider
from ..talk import hand_over, notes, require_outputs, say, training_bar
from .detectors import pick_device


def slider(flags: Slider, config: SliderConfig) -> None:
    require_outputs(flags.out, flags.json)
    if flags.run is not None:
        require_writable_folder(flags.run)
    if flags.resume and flags.run is None:
        raise TrainingError("--resume needs --run DIR, the directory of the run that was stopped")
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    backbone = load_backbone(
        flags.base, pick_device(flags.device), prediction=flags.prediction, vae=flags.vae
    )
    began, losses = perf_counter(), []
    try:
        with training_bar(config.steps) as (show, _):

            def on_step(report: StepReport) -> None:
                losses.append((report.step, round(report.loss, 6)))
                show(report)

            learned = train_slider(
                backbone, config, on_step=on_step, run_dir=flags.run, resume=flags.resume
            )
    except KeyboardInterrupt:
        kept = "nothing was saved, for there was no --run DIR"
        if flags.run is not None:
            kept = "the same command with --resume goes on"
        raise KeyboardInterrupt(f"stopped; {kept}") from None
    save_slider(learned, flags.out)
    figures = {
        "slider": str(flags.out),
        "layers": len(learned.lora),
        "loss": round(learned.loss, 4),
        "seconds": round(perf_counter() - began, 2),
        "losses": losses,
    }
    hand_over(figures, flags.json)
    if str(flags.json) != "-":
        say(f"saved {flags.out} ({flags.out.stat().st_size / 1e6:.1f} MB)")
        say(f"{learned.loss:.0%} of the wanted change is not made")
