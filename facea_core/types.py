"""The values that travel between detect, train, compose and evaluate.

Conventions everywhere in `facea_core`: image float32 `(B, 3, H, W)` RGB in [0, 1]; mask float32
`(B, 1, H, W)` in [0, 1], 1 = repaint; latent `(B, C, h, w)` already scaled; context `(B, L, D)`;
boxes are integer pixels, half-open, in the frame of the image they came with; `size` is (H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .box import Box, Size

if TYPE_CHECKING:
    from torch import Tensor

Outline = tuple[tuple[float, float], ...]
"""A closed polygon: its corners (x, y) in pixels, in the frame of the image they came with."""


@dataclass(frozen=True)
class Detection:
    """One answer of a detector, before selection.

    `box` is in the frame of the image that was searched; `score` in [0, 1]. `estimated` marks a box
    that was derived from the face's proportions and not seen; `source` is the name of the detector.
    `outlines` say more exactly what was seen, where a detector can; none = only the box. `face` is
    the box of the face that it is a part of, where the detector knows; None = proportions tell.
    """

    phrase: str
    box: Box
    score: float
    estimated: bool = False
    source: str = ""
    outlines: tuple[Outline, ...] = ()
    face: Box | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """One attribute found in one photo.

    `mask (1, 1, H, W)` of the whole image is a user's own and outweighs everything else; without it
    the part has the shape of its `outlines`, and without those a rounded one inside its box.
    `estimated` marks a part that was derived from the face's proportions and not seen.
    """

    attribute: str
    box: Box
    score: float
    mask: Tensor | None = None
    estimated: bool = False
    outlines: tuple[Outline, ...] = ()


@dataclass(frozen=True, eq=False)
class FaceAttributes:
    """One face of one image: its box and at most one part per attribute.

    `roll` is how far the eyes are turned from level, in degrees, clockwise positive as one looks at
    the image; None where only one eye, or one box around both, was seen. `others` counts the
    faces of the image that were seen and not taken.
    """

    size: Size
    face: Box
    score: float
    parts: tuple[Part, ...] = ()
    detector: str = ""
    notes: tuple[str, ...] = ()
    roll: float | None = None
    others: int = 0

    def part(self, attribute: str) -> Part | None:
        return next((part for part in self.parts if part.attribute == attribute), None)

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(part.attribute for part in self.parts)


@dataclass(frozen=True, eq=False)
class DetectedFaces:
    """What was found in a batch of images: `faces[i]` are those of image i, in their order.

    `attributes` is the word table that was asked for: a preset, or names with commas. `glances`
    (`images.glance`) tell in which images they were found; none = unknown.
    """

    attributes: str
    faces: tuple[tuple[FaceAttributes, ...], ...]
    glances: tuple[Tensor, ...] = ()

    @property
    def count(self) -> int:
        """Faces that were seen; one that stands for a whole image has the score 0."""
        return sum(face.score > 0 for faces in self.faces for face in faces)


@dataclass(frozen=True, eq=False)
class Photo:
    """An image of the person with the face that is meant. `image` is `(1, 3, H, W)`.

    `notes` says what was done to the picture on the way in (rotated, alpha removed, ...). `caption`
    says what is this photo's and not the person's: "smiling, at night".
    """

    image: Tensor
    attributes: FaceAttributes
    name: str = ""
    notes: tuple[str, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class BackboneSpec:
    """What the rest of the code may know about a model family.

    `prediction` is "epsilon" or "v_prediction"; `resolution` the native image side in pixels;
    `latent_factor` pixels per latent pixel; `widths` the embedding width of each text encoder,
    by the name its words carry in files (`clip_l`, `clip_h`, `clip_g`). `inpainting` says whether
    the U-Net is shown the mask and the image around it, in five channels beside the latent's own.
    """

    family: str
    resolution: int
    latent_channels: int
    latent_factor: int
    widths: Mapping[str, int]
    max_tokens: int
    prediction: str
    cfg: float
    architecture: str = ""
    inpainting: bool = True


@dataclass(frozen=True)
class StepReport:
    """What `on_step` receives, on the CPU, at every report interval.

    `loss` is the mean since the last report; `task_losses` by "global" / "local";
    `attribute_losses` by attribute; `rates` by parameter group ("words", "lora");
    `seconds` since the start of this run; `eta` seconds still to go. `previews` is `(N, 3, H, W)`
    when this report carries fixed-seed preview images; `painting` are the seconds that all of
    them took. `mode` is how a step runs ("captured", "eager: why"), `plan` how the training fits on
    the device.
    """

    step: int
    total: int
    loss: float
    task_losses: Mapping[str, float]
    attribute_losses: Mapping[str, float]
    rates: Mapping[str, float]
    seconds: float
    eta: float
    previews: Tensor | None = None
    painting: float = 0.0
    mode: str = ""
    plan: str = ""


OnStep = Callable[[StepReport], None]
"""Called from the training loop. To cancel, raise: nothing on the way catches it."""

OnTick = Callable[[int, int], None]
"""Called with (done, in all) of some work, often and at no cost to the device. To cancel, raise."""


@dataclass(frozen=True, eq=False)
class Word:
    """A learned embedding. `vectors` maps an encoder name to `(n, D)` float32 on the CPU.

    `placeholder` is "<identity>/<attribute>"; in a prompt it is spelled `embedding:<placeholder>`.
    """

    placeholder: str
    attribute: str
    initializer: str
    vectors: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class LoraWeights:
    """One adapted layer, float32 on the CPU: `down (r, in, ...)`, `up (out, r, ...)`.

    The layer's change is up @ down * alpha / r.
    """

    down: Tensor
    up: Tensor
    alpha: float


@dataclass(frozen=True)
class IdentityMeta:
    """What the file says about the training. Everything here round-trips through JSON.

    `family`, `prediction` and `backbone_hash` say what it was trained on; `class_noun` is "man",
    "woman", ...; `prompt` is the ready-made prompt with the person's words; `config` the whole
    training config; `scores` whatever was measured. `origin` is the same for runs that must give
    the same identity; `resolution` is the side in pixels that it learned at, `clip_skip` the layer
    of the text encoder that it was learned with, 1 = the last; 0 = unknown. `part_sizes` are the
    mean sides of each part in those of the face, under "<part>.width" and "<part>.height";
    `mixed_from` the shares, of 1, of the people that a blend is made of.
    """

    family: str
    backbone_hash: str
    class_noun: str
    prompt: str
    steps: int
    seed: int
    rank: int
    config: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    tool_version: str = ""
    created: str = ""
    origin: str = ""
    prediction: str = ""
    resolution: int = 0
    clip_skip: int = 0
    part_sizes: Mapping[str, float] = field(default_factory=dict)
    mixed_from: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Identity:
    """The trained person. `lora` is keyed by the layer's dotted path in the diffusers U-Net;
    `parts` are those of other people, by name, which only composing can show."""

    name: str
    words: tuple[Word, ...]
    lora: Mapping[str, LoraWeights]
    meta: IdentityMeta
    parts: Mapping[str, Identity] = field(default_factory=dict)

    def word(self, attribute: str) -> Word | None:
        return next((word for word in self.words if word.attribute == attribute), None)


@dataclass(frozen=True)
class CropPlan:
    """A square crop of an image and the size it is painted at; invertible by `stitch`.

    `box` may reach outside the image of `source` size (H, W): the crop is then padded by
    repeating the border. `size` (H, W) is what the model sees, a multiple of 8.
    """

    source: Size
    box: Box
    size: Size


@dataclass(frozen=True)
class Choice:
    """Which of a face's candidates was `kept`, counted from 0, and why.

    `fits` in [0, 1] say how well each meets the image, `likeness` how like the person each is, a
    cosine; empty where there was nothing to tell it by.
    """

    kept: int
    fits: tuple[float, ...]
    likeness: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Composition:
    """A finished image and how it came about. All tensors on the CPU.

    `image (1, 3, H, W)` equals the input bit for bit where `mask (1, 1, H, W)` is 0; `crops` are
    what the model saw, `patches` what it painted, one pair per face in `plans`; `choices` has one
    for each of those faces if there were several candidates.
    """

    image: Tensor
    mask: Tensor
    plans: tuple[CropPlan, ...]
    crops: tuple[Tensor, ...]
    patches: tuple[Tensor, ...]
    notes: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
