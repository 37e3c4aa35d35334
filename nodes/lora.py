"""FaceA LoRA Loader: a learned person put into MODEL and CLIP."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..facea_core import identity as identities
from ..facea_core.settings import check_number
from ..facea_core.types import Identity
from .host import (
    NONE,
    chosen_identity,
    clip_skip_notes,
    file_fingerprint,
    identity_files,
    own_choices,
    plain_numbers,
    say,
    schema,
    wired,
    with_lora,
    with_words,
)
from .host.schema import IDENTITY


class FaceALoRALoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceALoRALoader",
            display_name="FaceA LoRA Loader (load a person)",
            category="FaceA",
            description="Applies a trained person to copies of MODEL and CLIP and outputs a "
            "prompt with the learned words. The inputs are not changed.",
            search_aliases=["load person", "load identity", "load face", "apply lora"],
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Model.Input("model", tooltip="A model of the family that the person was "
                                                "trained on."),
                io.Clip.Input("clip", tooltip="The text encoder of that model."),
                io.Combo.Input(
                    "file", options=identity_files(), default=NONE,
                    tooltip="Identity file among the LoRAs; ignored if identity is connected.",
                ),
                io.Float.Input(
                    "lora_strength", default=1.0, min=-2.0, max=2.0, step=0.05,
                    tooltip="LoRA strength. 0 = no LoRA; the strengths of several loaders add "
                    "up.",
                ),
                io.Float.Input(
                    "words_strength", default=1.0, min=0.0, max=2.0, step=0.05,
                    tooltip="Strength of the learned words: 0 = the plain class noun, 1 = fully "
                    "learned. With several loaders, the last one counts.",
                ),
                IDENTITY.Input(
                    "identity", optional=True, tooltip="The identity, directly from the trainer."
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with the person's LoRA."),
                io.Clip.Output(
                    display_name="clip",
                    tooltip="The text encoder, with this person's embedding:name/part words.",
                ),
                io.String.Output(
                    display_name="prompt", tooltip="A prompt with all learned words of the "
                                                   "person."
                ),
                IDENTITY.Output(display_name="identity", tooltip="The identity, for other FaceA "
                                                                 "nodes."),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("file")

    @classmethod
    def fingerprint_inputs(cls, file: str = NONE, **_: Any) -> str:
        return file_fingerprint(file)

    @classmethod
    @plain_numbers
    def execute(
        cls, model: Any, clip: Any, file: str, lora_strength: float, words_strength: float,
        identity: Identity | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        check_number("lora_strength", lora_strength, -2, 2)
        check_number("words_strength", words_strength, 0, 2)
        wired("identity", identity, Identity)
        person = chosen_identity(file, identity)
        identities.check_whole(person)
        patched, total = with_lora(model, person, lora_strength)
        worded = with_words(clip, person, words_strength)
        before = f", {total - lora_strength:g} of it from before" if total != lora_strength else ""
        line = f"{person.name}: LoRA {total:g}{before}, words {words_strength:g}"
        say("; ".join([line, *clip_skip_notes(clip, [person])]), cls.hidden.unique_id)
        return io.NodeOutput(patched, worded, person.meta.prompt, person)
