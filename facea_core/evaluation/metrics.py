"""How good a generated person is: how alike, how much copied from a photo, background untouched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ConfigError, ImageError
from ..io.images import check_image, check_mask
from ..types import Box, FaceAttributes, Photo
from .crops import face_crop
from .embedders import Embedder

__all__ = [
    "Metrics",
    "background_change",
    "embed_faces",
    "evaluate_identity",
    "face_crop",
    "face_photo",
    "likeness",
]

_TOGETHER = 16


@dataclass(frozen=True)
class Metrics:
    """Plain numbers about a generated picture. Similarities are cosines in [-1, 1].

    `copy_paste` is (nearest training photo) - (nearest held-out photo): how much closer the picture
    is to a photo it was trained on than to others of the same person. NaN where nothing was given
    to compare with.
    """

    training: float
    heldout: float
    copy_paste: float
    background: float
    count: int


def face_photo(image: Tensor, face: Box) -> Photo:
    """A photo of which nothing is known but the face box: image (1, 3, H, W), box in its frame."""
    return Photo(image, FaceAttributes((image.shape[2], image.shape[3]), face, 1.0))


def embed_faces(photos: Sequence[Photo], embedder: Embedder) -> Tensor:
    """Unit vectors (N, D) of the faces of N photos; (0, 0) for none."""
    if not photos:
        return torch.empty(0, 0)
    # Some at a time: hundreds of photos need no more memory than a few.
    return torch.cat(
        [_embedded(photos[i : i + _TOGETHER], embedder) for i in range(0, len(photos), _TOGETHER)]
    )


def _embedded(photos: Sequence[Photo], embedder: Embedder) -> Tensor:
    crops = [
        face_crop(check_image(photo.image), photo.attributes.face, embedder.side).cpu()
        for photo in photos
    ]
    return embedder.embed(torch.cat(crops))


def evaluate_identity(
    generated: Sequence[Photo],
    references: Sequence[Photo],
    heldout: Sequence[Photo],
    embedder: Embedder,
    original: Tensor | None = None,
    mask: Tensor | None = None,
) -> Metrics:
    """Compares generated faces with training photos (`references`) and with others (`heldout`).

    `training` and `heldout` are mean cosines over all pairs. `copy_paste` is, per generated face,
    the cosine to its nearest training photo less that to its nearest held-out photo, averaged:
    near 0 for a likeness, above 0 for a copy of a photo. With more photos the nearest is nearer,
    so the larger set counts as the average over its subsets of the smaller set's size.

    `background` is the mean absolute difference, in [0, 1], between `original (1, 3, H, W)` and the
    generated images where `mask (1, 1, H, W)` is 0; without a mask over the whole image. What
    is not given is NaN. Raises ConfigError without generated faces, ImageError or MaskError for
    tensors that do not fit.
    """
    if not generated:
        raise ConfigError("there is nothing to evaluate: give at least one generated picture")
    vectors = embed_faces(generated, embedder)
    similarity = [
        vectors @ embed_faces(photos, embedder).T if photos else None
        for photos in (references, heldout)
    ]
    to_training, to_heldout = similarity
    copy_paste = math.nan
    if to_training is not None and to_heldout is not None:
        count = min(to_training.shape[1], to_heldout.shape[1])
        copy_paste = float((_nearest(to_training, count) - _nearest(to_heldout, count)).mean())
    background = math.nan
    if original is not None:
        background = background_change([photo.image for photo in generated], original, mask)
    means = [math.nan if s is None else float(s.mean()) for s in similarity]
    return Metrics(means[0], means[1], copy_paste, background, len(generated))


def likeness(embedder: Embedder, face: Photo, photos: Sequence[Photo]) -> float:
    """Mean cosine of a face with those of photos; raises ConfigError and ImageError as above."""
    return evaluate_identity([face], photos, [], embedder).training


def background_change(
    images: Sequence[Tensor], original: Tensor, mask: Tensor | None = None
) -> float:
    """Mean absolute difference of images and original, all (1, 3, H, W), where the mask is 0.

    NaN if the mask leaves nothing. Raises ImageError for an image of another size.
    """
    original = check_image(original)
    kept = torch.ones_like(original[:, :1]) if mask is None else check_mask(mask, original) == 0
    kept = kept.bool().expand_as(original)
    differences = []
    for image in images:
        if image.shape != original.shape:
            raise ImageError(
                f"the generated picture has the shape {tuple(image.shape)}, the original "
                f"{tuple(original.shape)}: compare pictures of one size"
            )
        differences.append((image - original).abs()[kept])
    return float(torch.cat(differences).mean())


def _nearest(similarity: Tensor, count: int) -> Tensor:
    """Mean over all subsets of `count` columns of the largest value in each row: (N, M) -> (N,)."""
    total = similarity.shape[1]
    ranked = similarity.sort(dim=1).values
    # The k-th smallest is the largest of a subset whose other members all rank below it.
    shares = [math.comb(k, count - 1) / math.comb(total, count) for k in range(total)]
    return ranked @ torch.tensor(shares, dtype=ranked.dtype)
