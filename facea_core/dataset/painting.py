"""One person painted into one host picture, with the words of a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor

from ..backbone import Backbone, ControlNet
from ..composing import ComposeConfig, Control, TargetFace, compose_identity, face_mask
from ..composing.edit import edit_target, edited, edited_parts
from ..detection import DetectConfig, detect_attributes
from ..detection.base import Detector
from ..errors import ConfigError
from ..hints import HintConfig, draw_hints
from ..io.images import from_pil, to_pil
from ..restoring.degrade import Damage, degrade
from ..types import DetectedFaces, Identity
from .grid import QUALITIES
from .hosts import Host

Paint = Callable[[Host, Tensor, Tensor | None, Sequence[str], int], Tensor]
"""(host, its picture, what is kept in front of the face, words, seed) -> the painted picture."""

Compose = Callable[[Tensor, TargetFace, ComposeConfig], Tensor]
"""(picture, face, how) -> the picture with that face painted: what a model has to do."""

_PARTS = DetectConfig("face, eyes, nose, mouth, hair", on_missing="pass")

_CLEAN, _BLURRED, _COMPRESSED = QUALITIES

_BLUR = 0.012
"""Deviation of a blur in sides of the face: about what an amber photo has, see AuditConfig."""

_JPEG = 30


Steer = Callable[[Host, Tensor], Sequence[Control]]
"""(host, its picture) -> hints of its face, that the person is painted in the same pose."""


def painter(
    backbone: Backbone,
    identity: Identity,
    detector: Detector,
    config: ComposeConfig,
    steer: Steer | None = None,
) -> Paint:
    """As `painter_by`, with a backbone; parts that are painted a second time are not steered."""

    def paint(
        host: Host, image: Tensor, keep: Tensor | None, words: Sequence[str], seed: int
    ) -> Tensor:
        hints = steer(host, image) if steer else ()

        def compose(picture: Tensor, face: TargetFace, how: ComposeConfig) -> Tensor:
            control = hints if face.edit is None else ()
            return compose_identity(picture, [face], backbone, how, control=control).image

        return painter_by(compose, identity, detector, config)(host, image, keep, words, seed)

    return paint


def steered_by(network: ControlNet, kind: str, strength: float) -> Steer:
    """Hints of the host's face for a ControlNet, drawn as `hints` draws that kind."""
    config = HintConfig(kind)

    def steer(host: Host, image: Tensor) -> Sequence[Control]:
        (hint,) = draw_hints([image], DetectedFaces("face", ((host.face,),)), config)
        return (Control(network, hint.image, strength),)

    return steer


def painter_by(
    compose: Compose, identity: Identity, detector: Detector, config: ComposeConfig
) -> Paint:
    """Paints by the person's words and those of a cell.

    Words about a part of the face ("smiling") are painted a second time into that part, laid out by
    the model without the person: beside a person's LoRA alone they are rarely followed.
    """

    def paint(
        host: Host, image: Tensor, keep: Tensor | None, words: Sequence[str], seed: int
    ) -> Tensor:
        how = replace(config, seed=seed)
        target = TargetFace(
            face_mask(host.face, how), identity, prompt_of(identity, host, words), keep=keep
        )
        made = compose(image, target, how)
        for text in words:
            if parts := parts_about(text):
                (face,) = detect_attributes([made], detector, _PARTS)
                assert face is not None  # "pass" answers for every picture
                target = replace(edit_target(face, parts, how), identity=identity, keep=keep)
                made = compose(made, edited(target, text, parts), how)
        return made

    return paint


def prompt_of(identity: Identity, host: Host, words: Sequence[str]) -> str:
    """The person's own prompt, what the host shows beside them, and the words of a cell."""
    return ", ".join(one for one in (identity.meta.prompt, host.prompt, *words) if one)


def parts_about(text: str) -> tuple[str, ...]:
    """The parts of the face that words speak of, as FaceA Edit finds them; none = the prompt's."""
    try:
        return edited_parts(text)
    except ConfigError:
        return ()


def with_quality(image: Tensor, quality: str, side: int, seed: int) -> Tensor:
    """The picture `(1, 3, H, W)` blurred or compressed, with a face of `side` pixels.

    Values are those of a file with 8 bits, so that what is looked at is what is written.
    """
    damage = {
        _BLURRED: Damage(blur=_BLUR * side),
        _COMPRESSED: Damage(jpeg=_JPEG),
    }.get(quality)
    image = image if damage is None else degrade(image, damage, seed)
    return from_pil(to_pil(image))
