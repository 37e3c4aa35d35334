"""`facea portrait`: from templates and identities to portraits, the best first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from ...backbone import Backbone, inspect_checkpoint
from ...composing import ComposeConfig, OnPaint, Rank
from ...detection.base import Detector
from ...errors import ConfigError, FaceAError, NoFaceError
from ...evaluation import Embedder
from ...io.figures import Tile, draw_tiles
from ...io.generated_images import save_generated
from ...io.hashes import hash_of, image_sha256, sha256_of
from ...io.images import load_image
from ...io.output_files import require_writable_folder
from ...portraits import (
    Portrait,
    Sitting,
    Template,
    examine,
    paint_portrait,
    rank_portraits,
    read_portrait,
    read_template,
    seats_by_likeness,
    seats_in_order,
    template_files,
    write_portrait,
)
from ...selection import people_rank, tools_for
from ...types import Identity, Photo
from ...version import __version__
from ..talk import advance, bar, note, notes, say
from ..templates import PortraitCommand
from .detectors import open_detector
from .enrolled import model_key
from .models import open_backbone
from .photos import read_faces, read_people

_TILES = 100
"""Portraits on the sheet, the best."""


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
    studio = _Studio(flags, config, header.spec.family, header.spec.resolution, tuple(people))
    made = _made(studio, studio.fit())
    if not made:
        raise FaceAError("nobody was painted into any template; the reasons are above")
    tiles = []
    for name, one in rank_portraits(flags.out, made):
        said = name if one.score is None else f"{one.score:.2f} {name}"
        if len(tiles) < _TILES:
            tiles.append(Tile(load_image(flags.out / name)[0], said))
        say(str(flags.out / name))
    save_generated(draw_tiles(tiles), flags.out / "sheet.png")


def _made(studio: _Studio, files: Sequence[Path]) -> dict[str, Portrait]:
    """By key: portraits of an earlier run, and those of this one, on disk as each is there."""
    made, steps = {}, len(studio.people) * studio.config.steps_of_face
    try:
        with bar("painting", len(files) * steps) as shown:
            for number, (path, one, key) in enumerate(studio.sittings(files)):

                def on_step(done: int, _: int, before: int = number * steps) -> None:
                    advance(shown, before + done, len(files) * steps)

                there = read_portrait(studio.flags.out, key)
                if there is None:
                    backbone = studio.backbone  # What cannot be loaded is no template's fault.
                    try:
                        there = studio.painted(one, key, backbone, on_step)
                    except FaceAError as error:
                        note(f"{path.stem}: not painted, {error}")
                if there is not None:
                    made[key] = there
                on_step(steps, 0)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {len(made)} of {len(files)} portraits are done, and the same command goes "
            "on with the others"
        ) from None
    return made


@dataclass(frozen=True, eq=False)
class _Studio:
    """Everything that portraits are painted with, loaded where it is needed first."""

    flags: PortraitCommand
    config: ComposeConfig
    family: str
    resolution: int
    people: tuple[Identity, ...]

    @cached_property
    def searcher(self) -> Detector:
        return open_detector(self.flags, self.flags.device)

    @cached_property
    def tools(self) -> tuple[Detector, Embedder]:
        return tools_for(self.family)

    @cached_property
    def photos(self) -> list[list[Photo]]:
        """Of each person, or none at all."""
        folders = self.flags.photos
        return [read_faces(str(folder), [folder], self.tools[0]) for folder in folders]

    @cached_property
    def rank(self) -> Rank | None:
        if not self.photos:
            return None
        return people_rank(dict(zip(self.people, self.photos, strict=True)), *self.tools)

    @cached_property
    def backbone(self) -> Backbone:
        return open_backbone(self.flags, self.people[0])

    @cached_property
    def about(self) -> Mapping[str, object]:
        """What all portraits depend on."""
        flags = self.flags
        return {
            "version": __version__, "config": asdict(self.config), "prompt": flags.prompt,
            "base": model_key(str(flags.base), flags.vae, flags.prediction),
            "people": [sha256_of(path) for path in flags.identity],
            "photos": [[image_sha256(photo.image) for photo in some] for some in self.photos],
        }  # fmt: skip

    def fit(self) -> list[Path]:
        """The templates in which there is a face for everybody; notes on the others.

        Raises NoFaceError if there is none.
        """
        files, fit = template_files(self.flags.templates), []
        _ = self.searcher  # What cannot be loaded is no template's fault.
        for path in files:
            try:
                reason = self._template(path).lacks(len(self.people))
            except FaceAError as error:
                reason = str(error)
            if reason:
                note(f"{path.stem}: not fit, {reason}")
            else:
                fit.append(path)
        if not fit:
            raise NoFaceError(
                f"none of the {len(files)} templates is fit for {len(self.people)} people; the "
                "reasons are above"
            )
        return fit

    def sittings(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sitting, str]]:
        """Each template with everybody's face, and the key of the portrait that comes of it."""
        for path in files:
            # Read again: many large pictures at once are more than there is memory.
            one = self._template(path)
            if self.flags.by_likeness:
                seats = seats_by_likeness(one, self.photos, self.tools[1])
            else:
                seats = seats_in_order(one, len(self.people))
            about = {
                **self.about, "name": one.name, "image": image_sha256(one.image),
                "said": one.prompt, "keep": None if one.keep is None else image_sha256(one.keep),
                "faces": [[face.detector, repr(face.face)] for face in seats],
            }  # fmt: skip
            yield path, (one, seats), hash_of(about)

    def painted(self, one: Sitting, key: str, backbone: Backbone, on_step: OnPaint) -> Portrait:
        made = paint_portrait(
            one, self.people, backbone, self.config, self.flags.prompt, on_step, self.rank
        )
        return write_portrait(self.flags.out, key, one[0].name, made)

    def _template(self, path: Path) -> Template:
        one = read_template(path)
        return examine(
            one.image, path.stem, self.searcher, self.resolution, one.prompt, one.faces, one.keep
        )
