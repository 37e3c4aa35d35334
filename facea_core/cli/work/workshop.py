"""What `facea restore` repairs photos with: people, model, detector, each loaded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...backbone import Backbone, inspect_checkpoint
from ...composing import ComposeConfig, OnPaint, Rank, TargetFace, check_not_mixed, plan_batch
from ...detection.base import Detector
from ...detection.config import EVERY_FACE, DetectConfig
from ...detection.detect import detect_chosen
from ...errors import ConfigError
from ...io.images import load_image
from ...io.mask_files import read_mask
from ...restoring.config import RestoreConfig
from ...restoring.people import who_is_who
from ...restoring.recognise import advantage
from ...restoring.repair import DamagedPhoto
from ...restoring.restore import restore_faces, restored_figures
from ...types import BackboneSpec, DetectedFaces, Identity
from ..restoring import RestoreCommand
from ..talk import notes
from .compose import read_rank, read_target_mask
from .detect import read_region
from .detectors import open_detector
from .models import open_backbone
from .photos import read_people


@dataclass(frozen=True, eq=False)
class Repaired:
    """A repaired photo `image (1, 3, H, W)`, its `strip` of before and after, None where nothing
    was painted, what was found and done as plain values, and notes."""

    image: Tensor
    strip: Tensor | None
    figures: dict[str, Any]
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Workshop:
    flags: RestoreCommand
    config: RestoreConfig
    painting: ComposeConfig
    detection: DetectConfig
    spec: BackboneSpec
    people: tuple[Identity, ...]

    @cached_property
    def detector(self) -> Detector:
        return open_detector(self.flags, self.flags.device)

    @cached_property
    def rank(self) -> Rank | None:
        return read_rank(self.flags.references, self.spec.family)

    @cached_property
    def backbone(self) -> Backbone:
        return open_backbone(self.flags, self.people[0])

    def load(self) -> None:
        """Loads everything that is not loaded yet, and raises what that raises."""
        _ = self.detector, self.rank, self.backbone

    def repair(self, path: Path, on_step: OnPaint | None = None) -> Repaired:
        """Raises FaceAError for a photo that cannot be read or has no face to repair."""
        image, said = load_image(path, longest=None)
        faces, found = self._faces(image)
        photo, more = self._photo(image)
        said = [*said, *more, *found]
        if self.flags.match:
            faces, who = who_is_who(
                photo, faces, self.people, partial(advantage, backbone=self.backbone), self.spec,
                self.painting.context_factor,
            )  # fmt: skip
            said += who
        made = restore_faces(
            photo, faces, self.backbone, self.config, self.painting, on_step, self.rank
        )
        strip = torch.cat(made.strips, dim=2) if made.strips else None
        said += made.composition.notes
        return Repaired(made.composition.image, strip, restored_figures(made), said)

    def _faces(self, image: Tensor) -> tuple[Sequence[TargetFace], list[str]]:
        """The photo's faces, each with its identity unless they are to be matched, and notes."""
        flags, detection, masks, found = self.flags, self.detection, None, None
        said: list[str] = []
        if flags.mask is not None:
            mask, drawn = read_target_mask(flags.mask, image)
            masks, said = [mask], list(drawn)
        else:
            if (len(self.people) > 1 or flags.match) and not detection.faces:
                detection = replace(detection, face_index=EVERY_FACE, face_order="left-to-right")
            region = read_region(flags.region)
            seen = detect_chosen(
                [image], self.detector, detection, regions=None if region is None else [region]
            )
            found = DetectedFaces(str(detection.attributes), seen)
            said = [note for face in seen[0] for note in face.notes]
        identities = [None] if flags.match else self.people
        jobs, more = plan_batch(
            [image], masks, found, identities, self.painting, self.spec, flags.prompt
        )
        return jobs[0].faces, [*said, *more]

    def _photo(self, image: Tensor) -> tuple[DamagedPhoto, list[str]]:
        """What is known of the photo, and notes."""
        scratches = cleaned = None
        said: list[str] = []
        if self.flags.scratches is not None:
            scratches, drawn = read_mask(self.flags.scratches)
            said += drawn
        if self.flags.pre_cleaned is not None:
            cleaned, drawn = load_image(self.flags.pre_cleaned, longest=None)
            said += drawn
        return DamagedPhoto(image, scratches=scratches, cleaned=cleaned), said


def open_workshop(
    flags: RestoreCommand, config: RestoreConfig, painting: ComposeConfig, detection: DetectConfig
) -> Workshop:
    """Raises FaceAError for people who cannot be read or who are none of the model's family."""
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    people = read_people(flags.identity, header.spec.family)
    if not people:
        raise ConfigError("nobody is known who is to be restored; give --identity files")
    check_not_mixed(people, "a photo is restored")
    return Workshop(flags, config, painting, detection, header.spec, tuple(people))
