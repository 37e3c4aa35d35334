"""FaceA Identity Info: what is in a person's file, and what of it loads."""

from __future__ import annotations

import json
from typing import Any

from comfy_api.latest import io

from ..facea_core import identity as identities
from ..facea_core.types import Identity
from .host import (
    NONE,
    chosen_identity,
    clip_vocabularies,
    file_fingerprint,
    identity_files,
    load_report,
    own_choices,
    say,
    schema,
    wired,
)
from .host.schema import IDENTITY


class FaceAIdentityInfo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAIdentityInfo",
            display_name="FaceA Identity Info (about a person)",
            category="FaceA",
            description="Shows what an identity file contains: words and their norms, model, "
            "settings. With MODEL and CLIP connected, it also checks which keys load, and how far "
            "words moved from where they started.",
            search_aliases=["inspect lora", "lora metadata", "trigger words", "show identity"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Combo.Input(
                    "file", options=identity_files(), default=NONE,
                    tooltip="Identity file among the LoRAs; ignored if identity is connected.",
                ),
                IDENTITY.Input("identity", optional=True, tooltip="An identity from another node."),
                io.Model.Input(
                    "model", optional=True, tooltip="Checks which LoRA layers load into this "
                                                    "model."
                ),
                io.Clip.Input(
                    "clip", optional=True, tooltip="Checks which words fit this text encoder."
                ),
            ],
            outputs=[
                io.String.Output(display_name="report", tooltip="Everything, as JSON."),
                io.String.Output(
                    display_name="prompt", tooltip="A prompt with all learned words of the "
                                                   "person."
                ),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("file")

    @classmethod
    def fingerprint_inputs(cls, file: str = NONE, **_: Any) -> str:
        return file_fingerprint(file)

    @classmethod
    def execute(
        cls, file: str, identity: Identity | None = None, model: Any = None, clip: Any = None
    ) -> io.NodeOutput:
        wired("identity", identity, Identity)
        person = chosen_identity(file, identity)
        known = {} if clip is None else clip_vocabularies(clip, person)
        about = {**identities.summary(person), "loads": load_report(person, model, clip)}
        for word, told in zip(person.words, about["words"], strict=True):
            told["norms"] = identities.word_norms(word, known)
        about["notes"] = identities.start_notes(identities.identity_starts(person), known)
        counts = f"{about['layers']} layers, {len(about['words'])} words"
        line = f"{person.name}: {counts}, for {person.meta.family}"
        line = "; ".join([line, *about["notes"]])
        say(line, cls.hidden.unique_id)
        report = json.dumps(about, indent=2)
        return io.NodeOutput(report, person.meta.prompt, ui={"text": [line], "facea": [about]})
