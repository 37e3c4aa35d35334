"""The settings of detection: one source for the node's inputs, the CLI's flags and JSON files."""

from __future__ import annotations

from dataclasses import dataclass

from ..attributes import Attribute, attribute_table
from ..errors import ConfigError
from ..settings import check_settings, setting
from .select import FACE_ORDERS

ON_MISSING = ("error", "skip", "pass", "estimate")
EVERY_FACE = -1


@dataclass(frozen=True)
class DetectConfig:
    """What is looked for. Raises ConfigError for a value that is unknown or out of range.

    `part_grow` and `part_feather` are shares of the longer side of a part and shape the masks of
    parts, not their boxes.
    """

    attributes: str | tuple[str, ...] = setting(
        "male", "a preset or a comma list of facial attributes"
    )
    face_index: int = setting(0, "which face, counted from 0 in the face order; -1 = all", -1)
    face_order: str = setting("largest", "how faces are counted", choices=FACE_ORDERS)
    face_threshold: float = setting(0.35, "least score of a face", 0.0, 1.0)
    part_threshold: float = setting(0.25, "least score of a part", 0.0, 1.0)
    on_missing: str = setting(
        "error",
        "without a face or part: stop, leave the picture out, go on without, or go on with parts "
        "estimated from the face's proportions",
        choices=ON_MISSING,
    )
    part_grow: float = setting(0.1, "how far a part's mask reaches beyond the part", 0.0, 1.0)
    part_feather: float = setting(
        0.08, "how far a part's mask fades to either side of its outline", 0.0, 0.5
    )

    def __post_init__(self) -> None:
        attribute_table(self.attributes)
        check_settings(self)
        if self.face_index < EVERY_FACE:
            raise ConfigError(f"face_index is {self.face_index}; count from 0, or give -1 for all")

    @property
    def table(self) -> tuple[Attribute, ...]:
        return attribute_table(self.attributes)
