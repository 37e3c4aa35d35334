"""A backbone that encodes no picture twice: the arms of a person see the same crops."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields

from torch import Tensor

from facea_core.backbone import Backbone, LatentDistribution


@dataclass(frozen=True, eq=False)
class KnowingBackbone(Backbone):
    """`known` is what `encode_image` answered so far, by the bytes of the picture."""

    known: dict[bytes, LatentDistribution] = field(default_factory=dict)

    @classmethod
    def of(cls, backbone: Backbone) -> KnowingBackbone:
        return cls(**{f.name: getattr(backbone, f.name) for f in fields(backbone)})

    def encode_image(self, image: Tensor) -> LatentDistribution:
        data = image.detach().cpu().contiguous()
        key = hashlib.sha256(repr((data.shape, data.dtype)).encode() + data.numpy().tobytes())
        if (found := self.known.get(key.digest())) is None:
            found = self.known[key.digest()] = super().encode_image(image)
        return found
