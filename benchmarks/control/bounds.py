"""What an arm could reach at most: the exact answer, put where the arms paint."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.composing import ComposeConfig, Crop, TargetFace, compose_faces, crop_image


@torch.no_grad()
def put_inside(
    image: Tensor,
    shown: Tensor,
    targets: Sequence[TargetFace],
    backbone: Backbone,
    config: ComposeConfig,
    *,
    coded: bool = True,
) -> Tensor:
    """`image` with `shown` in the masks of the targets, put back as composing does; both are
    `(1, 3, H, W)`. `coded`: as it comes out of the model's autoencoder."""

    def paint(_: TargetFace, crop: Crop, seeds: Sequence[int]) -> Tensor:
        seen = crop_image(shown, crop.plan)
        return backbone.decode(backbone.encode_image(seen).sample()) if coded else seen

    return compose_faces(image, targets, paint, backbone.spec, config).image
