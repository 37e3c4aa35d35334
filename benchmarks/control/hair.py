"""A head with other hair than the host's, longer or shorter: is it the person's, and does what the
host's hair hid come out as the painter has it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask
from facea_core.demo import HAIR_ROOM
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.evaluation import face_crop
from facea_core.seeds import seeded
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import IDENTITY, hair_style, labels, sample_people
from facea_core.synthetic.parameters import sample_scenes as scenes_of
from facea_core.synthetic.render import class_noun, paint
from facea_core.types import Box, FaceAttributes, Identity

from ..likeness.journal import Row
from ..likeness.subjects import UNSEEN
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown

ARMS: Mapping[str, str] = {
    "one pass": "face, neck and the host's hair repainted as the person: what FaceA does",
    "bald first": "the same, on the host made bald by the model without the person",
    "face only": "the host's hair left as it is",
}

MEASURES: Mapping[str, str] = {
    "backdrop": "error where the host's hair hid the backdrop, in that of the host's picture",
    "style": "share of right hair styles, by the probe",
    "colour": "share of right hair colours",
}

STICKS_OUT = 0.05
"""The host's hair is the longer one if more of it than this lies outside the person's head."""

_STYLES = 64
"""Numbers tried for a host's hair style, evenly over [0, 1]."""


@dataclass(frozen=True, eq=False)
class HairHost:
    """Somebody with other hair, the person in the same scene, and where the backdrop was hidden,
    `hidden (1, 1, H, W)` in {0, 1}; all 0 if the person's hair is the longer one."""

    before: Painting
    answer: Painting
    hidden: Tensor

    @property
    def longer(self) -> bool:
        return bool(self.hidden.any())


def hair_hosts(number: int, count: int, size: int) -> list[HairHost]:
    """Hosts of person `number`, each of another hair style than the person's, all in turn.

    Same numbers, same bytes; the first are the same for any `count`.
    """
    person = sample_people(1, seeded(UNSEEN + number))
    generator, gender = seeded(UNSEEN + number + (1 << 22)), IDENTITY.index("gender")
    tried = person.repeat(_STYLES, 1)
    tried[:, IDENTITY.index("hair_style")] = (torch.arange(_STYLES) + 0.5) / _STYLES
    styles, own = hair_style(tried), int(hair_style(person))
    others = [int(style) for style in styles.unique() if int(style) != own]
    found = []
    for k in range(count):
        host, scene = sample_people(1, generator), scenes_of(1, generator)
        host[:, gender] = person[:, gender]
        # From long to short: the styles are in the order of their length.
        row = int((styles == others[-1 - k % len(others)]).nonzero()[0])
        host[:, IDENTITY.index("hair_style")] = tried[row, IDENTITY.index("hair_style")]
        before, answer = paint(host, scene, size), paint(person, scene, size)
        found.append(HairHost(before, answer, _hidden(before, answer)))
    return found


def _hidden(before: Painting, answer: Painting) -> Tensor:
    hair = (before.masks["hair"] > 0.5).float()
    head = (answer.masks["face"] + answer.masks["hair"] > 0.5).float()
    hidden = hair * (1 - F.max_pool2d(head, 5, 1, 2))  # not the rim, which is drawn anti-aliased
    return hidden * float(hidden.sum() > STICKS_OUT * hair.sum())


def paint_heads(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """The person in each host's picture, in every arm with the same noise."""
    size = bench.backbone.spec.resolution
    for k, host in enumerate(hair_hosts(bench.number(index), bench.flags.hosts, size)):
        missing = [arm for arm in ARMS if wanted(arm, k)]
        if not missing:
            continue
        parts = DetectConfig("face, hair", on_missing="pass")
        (face,) = detect_attributes([host.before.image], bench.detector, parts)
        assert face is not None  # without a face there is an error
        for arm in missing:
            config = ComposeConfig(
                hair=arm != "face only", hair_room=0.0 if host.longer else HAIR_ROOM,
                seed=1000 * bench.number(index) + k,
            )  # fmt: skip
            faces = _faces(arm, host, face, bench.learned(index), config)
            image = compose_identity(host.before.image, faces, bench.backbone, config).image
            yield Painted(arm, k, image, _measured(bench, host, image))


def _faces(
    arm: str, host: HairHost, face: FaceAttributes, identity: Identity, config: ComposeConfig
) -> list[TargetFace]:
    faces = [TargetFace(face_mask(face, config), identity)]
    if arm == "bald first":
        noun = class_noun(host.answer.people[0])
        faces.insert(0, TargetFace(faces[0].mask, None, f"a photo of a {noun} with bald head"))
    return faces


def _measured(bench: Bench, host: HairHost, image: Tensor) -> dict[str, float]:
    def error(one: Tensor) -> float:
        change = (one - host.answer.image).abs().mean(dim=1, keepdim=True)
        return float((change * host.hidden).sum())

    crop = face_crop(image, Box(*host.answer.boxes[0]["face"]), 64)
    seen, truth = bench.probe.look(crop).classes, labels(host.answer.people)
    right = {name: float(seen[name].argmax() == truth[name][0])
             for name in ("hair_style", "hair_colour")}  # fmt: skip
    return {
        "backdrop": error(image) / error(host.before.image) if host.longer else nan,
        "style": right["hair_style"],
        "colour": right["hair_colour"],
    }


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, onto longer hair and onto shorter."""
    lines = []
    for longer in (True, False):
        some = [row for row in rows if isnan(row["backdrop"]) != longer]
        for arm, about in ARMS.items():
            cells = ["longer" if longer else "shorter", f"{arm}: {about}"]
            for name in MEASURES if longer else list(MEASURES)[1:]:
                means = by_person(some, arm, lambda one, n=name: fmean(row[n] for row in one))
                cells.append(shown(means) if means else "–")
            if not longer:
                cells.insert(2, "–")
            lines.append(cells)
    return markdown(["The host's hair is", "Arm", *MEASURES], lines)


TASK = Task(paint_heads, table)
