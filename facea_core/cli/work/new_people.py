"""`facea new-people`: from trained people to the identities and portraits of new ones."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ...backbone import load_backbone
from ...composing import ComposeConfig
from ...dataset.config import DatasetConfig
from ...dataset.newcomers import Newcomer, newcomers
from ...dataset.painting import painter
from ...dataset.people import band_of
from ...dataset.run import identity_of
from ...errors import ConfigError, NoFaceError, shortened
from ...identity import save_identity
from ...io.files import atomic_path
from ...io.generated_images import save_generated
from ...io.output_files import require_writable_folder, staged
from ..sampling import NewPeopleCommand
from ..talk import bar, note, say
from .enrolled import enrolled

_AT_HAND = 8
"""Identities that are kept in memory: each is some ten megabytes and more."""


def new_people(flags: NewPeopleCommand, composing: ComposeConfig) -> None:
    require_writable_folder(flags.out)
    known = enrolled(flags, flags.out)
    band = band_of(known.people, known.tools.embedder.name, DatasetConfig())
    note(f"a new face is like nobody by {band.stranger:.3f}, {band.source}")
    models = known.models
    backbone = load_backbone(
        models.base, models.device, prediction=models.prediction, vae=models.vae,
        clip_skip=models.clip_skip,
    )  # fmt: skip

    made = 0
    with bar("blending", flags.count, "person") as shown:
        for one in newcomers(
            known.people, lru_cache(_AT_HAND)(identity_of),
            lambda identity: painter(backbone, identity, known.tools.detector, composing),
            known.hosts, band, known.tools, flags.count, composing.seed,
        ):  # fmt: skip
            if isinstance(one, str):
                note(one)
                continue
            write_newcomer(flags.out, one)
            made += 1
            shown.update()
            first, second = one.parents
            say(f"{one.identity.name}: {one.share:.0%} {first}, {1 - one.share:.0%} {second}; "
                f"nearest to anybody {one.nearest:.3f}")  # fmt: skip
    if not made:
        raise NoFaceError(
            "no blend is like nobody else; train more people, and less alike ones, to blend"
        )
    if made < flags.count:
        note(f"{made} of {flags.count}: the other blends were like somebody, see above")


def write_newcomer(out: Path, one: Newcomer) -> None:
    """The folder of portraits first: who has an identity is whole.

    Raises ConfigError where somebody else has the name: others of that run would be left, with whom
    nobody was compared.
    """
    name = one.identity.name
    folder, there = out / "people" / name, out / "identities" / f"{name}.safetensors"
    with staged(there.parent) as stage:
        made = stage / there.name
        save_identity(one.identity, made)
        if there.exists() and there.read_bytes() != made.read_bytes():
            raise ConfigError(
                f"{shortened(there)} is somebody else, of a run with other settings or people; "
                "give another --out, or empty this one"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for number, portrait in enumerate(one.portraits):
            save_generated(portrait.image, folder / f"{number}.png")
        for file, text in (("class.txt", one.noun), ("consent.txt", one.consent)):
            with atomic_path(folder / file) as temporary:
                temporary.write_text(text + "\n", "utf-8")
