"""FaceA Mix People: parts of several people, or a blend of them, as one identity."""

from __future__ import annotations

import json
from typing import Any

from comfy_api.latest import io

from ..facea_core import identity as identities
from ..facea_core import identity_store
from ..facea_core.settings import check_text
from ..facea_core.types import Identity
from .host import elsewhere, identities_folders, people_wired, relative_name, say, schema
from .host.schema import IDENTITIES, IDENTITY


class FaceAMixPeople(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAMixPeople",
            display_name="FaceA Mix People (eyes of one, mouth of another)",
            category="FaceA",
            description="Makes one person of several learned ones: the eyes of one, the mouth of "
            "another, the rest of a third; or a blend of them all, which is a LoRA like any other.",
            search_aliases=["blend people", "merge faces", "merge lora", "mix identities"],
            hidden=[io.Hidden.unique_id],
            inputs=[
                IDENTITY.Input("identity", tooltip="A learned person."),
                io.String.Input(
                    "how", default="eyes: ada, rest: ben", multiline=True,
                    tooltip="Whose each part is, by the names they were learned under, and whose "
                    "the rest: eyes: ada, mouth: ben, rest: cleo. Or how much of each for a blend: "
                    "ada: 0.5, ben: 0.5.",
                ),
                *(
                    IDENTITY.Input(
                        name, optional=True, tooltip=f"Person {number}, of the same model."
                    )
                    for number, name in enumerate(IDENTITIES[1:], start=2)
                ),
                io.String.Input(
                    "save_as", default="", optional=True,
                    tooltip="Of a blend: the name it is saved under among the LoRAs, and called in "
                    "prompts. Empty = it is not saved.",
                ),
            ],
            outputs=[
                IDENTITY.Output(
                    display_name="identity",
                    tooltip="The mix. One by parts is for FaceA Inpaint Compose, a blend for any "
                    "node.",
                ),
                io.String.Output(
                    display_name="report", tooltip="What it is made of, and its file, as JSON."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, how: str, save_as: str = "", **inputs: Any) -> io.NodeOutput:
        people = [one for one in people_wired(inputs) if one is not None]
        called, notes = (
            identities.person_name(save_as) if check_text("save_as", save_as).strip() else ("", [])
        )
        mixed = identities.mix_people(people, how, called)
        report = {**identities.summary(mixed), "path": ""}
        line = _line(mixed)
        if called:
            identities.check_whole(mixed)
            home, *_ = identities_folders()
            path = identity_store.put_in(mixed, home)
            report["path"] = relative_name(path)
            line = "; ".join([f"{line}; saved as {report['path']}", *notes, *elsewhere(home)])
        say(line, cls.hidden.unique_id)
        return io.NodeOutput(mixed, json.dumps(report, indent=2))


def _line(mixed: Identity) -> str:
    if mixed.parts:
        parts = [f"{part} of {one.name}" for part, one in mixed.parts.items()]
        return f"{', '.join(parts)}, the rest of {mixed.name}"
    if not mixed.meta.mixed_from:
        return f"all of {mixed.name}"
    shares = [f"{share:.0%} {name}" for name, share in mixed.meta.mixed_from.items()]
    return f"{mixed.name}: {', '.join(shares)}"
