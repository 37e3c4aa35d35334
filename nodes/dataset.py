"""FaceA Dataset Sampler: many different pictures of one learned person, as a set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import dataset, detection
from ..facea_core import identity as identities
from ..facea_core.composing import ComposeConfig
from ..facea_core.dataset.config import DatasetConfig
from ..facea_core.dataset.formats.names import FORMATS, parse_formats, require_formats
from ..facea_core.io.figures import Tile, draw_tiles
from ..facea_core.io.output_files import require_writable_folder
from ..facea_core.io.photos import photos_fingerprint
from ..facea_core.settings import check_number, check_text
from ..facea_core.types import DetectedFaces, Identity
from .host import (
    NONE,
    Paint,
    Studio,
    field_input,
    hosts_in,
    image_out,
    input_folder,
    lists_of,
    output_folder,
    own_choices,
    painting_inputs,
    photos_in,
    plain_numbers,
    say,
    schema,
    set_painter,
    spec_of,
    wired,
)
from .host.schema import ATTRIBUTES, IDENTITY

SHOWN = 60
"""So many pictures are on the sheet."""

LONGEST = 26
"""So many letters are below each of them."""

_FINE = ("lower", "upper", "tries", "extra", "strict", "context_factor", "grow", "feather")


class FaceADatasetSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceADatasetSampler",
            display_name="FaceA Dataset Sampler (many pictures of a person)",
            category="FaceA",
            description="Paints a trained person into many host pictures: a grid of poses, light "
            "and expressions. Keeps the pictures that are like the person and different from each "
            "other, and writes them as a set for training.",
            search_aliases=["synthetic dataset", "training data", "lora dataset", "face set"],
            hidden=[io.Hidden.unique_id],
            is_input_list=True,
            is_output_node=True,
            advanced=_FINE,
            inputs=[
                io.Image.Input(
                    "photos",
                    tooltip="Photos of the person, by which the pictures are judged: a batch, or "
                    "a list of any sizes.",
                ),
                io.Model.Input("model", tooltip="The inpainting model, without a person's LoRA."),
                io.Clip.Input("clip", tooltip="The text encoder of the model."),
                io.Vae.Input("vae", tooltip="The VAE of the model."),
                IDENTITY.Input("identity", tooltip="The person."),
                io.String.Input(
                    "hosts_folder", default="",
                    tooltip="A folder of host pictures in ComfyUI's input folder, or the full path "
                    "of any other. Empty = only those wired to hosts.",
                ),
                field_input(DatasetConfig, "count"),
                field_input(DatasetConfig, "axes", multiline=True),
                field_input(DatasetConfig, "lower"),
                field_input(DatasetConfig, "upper"),
                field_input(DatasetConfig, "tries"),
                field_input(DatasetConfig, "extra"),
                field_input(DatasetConfig, "strict"),
                field_input(DatasetConfig, "seed", control_after_generate=True),
                *(one for one in painting_inputs() if one.id != "seed"),
                io.String.Input(
                    "format", default="folder",
                    tooltip=f"What is written: none, or some of {', '.join(FORMATS)}, between "
                    "commas.",
                ),
                io.String.Input(
                    "folder", default="FaceA/set",
                    tooltip="Name of the set's folder in ComfyUI's output folder. A number is "
                    "added; no set is overwritten.",
                ),
                io.String.Input(
                    "licence", default="",
                    tooltip="The licence of the pictures, as the set says it: cc-by-4.0.",
                ),
                io.String.Input(
                    "consent", default="",
                    tooltip="What the person agreed to, as the set says it.",
                ),
                io.Image.Input(
                    "hosts", optional=True,
                    tooltip="Pictures of anybody whose faces are painted over, one face in each: "
                    "a batch, or a list of any sizes. As many as pictures, or more.",
                ),
                ATTRIBUTES.Input(
                    "photo_attributes", optional=True,
                    tooltip="What FaceA Attribute Detect found in photos. Without it the largest "
                    "face of each photo counts.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images", is_output_list=True,
                    tooltip="The kept pictures, each at the size of its host.",
                ),
                io.Image.Output(
                    display_name="sheet", tooltip="All on one sheet, with likeness and words."
                ),
                io.String.Output(
                    display_name="captions", is_output_list=True,
                    tooltip="A caption for each picture: the person, and what the grid asked for.",
                ),
                io.String.Output(
                    display_name="report",
                    tooltip="What was kept and rejected, and why pictures are missing, as JSON.",
                ),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("sampler_name", "scheduler")

    @classmethod
    def fingerprint_inputs(cls, hosts_folder: Any = None, **_: Any) -> str | float:
        (folder,) = hosts_folder if isinstance(hosts_folder, list) else (hosts_folder,)
        # Of a wired folder the name is not told here; NaN is never what it was.
        if not isinstance(folder, str):
            return float("nan")
        return photos_fingerprint(input_folder(folder), deep=True) if folder.strip() else ""

    @classmethod
    @plain_numbers
    @lists_of("photos", "photo_attributes", "hosts")
    def execute(
        cls, photos: Sequence[torch.Tensor], model: Any, clip: Any, vae: Any, identity: Identity,
        hosts_folder: str, negative_prompt: str, seed: int, steps: int, cfg: float,
        sampler_name: str, scheduler: str, denoise: float, context_factor: float, grow: float,
        feather: float, format: str, folder: str, licence: str, consent: str,
        hosts: Sequence[torch.Tensor] = (), photo_attributes: Sequence[Any] = (), **asked: Any,
    ) -> io.NodeOutput:  # fmt: skip
        wired("identity", identity, Identity)
        identities.check_whole(identity)
        for one in photo_attributes:
            wired("photo_attributes", one, DetectedFaces)
        config = DatasetConfig(seed=seed, **asked)
        check_number("cfg", cfg, 0, 30)
        said = {"negative_prompt": negative_prompt, "licence": licence, "consent": consent}
        for name, text in said.items():
            check_text(name, text)
        painting = ComposeConfig(
            steps=steps, seed=seed, denoise=denoise, negative=negative_prompt,
            context_factor=context_factor, grow=grow, feather=feather,
        )  # fmt: skip
        spec = spec_of(model)
        how = Paint(steps, cfg or spec.cfg, sampler_name, scheduler, denoise)
        formats = () if format.strip() in ("", NONE) else parse_formats(format)
        require_formats(formats)
        out, place = output_folder(folder) if formats else (None, "")
        if out is not None:
            require_writable_folder(out)

        tools = dataset.model_tools(spec.family)
        pictures, notes = photos_in(photos)
        known = [one for one in photo_attributes if one is not None]
        found = detection.found_together(known) if known else None
        judges, more = dataset.person_photos(pictures, found, tools.detector)
        notes += more + detection.smear_note(spec.family, [one.attributes for one in judges])
        sat, more = hosts_in(
            cls, [one for one in hosts if one is not None], hosts_folder, tools.detector,
            spec.resolution,
        )  # fmt: skip
        notes += more
        person = dataset.person_of(
            identity.name, 0, identity.meta.class_noun, identity,
            dataset.hash_of_identity(identity), judges, tools.embedder, consent.strip(),
        )  # fmt: skip
        paints = f"{spec.family} in ComfyUI ({sampler_name}, {scheduler}, cfg {how.cfg:g})"
        shared, (unit,) = dataset.plan_set(
            [person], sat, tools.embedder.name, config, painting, spec.resolution, paints,
            licence.strip(),
        )  # fmt: skip

        studio = Studio(model, clip, vae, how, [identity], 1.0, negative_prompt)
        paint, on_try = set_painter(
            cls, studio, identity, tools.detector, painting, spec, config.count
        )
        sampled = dataset.sample_person(unit, shared, identity, paint, tools, on_try)
        dataset.require_pictures(sampled, shared)
        if out is not None:
            notes += dataset.write_one(out, shared, unit, sampled, formats)
        missing = dataset.shortage(sampled, shared)
        notes += [*studio.notes, *studio.clip_notes]
        line = _line(len(sampled.pictures), place, [*([missing] if missing else []), *notes])
        say(line, cls.hidden.unique_id)
        report = {
            **dataset.set_figures(sampled, shared), "missing": missing, "hosts": len(sat),
            "folder": place, "formats": list(formats), "lora": studio.loras,
            "cropped": studio.cropped, "notes": notes,
        }  # fmt: skip
        return _handed_out(sampled, report, line)


def _line(kept: int, place: str, notes: Sequence[str]) -> str:
    written = f" in output/{place}" if place else ""
    return "\n".join([f"{kept} picture{'s' * (kept != 1)}{written}", *notes])


def _handed_out(
    sampled: dataset.Sampled, report: Mapping[str, Any], line: str
) -> io.NodeOutput:  # fmt: skip
    images = dataset.kept_images(sampled)
    sheet = [
        Tile(image, f"{number}: {one.cosine:.2f} {one.caption.partition(', ')[2]}"[:LONGEST])
        for number, (image, one) in enumerate(zip(images, sampled.pictures, strict=True), start=1)
    ]
    return io.NodeOutput(
        [image_out([one]) for one in images], image_out([draw_tiles(sheet[:SHOWN])]),
        [one.caption for one in sampled.pictures], json.dumps(report, indent=2),
        ui={"text": [line]},
    )  # fmt: skip
