"""FaceA Doctor: whether all that FaceA needs is there, and what to do where it is not."""

from __future__ import annotations

import json
from typing import Any

from comfy_api.latest import io

from ..facea_core.doctor.values import doctor_json, doctor_summary, doctor_table, is_healthy
from .host import examine_host, say, schema


class FaceADoctor(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceADoctor",
            display_name="FaceA Doctor (what is missing?)",
            category="FaceA",
            description="Checks this ComfyUI: packages, device and memory, models, detectors, "
            "folders and free disk. Says what is missing and how to fix it. Attach "
            "the report to bug reports.",
            search_aliases=["diagnose", "check installation", "versions", "bug report", "debug"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Model.Input(
                    "model", optional=True, tooltip="Checks whether FaceA can train and inpaint "
                                                    "with this model."
                ),
                io.Clip.Input(
                    "clip", optional=True, tooltip="Checks whether this text encoder fits the "
                                                   "model."
                ),
                io.Vae.Input(
                    "vae", optional=True, tooltip="Checks whether this VAE fits the model."
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="table", tooltip="All checks, as readable text."
                ),
                io.String.Output(
                    display_name="report", tooltip="The same as JSON, for a bug report."
                ),
                io.Boolean.Output(
                    display_name="all_good", tooltip="True if there is no problem; there may be "
                                                     "notes."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, **_: Any) -> float:
        # Disks fill and packages change: NaN is never what it was.
        return float("nan")

    @classmethod
    def execute(cls, model: Any = None, clip: Any = None, vae: Any = None) -> io.NodeOutput:
        lines = examine_host(model, clip, vae)
        table, report = doctor_table(lines), doctor_json(lines)
        say(f"{doctor_summary(lines)}\n{table}", cls.hidden.unique_id)
        return io.NodeOutput(
            table,
            json.dumps(report, indent=2),
            is_healthy(lines),
            ui={"text": [table], "facea": [report]},
        )
