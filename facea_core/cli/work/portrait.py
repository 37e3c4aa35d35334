"""`facea portrait`: from templates and identities to portraits, the best first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ...backbone import inspect_checkpoint, load_backbone
from ...composing import ComposeConfig
from ...detection.base import Detector
from ...errors import ConfigError, NoFaceError
from ...io.figures import Tile, draw_tiles
from ...io.files import atomic_path
from ...io.generated_images import save_generated
from ...io.output_files import require_writable_folder
from ...portraits import (
    Template,
    examine,
    paint_portraits,
    ranked,
    read_templates,
    score,
    seats_by_likeness,
    seats_in_order,
)
from ...selection import people_rank, tools_for
from ...types import Composition
from ..talk import note, notes, painting_bar, say
from ..templates import PortraitCommand
from .detectors import open_detector, pick_device
from .photos import read_faces, read_people


def portrait(flags: PortraitCommand, config: ComposeConfig) -> None:
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    people = read_people(flags.identity, header.spec.family)
    if not people:
        raise ConfigError("nobody is to be painted; give --identity files")
    if flags.photos and len(flags.photos) != len(people):
        raise ConfigError(
            f"--photos has {len(flags.photos)} folders and --identity {len(people)} people; give "
            "one for each, in their order"
        )
    if flags.by_likeness and not flags.photos:
        raise ConfigError("--by-likeness compares with --photos, and there are none")
    require_writable_folder(flags.out)
    searcher = open_detector(flags, flags.device)
    templates = _fit(flags, searcher, header.spec.resolution, len(people))
    tools = tools_for(header.spec.family) if flags.photos else None
    photos = (
        [read_faces(str(folder), [folder], tools[0]) for folder in flags.photos] if tools else []
    )
    backbone = load_backbone(
        flags.base, pick_device(flags.device), prediction=flags.prediction, vae=flags.vae,
        clip_skip=people[0].meta.clip_skip,
    )  # fmt: skip

    rank = people_rank(dict(zip(people, photos, strict=True)), *tools) if tools else None
    sittings = [
        (one, seats_by_likeness(one, photos, tools[1]) if flags.by_likeness and tools
         else seats_in_order(one, len(people)))
        for one in templates
    ]  # fmt: skip
    with painting_bar(len(templates) * len(people) * config.steps_of_face) as on_step:
        made = paint_portraits(sittings, people, backbone, config, flags.prompt, on_step, rank)
    _write(flags.out, templates, made)


def _fit(
    flags: PortraitCommand, detector: Detector, resolution: int, people: int
) -> list[Template]:
    seen = [
        examine(one.image, one.path.stem, detector, resolution, one.prompt, one.faces, one.keep)
        for one in read_templates(flags.templates)
    ]
    fit = []
    for one in seen:
        if reason := one.lacks(people):
            note(f"{one.name}: not fit, {reason}")
        else:
            fit.append(one)
    if not fit:
        raise NoFaceError(
            f"none of the {len(seen)} templates is fit for {people} people; the reasons are above"
        )
    return fit


def _write(out: Path, templates: Sequence[Template], made: Sequence[Composition]) -> None:
    scores = [score(one) for one in made]
    order = ranked(scores)
    entries, tiles = [], []
    for place, number in enumerate(order, start=1):
        name = f"{place:02}-{templates[number].name}.png"
        save_generated(made[number].image, out / name)
        worth = scores[number]
        entries.append({
            "image": name, "template": templates[number].name, "score": worth,
            "crops": [list(plan.box) for plan in made[number].plans],
            "notes": list(made[number].notes),
        })  # fmt: skip
        tiles.append(Tile(made[number].image, name if worth is None else f"{worth:.2f} {name}"))
        say(str(out / name))
    save_generated(draw_tiles(tiles), out / "sheet.png")
    with atomic_path(out / "portraits.json") as temporary:
        temporary.write_text(json.dumps({"portraits": entries}, indent=2) + "\n", "utf-8")
