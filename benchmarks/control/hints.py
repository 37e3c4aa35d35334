"""A head painted by lines of a face: does it come out where the lines are, whose shape has it, and
is it still the person?

The picture shows two people; the person is painted over one of them, in another pose than theirs,
so that neither the mask nor the surroundings tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, nan
from statistics import fmean

from torch import Tensor

from facea_core.backbone import ControlNet, load_control
from facea_core.composing import ComposeConfig, Control, TargetFace, compose_identity
from facea_core.detection.base import Detector
from facea_core.detection.detect import DetectConfig, detect_attributes
from facea_core.evaluation import evaluate_identity, face_crop, face_photo
from facea_core.io.images import resize
from facea_core.synthetic.parameters import GEOMETRY, geometry, labels
from facea_core.types import Box, CropPlan

from ..likeness.journal import Row
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown
from .lines import MovedHost, lines, moved_hosts, warped

ARMS: Mapping[str, str] = {
    "none": "no control",
    "own": "lines of the person in the wanted pose",
    "uncropped": "the same, but the middle of the whole picture's hint in place of the crop's",
    "template": "lines of somebody else in the wanted pose",
    "warped": "lines of a photo of the person, moved on the template's five points",
    "answer": "nothing is repainted: the painter's own picture of the person in the wanted pose",
}

MEASURES: Mapping[str, str] = {
    "landmarks": "distance of eyes, nose and mouth to where they should be, in face widths",
    "likeness": "to photos of the person that were not learned from, cosine",
    "shape": "share of right answers about head width and jaw, by the probe",
    "numbers": "error of head width and jaw as the probe reads them, from 0 to 1",
    "expression": "share of right answers about smile and open mouth, by the probe",
}

_PARTS = ("eyes", "nose", "mouth")
_SHAPE = ("head_width", "jaw")
_CHANGES = (
    ("landmarks", "own", "none"),
    ("landmarks", "uncropped", "own"),
    ("likeness", "own", "none"),
    ("likeness", "warped", "template"),
    ("shape", "warped", "template"),
    ("shape", "own", "template"),
    ("numbers", "warped", "template"),
    ("numbers", "own", "template"),
    ("expression", "template", "none"),
)


@dataclass(frozen=True, eq=False)
class Uncropped(Control):
    """What a face is shown by who does not crop: the middle square of the whole hint."""

    def cropped(self, plan: CropPlan) -> Control:
        height, width = self.hint.shape[2:]
        side = min(height, width)
        y, x = (height - side) // 2, (width - side) // 2
        middle = self.hint[..., y : y + side, x : x + side]
        return Control(self.network, resize(middle, plan.size), self.strength)


def paint_heads(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """The person in each host's picture, in every arm with the same noise."""
    network, number = load_control("tiny", bench.backbone), bench.number(index)
    size = bench.backbone.spec.resolution
    for k, host in enumerate(moved_hosts(number, bench.flags.hosts, size)):
        # The crop is the host's half of the picture, which is what the miniature knows.
        config = ComposeConfig(seed=1000 * number + k, context_factor=1.0)
        face = TargetFace(host.mask, bench.learned(index), around=host.half)
        for arm in ARMS:
            if not wanted(arm, k):
                continue
            if arm == "answer":
                image = host.placed(host.answer.image, host.neighbour.image)
            else:
                control = _control(arm, network, host)
                image = compose_identity(
                    host.picture, [face], bench.backbone, config, control=control
                ).image
            head = image[..., host.left : host.left + size]
            yield Painted(arm, k, image, _measured(bench, index, host, head))


def _control(arm: str, network: ControlNet, host: MovedHost) -> tuple[Control, ...]:
    if arm == "none":
        return ()
    if arm == "template":
        one = lines(host.template)
    elif arm == "warped":
        one = warped(lines(host.photo), host.photo, host.template)
    else:
        one = lines(host.answer)
    kind = Uncropped if arm == "uncropped" else Control
    return (kind(network, host.placed(one, lines(host.neighbour))),)


def _measured(bench: Bench, index: int, host: MovedHost, image: Tensor) -> dict[str, float]:
    subject, face = bench.subject(index), Box(*host.answer.boxes[0]["face"])
    found = _boxes(image, bench.detector)
    crop = face_crop(image, found.get("face", face), 64)
    made = face_photo(image, found.get("face", face))
    look = bench.probe.look(crop)
    seen, truth = look.classes, geometry(host.answer.people)
    columns = [GEOMETRY.index(name) for name in _SHAPE]
    right = {name: float(int(seen[name].argmax()) == label)
             for name, label in {**_labels(host), **host.expression}.items()}  # fmt: skip
    return {
        "landmarks": _distance(found, host.answer.boxes[0]),
        "likeness": evaluate_identity(
            [made], subject.photos, subject.heldout, bench.judge.embedder
        ).heldout,
        "shape": fmean(right[name] for name in _SHAPE),
        "numbers": float((look.geometry - truth)[:, columns].abs().mean()),
        "expression": fmean(right[name] for name in host.expression),
    }


def _labels(host: MovedHost) -> dict[str, int]:
    truth = labels(host.answer.people)
    return {name: int(truth[name][0]) for name in _SHAPE}


def _boxes(image: Tensor, detector: Detector) -> dict[str, Box]:
    asked = DetectConfig(", ".join(_PARTS), on_missing="skip")
    (face,) = detect_attributes([image], detector, asked)
    if face is None:
        return {}
    return {"face": face.face, **{part.attribute: part.box for part in face.parts}}


def _distance(found: Mapping[str, Box], wanted: Mapping[str, tuple[int, int, int, int]]) -> float:
    """Mean over the parts that are in both, in widths of the wanted face; NaN without any."""
    width = wanted["face"][2] - wanted["face"][0]
    away = [
        hypot(*(a - b for a, b in zip(found[p].center, Box(*wanted[p]).center, strict=True)))
        for p in _PARTS
        if p in found and p in wanted
    ]
    return fmean(away) / width if away else nan


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, and what a hint changes in each person."""

    def means(arm: str, name: str) -> dict[str, float]:
        return by_person(rows, arm, lambda some: _mean(some, name))

    cells = [
        [f"{arm}: {about}", *(shown(means(arm, name)) for name in MEASURES)]
        for arm, about in ARMS.items()
    ]
    changes = [
        f"{name.capitalize()}, {one} less {other}: "
        f"{shown(difference(means(one, name), means(other, name)))}"
        for name, one, other in _CHANGES
    ]
    return markdown(["Arm", *MEASURES], cells) + "\n\n" + "\n".join(changes) + "\n"


def _mean(rows: Sequence[Row], name: str) -> float:
    numbers = [row[name] for row in rows if row[name] == row[name]]
    return fmean(numbers) if numbers else nan


TASK = Task(paint_heads, table)
