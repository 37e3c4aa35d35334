"""The people, hosts and models that `facea dataset` and `facea new-people` begin with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...backbone import inspect_checkpoint
from ...backbone.load import pick_device
from ...dataset.hosts import Host, read_hosts, sha256_of
from ...dataset.people import Person, person_of
from ...dataset.run import Models, model_tools
from ...dataset.sample import Tools
from ...errors import AssetError, NoFaceError
from ...identity import check_family, load_identity
from ...people import people_in
from ...settings import check_text
from ..sampling import PeopleFlags
from ..talk import advance, bar, note, notes
from .photos import read_faces

_CONSENT = "consent.txt"


@dataclass(frozen=True, eq=False)
class Enrolled:
    """`resolution` is the model's; `key` tells its file from another one's."""

    people: list[Person]
    hosts: list[Host]
    models: Models
    tools: Tools
    resolution: int
    key: str


def enrolled(flags: PeopleFlags, consent: str = "") -> Enrolled:
    """Everybody with an identity and a photo, by name, and all hosts with one face; who and what is
    left out is noted.

    Raises AssetError if there is nobody, and as `read_hosts` and `load_identity` do.
    """
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    family = header.spec.family
    base = flags.base if str(flags.base) == "tiny" else Path(flags.base).absolute()
    models = Models(
        str(base), pick_device(flags.device), family, flags.prediction,
        None if flags.vae is None else str(flags.vae.absolute()), _layer(flags.identities),
    )  # fmt: skip
    tools = model_tools(family)
    people = _people(flags, consent, family, tools)
    with bar("reading hosts", 0, "picture") as shown:
        hosts, left_out = read_hosts(
            flags.hosts.absolute(), tools.detector, header.spec.resolution,
            lambda done, total: advance(shown, done, total),
        )  # fmt: skip
    notes("--hosts", left_out)
    key = _key(base, flags.vae, flags.prediction)
    return Enrolled(people, hosts, models, tools, header.spec.resolution, key)


def _people(flags: PeopleFlags, consent: str, family: str, tools: Tools) -> list[Person]:
    # What they are, their identities say.
    found, people = people_in(flags.people, "person"), []
    with bar("reading people", len(found), "person") as shown:
        for one in found:
            shown.update()
            file = (flags.identities / f"{one.name}.safetensors").absolute()
            if one.problem or not file.is_file():
                note(f"{one.name}: left out, {one.problem or f'there is no {file}'}")
                continue
            identity = load_identity(file)
            check_family(identity, family)
            try:
                photos = read_faces(one.name, one.photos, tools.detector)
            except NoFaceError as error:
                note(f"{one.name}: left out, {error}")
                continue
            said = one.folder / _CONSENT
            text = said.read_text("utf-8-sig") if said.is_file() else consent
            people.append(person_of(
                one.name, len(people), identity.meta.class_noun, file, sha256_of(file), photos,
                tools.embedder, check_text("consent", " ".join(text.split())),
            ))  # fmt: skip
    if not people:
        raise AssetError(
            f"nobody of {len(found)} people in {flags.people} has an identity in "
            f"{flags.identities}; run facea train-all first"
        )
    return people


def _layer(identities: Path) -> int:
    """The layer of the text encoders that the first identity was learned by."""
    first = next(iter(sorted(identities.glob("*.safetensors"))), None)
    return 0 if first is None else load_identity(first).meta.clip_skip


def _key(base: str | Path, vae: Path | None, prediction: str | None) -> str:
    """What tells one base model from another without reading it: names, sizes and times."""
    parts = [prediction or ""]
    for path in (Path(base), vae):
        if path is not None and path.exists():
            files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
            parts += [f"{one.name} {one.stat().st_size} {one.stat().st_mtime_ns}" for one in files]
    return " ".join((Path(base).name, *parts)).strip()
