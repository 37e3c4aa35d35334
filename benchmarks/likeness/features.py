"""What papers measure beside faces: CLIP-I, CLIP-T and DINO, where their weights are at hand."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from facea_core.errors import AssetError
from facea_core.evaluation import face_crop
from facea_core.io.images import crop, resize
from facea_core.types import Box, Photo

from .metrics import PARTS
from .subjects import Scene, Subject


@dataclass(frozen=True, eq=False)
class Features:
    """A vision model of transformers, from a folder; `text` too if it is CLIP."""

    model: Any
    processor: Any
    kind: str

    @property
    def name(self) -> str:
        """The kind and 8 hex digits of the weights: figures of another model are other figures."""
        digest = hashlib.sha256()
        for key, value in sorted(self.model.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.float().numpy().tobytes())
        return f"{self.kind} {digest.hexdigest()[:8]}"

    @torch.no_grad()
    def of_images(self, images: Sequence[Tensor]) -> Tensor:
        """Unit vectors `(N, D)` of pictures `(1, 3, H, W)` in [0, 1]."""
        given = [image[0].clamp(0, 1).mul(255).round().byte() for image in images]
        batch = self.processor(images=given, return_tensors="pt")["pixel_values"]
        if self.kind == "clip":
            seen = self.model.vision_model(pixel_values=batch).pooler_output
            return F.normalize(self.model.visual_projection(seen), dim=-1)
        return F.normalize(self.model(pixel_values=batch).last_hidden_state[:, 0], dim=-1)

    @torch.no_grad()
    def of_text(self, text: str) -> Tensor:
        """A unit vector `(1, D)`; CLIP only."""
        tokens = self.processor(text=[text], return_tensors="pt", truncation=True, padding=True)
        read = self.model.text_model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return F.normalize(self.model.text_projection(read), dim=-1)

    def measure(self, subject: Subject, scene: Scene, image: Tensor) -> dict[str, float]:
        """`clip_i` and `clip_t`, or `dino`: of the head against photos not learned from, and of the
        whole picture against what it should show. DINO compares parts as well, by their names."""
        made = Photo(image, scene.target)
        alike = self._alike(_head(made), [_head(photo) for photo in subject.heldout])
        if self.kind != "clip":
            parts = {}
            for name in PARTS:
                mine, *others = (_part(photo, name) for photo in (made, *subject.heldout))
                known = [other for other in others if other is not None]
                parts[name] = math.nan if mine is None else self._alike(mine, known)
            return {"dino": alike, **parts}
        said = ", ".join(text for text in (f"a photo of a {subject.noun}", scene.prompt) if text)
        shown = float(self.of_images([image]) @ self.of_text(said).T)
        return {"clip_i": alike, "clip_t": shown}

    def _alike(self, one: Tensor, others: Sequence[Tensor]) -> float:
        if not others:
            return math.nan
        return float((self.of_images([one]) @ self.of_images(others).T).mean())


def load_features(folder: Path) -> Features:
    """CLIP or a DINO from a folder in transformers' layout. Raises AssetError for anything else.

    Nothing is downloaded, and no code from the folder is run.
    """
    from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor

    try:
        about = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        kind = about.model_type
        if kind not in ("clip", "dinov2", "vit"):
            raise ValueError(f"it is a {kind!r}")
        reader = AutoProcessor if kind == "clip" else AutoImageProcessor
        processor = reader.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        said = str(error).partition("\n")[0]
        raise AssetError(
            f"{folder} is no CLIP or DINO in transformers' layout with safetensors ({said}); give "
            "the folder of openai/clip-vit-base-patch32, facebook/dinov2-base or the like"
        ) from error
    return Features(model.eval().requires_grad_(False), processor, kind)


def _head(photo: Photo) -> Tensor:
    return face_crop(photo.image, photo.attributes.face, 224)


def _part(photo: Photo, name: str) -> Tensor | None:
    """The square around a part."""
    part = photo.attributes.part(name)
    if part is None:
        return None
    (cx, cy), side = part.box.center, max(part.box.width, part.box.height)
    x0, y0 = round(cx - side / 2), round(cy - side / 2)
    return resize(crop(photo.image, Box(x0, y0, x0 + side, y0 + side)), (224, 224))
