"""FaceA Train Slider: a LoRA that adds and takes away an attribute, learned from prompts."""

from __future__ import annotations

import json
import logging
import shutil
from time import perf_counter
from typing import Any

from comfy_api.latest import io

from ..facea_core import sliders, training
from ..facea_core.identity import person_name
from ..facea_core.io.figures import draw_losses
from ..facea_core.settings import read_settings
from ..facea_core.sliders import SliderConfig
from ..facea_core.types import StepReport
from .host import (
    Cancelled,
    TrainingProgress,
    field_input,
    image_out,
    lora_weights,
    loras_folder,
    make_room,
    plain_numbers,
    runs_folder,
    say,
    schema,
    spec_of,
    training_backbone,
    training_hash,
)

_LOG = logging.getLogger(__name__)


class FaceATrainSlider(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        steps = field_input(SliderConfig, "steps", default=0, min=0)
        steps.tooltip = "Optimiser steps. 0 = as the model needs: 1000, fewer for facea-tiny."
        guidance = field_input(SliderConfig, "guidance", default=0.0, min=0.0, step=0.5)
        guidance.tooltip += " 0 = as the model needs: 4, less for facea-tiny."
        return schema(
            node_id="FaceATrainSlider",
            display_name="FaceA Train Slider (more or less of something)",
            category="FaceA",
            description="Learns a slider from prompts alone: a LoRA that adds grey hair or a beard "
            "at strength 1 and takes it away at -1. Any LoRA loader loads it, beside a person. No "
            "pictures are needed.",
            search_aliases=["concept slider", "lora slider", "train lora", "attribute slider"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            advanced=("guidance", "settings"),
            inputs=[
                io.Model.Input("model", tooltip="The model to learn on. It is copied."),
                io.Clip.Input("clip", tooltip="The text encoder of that model."),
                io.Vae.Input("vae", tooltip="The autoencoder of that model."),
                io.String.Input(
                    "name", default="slider",
                    tooltip="What the file is called among the LoRAs: a-z, 0-9, - and _. Another "
                    "slider of that name gets letters behind it.",
                ),
                *(
                    field_input(SliderConfig, prompt, multiline=True)
                    for prompt in ("positive", "negative", "neutral")
                ),
                steps,
                guidance,
                field_input(SliderConfig, "seed", control_after_generate=False),
                io.String.Input(
                    "settings", default="", multiline=True,
                    tooltip='Any other setting of the training as JSON: {"rank": 8}.',
                ),
            ],
            outputs=[
                io.Custom("LORA_MODEL").Output(
                    display_name="lora", tooltip="The slider, for ComfyUI's Load LoRA Model."
                ),
                io.String.Output(
                    display_name="path", tooltip="The saved file, as LoRA lists call it."
                ),
                io.Image.Output(display_name="loss_plot", tooltip="The loss over the steps."),
                io.String.Output(
                    display_name="report", tooltip="Steps, seconds, losses and more, as JSON."
                ),
            ],
        )  # fmt: skip

    @classmethod
    @plain_numbers
    def execute(
        cls, model: Any, clip: Any, vae: Any, name: str, positive: str, negative: str, neutral: str,
        steps: int, guidance: float, seed: int, settings: str,
    ) -> io.NodeOutput:  # fmt: skip
        name, notes = person_name(name)
        prompts = {"positive": positive, "negative": negative, "neutral": neutral}
        numbers = {"steps": steps, "guidance": guidance}
        chosen = {key: value for key, value in numbers.items() if value}
        spec, home = spec_of(model), loras_folder()
        config = SliderConfig.for_family(
            spec.family, **{**prompts, "seed": seed, **chosen, **read_settings(settings)}
        )
        origin = sliders.slider_origin(training_hash(model, clip, vae), config)
        path, record, losses = sliders.find_slider(home, name, origin), {}, []
        if path is None:
            path, record, losses = cls._learn((model, clip, vae), name, origin)
        about = {"path": path.name, **record, "settings": config.line(), "notes": notes}
        line = "; ".join([_told(about), *notes])
        say(line, cls.hidden.unique_id)
        _LOG.info("FaceA, %s: %s", name, line)
        plot = image_out([draw_losses(losses)])
        report = json.dumps(about, indent=2)
        return io.NodeOutput(
            lora_weights(path), path.name, plot, report, ui={"text": [line], "facea": [about]}
        )

    @classmethod
    def _learn(
        cls, wired: tuple[Any, Any, Any], name: str, origin: sliders.SliderOrigin
    ) -> tuple[Any, dict[str, Any], list[tuple[int, float]]]:
        """The file of a new training, what is told of it, and its losses."""
        config, run = origin.config, runs_folder() / f"slider-{origin.key}"
        room, began = make_room(), perf_counter()
        plan = training.plan_training(spec_of(wired[0]), config.training, room.dtype, room.free)
        training.require_room(plan, room.device)
        shown = TrainingProgress(name, config.steps, cls.hidden.unique_id)
        shown.progress.say(f"{config.line()}; {plan.line()}; copying the model …")
        losses: list[tuple[int, float]] = []

        def on_step(report: StepReport) -> None:
            losses.append((report.step, report.loss))
            shown.step(report)

        with training_backbone(*wired, room) as backbone:
            try:
                learned = sliders.train_slider(
                    backbone, config, on_step=on_step, on_tick=shown.progress.at,
                    on_paint=lambda *at: shown.progress.prepare("painting what is learned on", *at),
                    run_dir=run, resume=bool(training.saved_step(run)), plan=plan, origin=origin,
                )  # fmt: skip
            except Cancelled:
                shown.stopped()
                raise
        path = sliders.slider_path(loras_folder(), name, origin)
        sliders.save_slider(learned, path)
        shutil.rmtree(run, ignore_errors=True)
        took = round(perf_counter() - began, 1)
        return path, {"steps": config.steps, "seconds": took, "loss": learned.loss}, losses


def _told(about: dict[str, Any]) -> str:
    if "loss" not in about:
        return f"{about['path']} was learned before; nothing to do"
    made = f"{1 - about['loss']:.0%} of the wanted change is made"
    return f"saved {about['path']}; {about['steps']} steps in {about['seconds']:.0f} s; {made}"
