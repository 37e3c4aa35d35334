"""What a training starts from: two that start from the same give the same identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch

from ..identity.subject import Subject
from ..types import Photo
from .config import TrainConfig, config_differences


class Beginning(Protocol):
    """What a state keeps of how its run was started, to go on only with the same."""

    @property
    def steps(self) -> int:
        """How many are asked for."""
        ...

    def to_dict(self) -> dict[str, Any]: ...

    def differences(self, saved: Mapping[str, Any]) -> list[str]:
        """Each thing that is not the same, as "what: saved -> now"."""
        ...


@dataclass(frozen=True, eq=False)
class Origin:
    """What a run was started with; a state continues only where all of it is the same.

    Or where only more steps are asked for: see `TrainConfig.same_steps`. `photos` and `backbone`
    are hashes, `count` is the number of photos.
    """

    config: TrainConfig
    photos: str
    backbone: str
    subject: Subject
    count: int

    @classmethod
    def of(
        cls, photos: Sequence[Photo], backbone_hash: str, config: TrainConfig, subject: Subject
    ) -> Origin:
        """That of a training on these photos, by a model with this `Backbone.hash`."""
        return cls(config, photos_hash(photos), backbone_hash, subject, len(photos))

    @property
    def steps(self) -> int:
        return self.config.steps

    def to_dict(self) -> dict[str, Any]:
        return {
            "photos": self.photos,
            "backbone": self.backbone,
            **asdict(self.subject),
            "config": self.config.to_dict(),
            "config_hash": self.config.hash,
        }

    @property
    def key(self) -> str:
        """16 hex digits over everything that the result depends on."""
        about = {key: value for key, value in self.to_dict().items() if key != "config"}
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]

    def differences(self, saved: Mapping[str, Any]) -> list[str]:
        """Each thing that is not the same, as "what: saved -> now"."""
        now, was = self.to_dict(), saved.get("config", {})
        if self.config.same_steps(was.get("steps"), self.count):
            was = {**was, "steps": self.config.steps}
        found = config_differences(self.config, was)
        for key in ("photos", "backbone", "name", "class_noun"):
            if saved.get(key) != now[key]:
                found.append(f"{key}: {saved.get(key)!r:.80} -> {now[key]!r}")
        return found


def photos_hash(photos: Sequence[Photo]) -> str:
    """16 hex digits of the images, their faces, parts, own masks and captions; not file names."""
    digest = hashlib.sha256()
    for photo in photos:
        found = photo.attributes
        boxes = [("", tuple(found.face)), *((p.attribute, tuple(p.box)) for p in found.parts)]
        digest.update(repr((tuple(photo.image.shape), boxes)).encode())
        digest.update(photo.image.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        if photo.caption:
            digest.update(f"caption {photo.caption}".encode())
        for part in found.parts:
            if part.mask is not None:
                mask = part.mask.detach().to("cpu", torch.float32).contiguous()
                digest.update(f"own {part.attribute} {tuple(mask.shape)}".encode())
                digest.update(mask.numpy().tobytes())
    return digest.hexdigest()[:16]
