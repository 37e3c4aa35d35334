"""FaceA Photo Audit: which photos are good enough to learn a person from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import torch
from comfy_api.latest import io

from ..facea_core import audit, detection
from ..facea_core.attributes import attribute_table
from ..facea_core.audit import EMBEDDERS, AuditConfig
from ..facea_core.settings import read_settings, updated
from ..facea_core.types import DetectedFaces
from .host import (
    Progress,
    field_input,
    image_out,
    lists_of,
    own_choices,
    photos_in,
    photos_out,
    plain_numbers,
    schema,
    split,
    wired,
)
from .host.schema import ATTRIBUTES


class FaceAPhotoAudit(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAPhotoAudit",
            display_name="FaceA Photo Audit (check portraits)",
            category="FaceA",
            description="Checks photos before training: size, sharpness and light of the face, "
            "missing parts, duplicates, other people. Rates each red, amber or "
            "green, with reasons. Also outputs square crops with the head upright.",
            search_aliases=["check photos", "photo quality", "blur", "duplicate photos", "crop"],
            hidden=[io.Hidden.unique_id],
            is_input_list=True,
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="Photos of one person: a batch, or a list of any sizes.",
                ),
                ATTRIBUTES.Input(
                    "attributes", tooltip="Output of FaceA Attribute Detect for these photos."
                ),
                field_input(AuditConfig, "policy"),
                field_input(AuditConfig, "resolution", step=8, max=2048),
                io.Int.Input(
                    "crop_size", default=512, min=64, max=2048, step=8,
                    tooltip="Side of the crops in pixels.",
                ),
                io.Combo.Input(
                    "embedder", options=list(EMBEDDERS), default="auto",
                    tooltip="Face recognition model: landmarks for photographs, tiny for "
                    "synthetic faces; auto chooses by the resolution; none skips this "
                    "check.",
                ),
                io.String.Input(
                    "limits", default="", multiline=True,
                    tooltip='Other limits as JSON: {"soft": 0.6, "yaw_spread": 0}.',
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images", is_output_list=True,
                    tooltip="The photos, unchanged.",
                ),
                ATTRIBUTES.Output(
                    display_name="attributes", is_output_list=True,
                    tooltip="Their faces; with policy skip, the faces of red photos are removed.",
                ),
                io.Image.Output(
                    display_name="crops",
                    tooltip="A square crop of each head, turned upright; one per photo.",
                ),
                ATTRIBUTES.Output(
                    display_name="crop_attributes",
                    tooltip="The same faces, located in the crops: connect both instead of the "
                    "photos.",
                ),
                io.Image.Output(
                    display_name="overlay", is_output_list=True,
                    tooltip="The photos in red, amber or green frames, with reasons.",
                ),
                io.String.Output(display_name="table", tooltip="All verdicts, as readable text."),
                io.String.Output(
                    display_name="report", tooltip="All verdicts and measures, as JSON."
                ),
                io.Boolean.Output(display_name="all_good", tooltip="True if no photo is red."),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("policy", "embedder")

    @classmethod
    @plain_numbers
    @lists_of("images", "attributes")
    def execute(
        cls, images: Sequence[torch.Tensor], attributes: Sequence[DetectedFaces], policy: str,
        resolution: int, crop_size: int, embedder: str, limits: str,
    ) -> io.NodeOutput:  # fmt: skip
        for one in attributes:
            wired("attributes", one, DetectedFaces)
        progress = Progress(1, cls.hidden.unique_id)
        pictures, _ = photos_in(images)
        found = detection.found_together(attributes)
        given = AuditConfig(policy=policy, resolution=resolution)
        config = updated(given, read_settings(limits))
        judge = audit.audit_embedder(embedder, config.resolution)
        table = attribute_table(found.attributes)
        verdicts = audit.audit_photos(pictures, found.faces, table, config, judge)
        progress.say(audit.audit_line(verdicts))
        kept = audit.apply_policy(verdicts, found.faces, config.policy)
        crops, cropped = audit.crop_photos(pictures, kept, crop_size)
        glances = split(found.glances, images) if found.glances else [()] * len(images)
        return io.NodeOutput(
            photos_out(pictures, images),
            [
                replace(found, faces=some, glances=seen)
                for some, seen in zip(split(kept, images), glances, strict=True)
            ],
            image_out([crops]),
            replace(found, faces=cropped, glances=()),
            photos_out(audit.draw_audit(pictures, found.faces, verdicts), images),
            audit.audit_table(verdicts),
            json.dumps(audit.audit_json(verdicts), indent=2),
            verdicts.good,
        )
