"""What tells people apart: a head crop becomes a unit vector; cosine says how alike two are.

Every embedder takes the crops of `face_crop`, of any side. Cosines of different embedders are not
comparable with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..detection.base import OWN_MASK
from ..errors import AssetError, ConfigError, ImageError, MissingDependencyError, quoted
from ..types import FaceAttributes
from .crops import HEAD_LIFT, HEAD_SCALE
from .names import EMBEDDERS

if TYPE_CHECKING:
    from .identity_encoder import IdentityEncoder

PREDICTOR_FILE = "shape_predictor_5_face_landmarks.dat"
NETWORK_FILE = "dlib_face_recognition_resnet_model_v1.dat"

# dlib's rectangle in shares of the face box from hairline to chin: side, and how far it lies lower.
_SIZE, _LOWER = 0.78, 0.07


class Embedder(Protocol):
    """`side` is the crop side in pixels that it works on."""

    @property
    def name(self) -> str: ...

    @property
    def side(self) -> int: ...

    def embed(self, crops: Tensor) -> Tensor:
        """Head crops (B, 3, s, s) in [0, 1] -> unit vectors (B, D) float32 on the CPU."""
        ...


class TinyEmbedder:
    """The identity encoder of the embedded default: for synthetic faces, not for photographs."""

    name = "tiny"
    side = 64

    def __init__(self, model: IdentityEncoder | None = None) -> None:
        """`model` None loads the weights that come with the pack; AssetError without them."""
        if model is None:
            from .identity_encoder import load_identity_encoder

            model = load_identity_encoder()
        self.model: IdentityEncoder = model.eval()

    @torch.no_grad()
    def embed(self, crops: Tensor) -> Tensor:
        crops = _resized(crops, self.side)
        device = next(self.model.parameters()).device
        return F.normalize(self.model(crops.to(device)).float(), dim=1).cpu()


class LandmarksEmbedder:
    """dlib's face recognition network on five landmarks, for photographs.

    128 numbers (King 2017, a ResNet after 1512.03385). Its vectors lie close together, a face
    scores 0.85 even against noise: compare cosines with each other, not with 0. The crops must come
    from face boxes that reach from hairline to chin, as the mesh and landmarks detectors give them.
    """

    name = "landmarks"
    side = 256

    def __init__(self) -> None:
        """Raises MissingDependencyError without the optional packages, AssetError without files."""
        from ..dlib_models import landmarks_available

        if not landmarks_available():
            raise MissingDependencyError(
                "faces in photographs are found, but to tell whose they are takes the landmarks "
                "embedder, dlib's recognition network, which is not installed: pip install "
                "dlib-bin face_recognition_models; for painted people choose the embedder 'tiny'"
            )
        # By name: dlib has no types.
        self._dlib = import_module("dlib")
        self._predictor = _model(self._dlib.shape_predictor, PREDICTOR_FILE)
        self._network = _model(self._dlib.face_recognition_model_v1, NETWORK_FILE)

    def embed(self, crops: Tensor) -> Tensor:
        crops = _resized(crops, self.side).clamp(0, 1).cpu()
        pictures = crops.mul(255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        # The crop's geometry is fixed, so where dlib would find the face in it is known; a search
        # would fail on some faces.
        face = self.side / HEAD_SCALE
        x, y, half = self.side / 2, self.side / 2 + (HEAD_LIFT + _LOWER) * face, _SIZE * face / 2
        edges = (x - half, y - half, x + half, y + half)
        rectangle = self._dlib.rectangle(*(round(edge) for edge in edges))
        vectors = []
        for picture in pictures:
            chip = self._dlib.get_face_chip(picture, self._predictor(picture, rectangle), size=150)
            vectors.append(np.array(self._network.compute_face_descriptor(chip)))
        return F.normalize(torch.from_numpy(np.stack(vectors)).float(), dim=1)


def _model(build: Callable[[str], Any], name: str) -> Any:
    from ..dlib_models import model_folder

    folder = model_folder()
    path = folder / name if folder else Path(name)
    try:
        return build(str(path))
    except RuntimeError as error:
        raise AssetError(
            f"cannot read the face model {path} ({error}); reinstall it with: "
            "pip install --force-reinstall face_recognition_models"
        ) from error


def load_embedder(name: str = "auto") -> Embedder:
    """The embedder of that name; "auto" is landmarks where its packages are installed, else tiny.

    Raises ConfigError for another name, MissingDependencyError for landmarks without its packages.
    """
    if name not in EMBEDDERS:
        raise ConfigError(
            f"embedder {quoted(name)} is unknown; choose one of {', '.join(EMBEDDERS)}"
        )
    if name == "tiny":
        return TinyEmbedder()
    try:
        return LandmarksEmbedder()
    except MissingDependencyError:
        if name == "landmarks":
            raise
        return TinyEmbedder()


def embedder_for(faces: Sequence[FaceAttributes]) -> Embedder:
    """The embedder of the kind of people that the detectors saw: painted ones are tiny's alone.

    Raises ConfigError for painted and photographed people together, whom no embedder can compare,
    MissingDependencyError for photographs without the packages of landmarks.
    """
    found = {face.detector for face in faces} - {"", OWN_MASK}
    if found == {"tiny"}:
        return load_embedder("tiny")
    if "tiny" in found:
        raise ConfigError(
            "some faces were found by the detector of painted ones and some by "
            f"{', '.join(sorted(found - {'tiny'}))}, and no embedder can compare the two; name the "
            "detector and the embedder: tiny for painted people, landmarks for photographs"
        )
    return load_embedder("landmarks" if found else "auto")


def _resized(crops: Tensor, side: int) -> Tensor:
    if crops.ndim != 4 or crops.shape[1] != 3 or 0 in crops.shape:
        raise ImageError(f"crops must have the shape (B, 3, s, s), not {tuple(crops.shape)}")
    if not torch.isfinite(crops).all():
        raise ImageError("a crop holds NaN or infinite values; what made it has failed")
    if tuple(crops.shape[2:]) == (side, side):
        return crops.float()
    return F.interpolate(
        crops.float(), (side, side), mode="bilinear", align_corners=False, antialias=True
    )
