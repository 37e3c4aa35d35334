"""The settings of detection: one source for the node's inputs, the CLI's flags and JSON files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..attributes import Attribute, attribute_table
from ..errors import ConfigError, quoted
from ..settings import check_settings, setting

DETECTORS = ("auto", "mesh", "landmarks", "tiny", "grounding-dino")
"""Who can search; `load_detector` makes one of a name."""

RENAMED = {"groundingdino-py": "grounding-dino"}
"""Names of earlier versions, by which saved workflows and scripts may still ask."""

FACE_ORDERS = (
    "largest",
    "left-to-right",
    "score",
    "smallest",
    "right-to-left",
    "top-to-bottom",
    "bottom-to-top",
)

ON_MISSING = ("error", "skip", "pass", "estimate")
EVERY_FACE = -1

MOST_FACES = 100
"""Faces of an image that can be told by their numbers."""

_NUMBERS = re.compile(r"\d{1,2}(\s*,\s*\d{1,2})*", re.ASCII)


@dataclass(frozen=True)
class DetectConfig:
    """What is looked for. Raises ConfigError for a value that is unknown or out of range.

    `part_grow` and `part_feather` are shares of the longer side of a part and shape the masks of
    parts, not their boxes.
    """

    attributes: str | tuple[str, ...] = setting(
        "male", "a preset or a comma list of facial attributes"
    )
    face_index: int = setting(0, "which face, counted from 0 in the face order; -1 = all faces", -1)
    face_order: str = setting(
        "largest", "the order in which faces are numbered", choices=FACE_ORDERS
    )
    face_threshold: float = setting(0.35, "minimum score of a face", 0.0, 1.0)
    part_threshold: float = setting(0.25, "minimum score of a part", 0.0, 1.0)
    on_missing: str = setting(
        "error",
        "if a face or part is missing: stop with an error, skip the image, go on without it, or "
        "estimate the part from the face's proportions",
        choices=ON_MISSING,
    )
    part_grow: float = setting(
        0.1, "how far the mask extends beyond the part, in part sizes", 0.0, 1.0
    )
    part_feather: float = setting(
        0.08, "width of the soft edge on both sides of the part's outline, in part sizes", 0.0, 0.5
    )
    faces: str = setting(
        "", "numbers of the faces to use instead of face_index: 0, 2 = the first and the third"
    )

    def __post_init__(self) -> None:
        attribute_table(self.attributes)
        check_settings(self)
        if self.face_index < EVERY_FACE:
            raise ConfigError(f"face_index is {self.face_index}; count from 0, or give -1 for all")
        said = self.faces.strip()
        if said and not _NUMBERS.fullmatch(said):
            raise ConfigError(
                f"faces is {quoted(self.faces)}; give numbers from 0 to {MOST_FACES - 1} with "
                "commas, such as 0, 2, or nothing to go by face_index"
            )

    @property
    def wanted(self) -> tuple[int, ...] | None:
        """The numbers of the faces that are meant, in their order; None = all there are."""
        if self.faces.strip():
            return tuple(dict.fromkeys(int(one) for one in self.faces.split(",")))
        return None if self.face_index == EVERY_FACE else (self.face_index,)

    @property
    def one_face(self) -> bool:
        """Whether a single face of each image is meant."""
        return self.wanted is not None and len(self.wanted) == 1

    @property
    def table(self) -> tuple[Attribute, ...]:
        return attribute_table(self.attributes)
