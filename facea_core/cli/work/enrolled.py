"""The people, hosts and models that `facea dataset` and `facea new-people` begin with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...backbone import inspect_checkpoint
from ...backbone.load import pick_device
from ...dataset.hosts import Host, read_hosts
from ...dataset.people import Person, person_of
from ...dataset.run import Models, identity_of, model_tools
from ...dataset.sample import Tools
from ...errors import AssetError, ConfigError, FaceAError, quoted, shortened
from ...identity import check_family, load_identity
from ...io.hashes import sha256_of
from ...people import PersonFolder, people_in
from ...people.folders import read_text
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


def enrolled(flags: PeopleFlags, out: Path, consent: str = "") -> Enrolled:
    """Everybody with an identity and a photo, by name, and all hosts with one face; who and what is
    left out is noted. `out` is a folder of nobody's.

    Raises AssetError if there is nobody, ConfigError for an `out` that would be read as people or
    hosts the next time, and as `read_hosts` does.
    """
    _require_apart(flags, out)
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    family, base = header.spec.family, from_anywhere(flags.base)
    device, tools = pick_device(flags.device), model_tools(family)
    people = _people(flags, out, consent, family, tools)
    with bar("reading hosts", 0, "picture") as shown:
        hosts, left_out = read_hosts(
            flags.hosts.absolute(), tools.detector, header.spec.resolution,
            lambda done, total: advance(shown, done, total),
        )  # fmt: skip
    notes("--hosts", [*left_out, *_unused(hosts, people)])
    models = Models(
        base, device, family, flags.prediction,
        None if flags.vae is None else from_anywhere(flags.vae),
        identity_of(people[0]).meta.clip_skip,
    )  # fmt: skip
    key = model_key(base, flags.vae, flags.prediction)
    return Enrolled(people, hosts, models, tools, header.spec.resolution, key)


def _require_apart(flags: PeopleFlags, out: Path) -> None:
    where = out.resolve()
    if where == flags.people.resolve():
        raise ConfigError(
            f"--out is {shortened(out)}, the folder of the people, in which each folder is a "
            "person; give another one"
        )
    if where.is_relative_to(flags.hosts.resolve()):
        raise ConfigError(
            f"--out is {shortened(out)}, which lies in the folder of hosts, where all pictures are "
            "painted over; give another one"
        )


def _unused(hosts: Sequence[Host], people: Sequence[Person]) -> list[str]:
    """Of hosts whose folder is called as nobody is: often it was meant for everybody."""
    nouns = {person.noun for person in people}
    counts = Counter(host.noun for host in hosts if host.noun and host.noun not in nouns)
    return [
        f"{count} pictures in {shortened(noun)} are not used, for nobody is called {quoted(noun)} "
        f"but {', '.join(sorted(nouns))}; those for everybody lie in the folder of hosts itself"
        for noun, count in counts.items()
    ]


def from_anywhere(model: str | Path) -> str:
    """A model's path for processes that run in other folders; "tiny" is none."""
    return str(model) if str(model) == "tiny" else str(Path(model).absolute())


def _people(flags: PeopleFlags, out: Path, consent: str, family: str, tools: Tools) -> list[Person]:
    # What they are, their identities say.
    found, people = people_in(flags.people, "person", apart=out), []
    with bar("reading people", len(found), "person") as shown:
        for one in found:
            shown.update()
            try:
                people.append(_person(one, len(people), flags.identities, consent, family, tools))
            except FaceAError as error:
                note(f"{one.name}: left out, {error}")
    if not people:
        raise AssetError(
            f"nobody of {len(found)} people in {flags.people} has an identity in "
            f"{flags.identities}; run facea train-all first"
        )
    return people


def _person(
    one: PersonFolder, label: int, identities: Path, consent: str, family: str, tools: Tools
) -> Person:
    """Raises FaceAError for somebody of whom no pictures can be made."""
    if one.problem:
        raise ConfigError(one.problem)
    file = (identities / f"{one.name}.safetensors").absolute()
    if not file.is_file():
        raise AssetError(f"there is no {file}; learn them with facea train-all")
    identity = load_identity(file)
    check_family(identity, family)
    photos = read_faces(one.name, one.photos, tools.detector)
    said = one.folder / _CONSENT
    text = read_text(said) if said.is_file() else consent
    return person_of(
        one.name, label, identity.meta.class_noun, file, sha256_of(file), photos, tools.embedder,
        check_text("consent", " ".join(text.split())),
    )  # fmt: skip


def model_key(base: str, vae: Path | None, prediction: str | None) -> str:
    """What tells one base model from another without reading it: names, sizes and times."""
    parts = [prediction or ""]
    for path in (Path(base), vae):
        if path is not None and path.exists():
            files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
            parts += [f"{one.name} {one.stat().st_size} {one.stat().st_mtime_ns}" for one in files]
    return " ".join((Path(base).name, *parts)).strip()
