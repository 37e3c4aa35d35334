"""FaceA Template Portrait: learned people painted into templates, the best results first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import identity, portraits, selection
from ..facea_core.composing import ComposeConfig
from ..facea_core.errors import ConfigError, NoFaceError
from ..facea_core.io.captions import captions_for
from ..facea_core.io.figures import Tile, draw_tiles
from ..facea_core.settings import check_choice, check_number, check_text
from ..facea_core.types import Composition, Identity, Photo
from .host import (
    Paint,
    Studio,
    composer,
    field_input,
    image_out,
    lists_of,
    own_choices,
    painting_inputs,
    people_wired,
    photos_in,
    plain_numbers,
    report_of,
    say,
    schema,
    spec_of,
)
from .host.schema import IDENTITIES, IDENTITY

PHOTOS = ("photos", "photos_2", "photos_3", "photos_4")

LEFT_OUT = -1.0
"""Score of a template into which nobody was painted."""

SHOWN = 60
"""So many portraits are on the sheet."""

_FINE = ("context_factor", "grow", "feather", "second_pass", "order")


class FaceATemplatePortrait(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceATemplatePortrait",
            display_name="FaceA Template Portrait (people into templates)",
            category="FaceA",
            description="Paints trained people into template pictures: finds the faces, leaves "
            "out templates that are not fit, paints several candidates, and puts the "
            "best results first.",
            search_aliases=["ai portrait", "photo studio", "template", "batch face swap"],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            is_input_list=True,
            advanced=_FINE,
            inputs=[
                io.Image.Input(
                    "templates", tooltip="Pictures to paint into: a batch, or a list of any sizes."
                ),
                io.Model.Input("model", tooltip="The inpainting model, without a person's LoRA."),
                io.Clip.Input("clip", tooltip="The text encoder of the model."),
                io.Vae.Input("vae", tooltip="The VAE of the model."),
                IDENTITY.Input("identity", tooltip="The first person."),
                io.String.Input(
                    "prompt", default="", multiline=True,
                    tooltip="Said beside each person's own words: what the templates show, the "
                    "light, the style.",
                ),
                *painting_inputs(),
                io.Int.Input(
                    "candidates", default=4, min=1, max=64,
                    tooltip="Number of candidates per face; the best one is kept.",
                ),
                field_input(ComposeConfig, "second_pass"),
                io.Combo.Input(
                    "order", options=list(portraits.ORDERS), default=portraits.ORDERS[0],
                    tooltip="Who is painted over which face: from left to right, or each over the "
                    "face most like theirs, by photos.",
                ),
                *(
                    IDENTITY.Input(name, optional=True, tooltip="Another person.")
                    for name in IDENTITIES[1:]
                ),
                *(
                    io.Image.Input(
                        name, optional=True,
                        tooltip=f"Photos of the person in {wire}, to choose and to rank by.",
                    )
                    for name, wire in zip(PHOTOS, IDENTITIES, strict=True)
                ),
                io.String.Input(
                    "prompts", default="", optional=True, force_input=True,
                    tooltip="A line for each template, in place of prompt; or the captions of "
                    "FaceA Load Photos.",
                ),
                io.Conditioning.Input(
                    "hints", optional=True,
                    tooltip="Conditioning from Apply ControlNet with an image per template.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images", is_output_list=True,
                    tooltip="The portraits, the best first; templates that were left out come "
                    "last, unchanged.",
                ),
                io.Image.Output(display_name="sheet", tooltip="All on one sheet, with scores."),
                io.Float.Output(
                    display_name="scores", is_output_list=True,
                    tooltip="Likeness to photos, or how well the faces fit; 0 = not known, -1 = "
                    "left out.",
                ),
                io.String.Output(display_name="report", tooltip="What was done, as JSON."),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("sampler_name", "scheduler", "order")

    @classmethod
    @plain_numbers
    @lists_of("templates", "prompts", *PHOTOS)
    def execute(
        cls, templates: Sequence[torch.Tensor], model: Any, clip: Any, vae: Any, prompt: str,
        negative_prompt: str, seed: int, steps: int, cfg: float, sampler_name: str, scheduler: str,
        denoise: float, order: str, prompts: Sequence[str] = (), hints: Any = None, **more: Any,
    ) -> io.NodeOutput:  # fmt: skip
        wires = people_wired(more)
        people = [who for who in wires if who is not None]
        given = {who: more.pop(name, None) for name, who in zip(PHOTOS, wires, strict=True)}
        config = ComposeConfig(steps=steps, seed=seed, denoise=denoise, **more)
        check_number("cfg", cfg, 0, 30)
        check_choice("order", order, portraits.ORDERS)
        for text in (prompt, negative_prompt):
            check_text("the prompt", text)
        spec = spec_of(model)
        images, notes = photos_in(templates)
        texts = captions_for(prompts, len(images))
        detector = selection.detector_for(spec.family)
        seen = [
            portraits.examine(image, f"template {n}", detector, spec.resolution, text)
            for n, (image, text) in enumerate(zip(images, texts, strict=True), start=1)
        ]
        lacking = {one.name: one.lacks(len(people)) for one in seen}
        fit = [number for number, one in enumerate(seen) if not lacking[one.name]]
        notes += [f"{name} is not fit: {why}" for name, why in lacking.items() if why]
        if not fit:
            raise NoFaceError("; ".join(notes))
        photos = _photos({k: v for k, v in given.items() if k and v}, spec.family, notes)
        sittings = _seated([seen[number] for number in fit], people, photos, spec.family, order)

        settings = Paint(steps, cfg or spec.cfg, sampler_name, scheduler, denoise)
        everybody = [one for who in people for one in identity.everybody(who)]
        studio = Studio(
            model, clip, vae, settings, everybody, 1.0, negative_prompt, hints=hints
        )  # fmt: skip
        faces = len(sittings) * len(people)
        rank = selection.people_rank(photos, *selection.tools_for(spec.family)) if photos else None
        compose = composer(cls, studio, faces, config, spec, rank)
        made = {
            number: compose(
                number, images[number], portraits.targets(sitting, people, config, prompt), config
            )
            for number, sitting in zip(fit, sittings, strict=True)
        }
        notes += [*studio.notes, *studio.clip_notes]
        if notes:
            say("\n".join(notes), cls.hidden.unique_id)
        return _handed_out(images, made, notes, studio)


def _photos(
    given: dict[Identity, Sequence[torch.Tensor]], family: str, notes: list[str]
) -> dict[Identity | None, list[Photo]]:
    """The photos of each person that has some; adds notes on those left out."""
    if not given:
        return {}
    detector, _ = selection.tools_for(family)
    photos: dict[Identity | None, list[Photo]] = {}
    for who, batches in given.items():
        images, more = photos_in(batches)
        photos[who], left_out = selection.photos_to_choose_by(images, detector)
        notes += [f"photos of {who.name}: {note}" for note in [*more, *left_out]]
    return photos


def _seated(
    fit: Sequence[portraits.Template], people: Sequence[Identity],
    photos: dict[Identity | None, list[Photo]], family: str, order: str,
) -> list[portraits.Sitting]:  # fmt: skip
    if order == portraits.ORDERS[0]:
        return [(one, portraits.seats_in_order(one, len(people))) for one in fit]
    if not photos:
        raise ConfigError("order is by likeness, and no photos are wired; wire those of everybody")
    _, embedder = selection.tools_for(family)
    known = [photos.get(who, []) for who in people]
    return [(one, portraits.seats_by_likeness(one, known, embedder)) for one in fit]


def _handed_out(
    images: Sequence[torch.Tensor], made: dict[int, Composition], notes: Sequence[str],
    studio: Studio,
) -> io.NodeOutput:  # fmt: skip
    scores = {number: portraits.score(one) for number, one in made.items()}
    numbers = [*made, *(n for n in range(len(images)) if n not in made)]
    order = [numbers[i] for i in portraits.ranked([scores.get(n) for n in numbers])]
    shown = [made[n].image if n in made else images[n] for n in order]
    values = [(scores[n] or 0.0) if n in made else LEFT_OUT for n in order]
    sheet = [
        Tile(image, f"template {n + 1}" + (f", {value:.2f}" if n in made else ", left out"))
        for image, n, value in zip(shown, order, values, strict=True)
    ]
    report = report_of([made[n] for n in order if n in made], notes, studio.loras, studio.cropped)
    report["order"] = [n + 1 for n in order]
    report["scores"] = values
    return io.NodeOutput(
        [image_out([one]) for one in shown], image_out([draw_tiles(sheet[:SHOWN])]), values,
        json.dumps(report, indent=2),
    )  # fmt: skip
